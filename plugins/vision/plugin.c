/* SPDX-License-Identifier: Apache-2.0 */
/* weft.vision: descriptor and entry. Pictures for Llama 3 text models, by the image adapter of the
 * Mllama architecture, and the text map of its directories. */
#include "vision.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, WEFT_IF_KERNELS,
                                    NULL};

static const weft_component components[] = {
    {WEFT_C_MODALITY, "image", &vis_image_modality},
    {WEFT_C_CHECKPOINT, VIS_ARCHITECTURE, &vis_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = VIS_ID,
    .name = "Llama 3 image adapter",
    .version = VIS_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

static weft_status init(const weft_host *h, weft_error *err)
{
    weft_status status = vis_textmap_init(h, err);
    if (status != WEFT_OK)
        return status;
    status = vis_kernels_add(h, err);
    if (status != WEFT_OK)
        vis_textmap_deinit(h);
    return status;
}

static void deinit(const weft_host *h)
{
    vis_textmap_deinit(h);
}

WEFT_PLUGIN(VIS_ID, VIS_VERSION,
            "components=modality:image,checkpoint:" VIS_ARCHITECTURE
            "\narchitectures=" VIS_ARCHITECTURE "\n",
            &descriptor, init, deinit)
