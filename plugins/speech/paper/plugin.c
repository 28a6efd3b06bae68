/* SPDX-License-Identifier: Apache-2.0 */
/* weft.speech: descriptor and entry. Speech for Llama 3 text models: the conformer and adapter of
 * the paper, and Wav2Vec2-BERT directories as they are. */
#include "speech.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS, WEFT_IF_KERNELS,
                                    NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "audio", &spk_audio_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, SPK_ARCH_W2V, &spk_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = SPK_ID,
    .name = "Llama 3 speech adapter",
    .version = SPK_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

static weft_status init(const weft_host *h, weft_error *err)
{
    return spk_kernels_add(h, err);
}

static void deinit(const weft_host *h)
{
    (void)h;
}

WEFT_PLUGIN(SPK_ID, SPK_VERSION,
            "components=modality:audio,checkpoint:" SPK_ARCH_W2V "\narchitectures=" SPK_ARCH_W2V
            "," SPK_ARCH_OWN "\n",
            &descriptor, init, deinit)
