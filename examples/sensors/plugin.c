/* SPDX-License-Identifier: Apache-2.0 */
/* How the plugin introduces itself: what it offers, what it needs, what the user may set. */
#include "sensors.h"

static const weft_option options[] = {
    {WEFT_HDR(weft_option), "max_rows", WEFT_OPT_I64, 0, "1024", "1..65536",
     "readings that one table may have"},
};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "csv", &sensors_decoder},
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "readings", &sensors_modality},
};
/* The host refuses us where one of these is missing, so that get_interface need not be doubted. */
static const char *const needs_host[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS,
                                         WEFT_IF_OPS, NULL};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "org.example.sensors",
    .name = "Sensor readings",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .url = "",
    .needs_host = needs_host,
    .options = options,
    .n_options = 1,
    .components = components,
    .n_components = 2,
};

/* magic: "time," and "time_", with which the files of csv.c begin: for others this library stays
 * closed. */
WEFT_PLUGIN("org.example.sensors", "0.1.0",
            "components=decoder:csv,modality:readings\nkinds=" SENSORS_KIND
            "\nmagic=0:74696d652c,0:74696d655f\n",
            &descriptor, NULL, NULL)
