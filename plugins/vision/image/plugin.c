/* SPDX-License-Identifier: Apache-2.0 */
/* weft.vision: descriptor and entry. Pictures for Llama 3 text models, by the image adapter of the
 * Mllama architecture, and the text map of its directories. */
#include "vision.h"
#include "weft/services/vision_encoder.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS,  WEFT_IF_OPS,
                                    WEFT_IF_KERNELS, WEFT_IF_SERVICES, NULL};
static const char *const gives[] = {WEFT_IF_VISION_ENCODER, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "image", &vis_image_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, VIS_ARCHITECTURE, &vis_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = VIS_ID,
    .name = "Llama 3 image adapter",
    .version = VIS_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .gives_service = gives,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

static void deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status init(const weft_host *h, weft_error *err)
{
    vis_engine *e = h->alloc(h, sizeof *e, 16);
    if (e == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", VIS_ID);
    memset(e, 0, sizeof *e);
    *h->slot = e;
    weft_status status = vis_kernels_add(h, err);
    if (status == WEFT_OK)
        status = vis_service_publish(h, err);
    if (status != WEFT_OK)
        deinit(h);
    return status;
}

WEFT_PLUGIN(VIS_ID, VIS_VERSION,
            "components=modality:image,checkpoint:" VIS_ARCHITECTURE
            "\narchitectures=" VIS_ARCHITECTURE "\ngives=" WEFT_IF_VISION_ENCODER "\n",
            &descriptor, init, deinit)
