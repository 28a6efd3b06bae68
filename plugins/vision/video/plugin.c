/* SPDX-License-Identifier: Apache-2.0 */
/* weft.video: descriptor and entry. Clips for Llama 3 text models, by the video adapter of the
 * paper: frames through weft.vision's encoder, a perceiver resampler over time, cross-attention. */
#include "../../common/decoder.h"
#include "video.h"

static const char *const needs[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE,  WEFT_IF_WEIGHTS,
                                    WEFT_IF_OPS,     WEFT_IF_SERVICES, NULL};
static const char *const services[] = {WEFT_IF_VISION_ENCODER, NULL};

static const weft_option options[] = {
    {WEFT_HDR(weft_option), VID_OPT_ENCODER, WEFT_OPT_PACKAGE, 0, NULL, NULL,
     "directory of the picture encoder; without it the image adapter's is shared"},
    {WEFT_HDR(weft_option), VID_OPT_BATCH, WEFT_OPT_I64, 0, "256", "1..1048576",
     "MiB of memory for the frames that are encoded at once"},
};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "video", &vid_modality_table},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = VID_ID,
    .name = "Llama 3 video adapter",
    .version = VID_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .needs_service = services,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(VID_ID, VID_VERSION,
            "components=modality:video\narchitectures=" VID_ARCHITECTURE
            "\nneeds=" WEFT_IF_VISION_ENCODER "\n",
            &descriptor, NULL, NULL)
