/* SPDX-License-Identifier: Apache-2.0 */
/* weft.voxtral: descriptor and entry. Speech for Voxtral (a Whisper encoder, a projector of two
 * layers), and the text map of its directories. */
#include "voxtral.h"

#include "../../common/textmap.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "audio", &vxt_audio_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, VXT_ARCHITECTURE, &vxt_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = VXT_ID,
    .name = "Voxtral speech adapter",
    .version = VXT_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(VXT_ID, VXT_VERSION,
            "components=modality:audio,checkpoint:" VXT_ARCHITECTURE
            "\narchitectures=" VXT_ARCHITECTURE "\n",
            &descriptor, plg_textmap_init, plg_textmap_deinit)
