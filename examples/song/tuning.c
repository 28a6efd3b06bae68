/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that brings a service alone: no component, one option. Equal temperament: note n has
 * a4 * 2^((n - 69) / 12) Hz. */
#include <weft/sdk.h>

#include <math.h>

#include "tuning.h"

#define ID "org.example.tuning"

typedef struct tuning {
    double a4;
} tuning;

static double hertz(void *self, int32_t note)
{
    return ((const tuning *)self)->a4 * exp2((note - 69) / 12.0);
}

static const tuning_service table = {WEFT_HDR(tuning_service), hertz};

/* One state for each engine, which is why it hangs on the host's slot. */
static weft_status init(const weft_host *h, weft_error *err)
{
    const weft_if_services *services =
        (const weft_if_services *)h->get_interface(h, WEFT_IF_SERVICES);
    const weft_if_options *options = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    tuning                *t = (tuning *)h->alloc(h, sizeof *t, 16);
    if (t == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory");
    t->a4 = options->f64(h, "a4");
    weft_status status = services->publish(h, TUNING_SERVICE, &table, t, err);
    if (status == WEFT_OK)
        *h->slot = t;
    else
        h->free(h, t);
    return status;
}

static void deinit(const weft_host *h)
{
    h->free(h, *h->slot);
}

static const char *const     needs_host[] = {WEFT_IF_SERVICES, WEFT_IF_OPTIONS, NULL};
static const char *const     gives[] = {TUNING_SERVICE, NULL};
static const weft_option     options[] = {{WEFT_HDR(weft_option), "a4", WEFT_OPT_F64, 0, "440",
                                           "100..1000", "Hz of the A above middle C"}};
static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = ID,
    .name = "Equal temperament",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .needs_host = needs_host,
    .gives_service = gives,
    .options = options,
    .n_options = 1,
};
WEFT_PLUGIN(ID, "0.1.0", "gives=" TUNING_SERVICE "\n", &descriptor, init, deinit)
