/* SPDX-License-Identifier: Apache-2.0 */
/* weft.idefics: descriptor and entry. Pictures for the Idefics models (Flamingo's architecture:
 * ViT, perceiver resampler, gated cross-attention), and the text map of their directories. */
#include "idefics.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "image", &idf_image_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, IDF_ARCHITECTURE, &idf_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = IDF_ID,
    .name = "Idefics image adapter",
    .version = IDF_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(IDF_ID, IDF_VERSION,
            "components=modality:image,checkpoint:" IDF_ARCHITECTURE
            "\narchitectures=" IDF_ARCHITECTURE "\n",
            &descriptor, idf_textmap_init, idf_textmap_deinit)
