/* SPDX-License-Identifier: Apache-2.0 */
/* weft.idefics3: descriptor and entry. Pictures for Idefics3, SmolVLM, SmolVLM2 and Granite Docling
 * (SigLIP, pixel shuffle, one linear layer, tiles with marks of their places), clips for SmolVLM2,
 * and the text map of their directories. */
#include "idefics3.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "image", &id3_image_modality},
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "clip", &id3_clip_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, ID3_ARCHITECTURE, &id3_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = ID3_ID,
    .name = "Idefics3 and SmolVLM image adapter",
    .version = ID3_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(ID3_ID, ID3_VERSION,
            "components=modality:image,modality:clip,checkpoint:" ID3_ARCHITECTURE
            "\narchitectures=" ID3_ARCHITECTURE "," ID3_ARCHITECTURE_SMOL "\n",
            &descriptor, id3_textmap_init, id3_textmap_deinit)
