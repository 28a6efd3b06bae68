/* SPDX-License-Identifier: Apache-2.0 */
/* weft.granite_speech: descriptor and entry. Speech for Granite text models: IBM's Granite Speech
 * directories, a conformer and a Q-Former before the text model, and the text map of them. */
#include "granite.h"

#include "../../common/textmap.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, WEFT_IF_KERNELS,
                                    NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "audio", &gsp_audio_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, GSP_ARCH, &gsp_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = GSP_ID,
    .name = "Granite Speech adapter",
    .version = GSP_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

static weft_status init(const weft_host *h, weft_error *err)
{
    weft_status status = plg_textmap_init(h, err);
    if (status != WEFT_OK)
        return status;
    status = gsp_kernels_add(h, err);
    if (status != WEFT_OK)
        plg_textmap_deinit(h);
    return status;
}

WEFT_PLUGIN(GSP_ID, GSP_VERSION,
            "components=modality:audio,checkpoint:" GSP_ARCH "\narchitectures=" GSP_ARCH
            "," GSP_ARCH_PLUS "\n",
            &descriptor, init, plg_textmap_deinit)
