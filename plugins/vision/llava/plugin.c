/* SPDX-License-Identifier: Apache-2.0 */
/* weft.llava: descriptor and entry. Pictures for LLaVA and LLaVA-NeXT on a Llama (CLIP or SigLIP, a
 * projector of two layers), and the text map of their directories. */
#include "llava.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "image", &llv_image_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, LLV_ARCHITECTURE, &llv_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = LLV_ID,
    .name = "LLaVA image adapter",
    .version = LLV_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(LLV_ID, LLV_VERSION,
            "components=modality:image,checkpoint:" LLV_ARCHITECTURE
            "\narchitectures=" LLV_ARCHITECTURE "," LLV_ARCHITECTURE_NEXT "\n",
            &descriptor, llv_textmap_init, llv_textmap_deinit)
