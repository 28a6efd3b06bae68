/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ultravox: descriptor and entry. Speech for an untouched Llama 3 text model: Ultravox's
 * checkpoints, a Whisper encoder and a projector. */
#include "ultravox.h"

static const char *const needs[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS,
                                    WEFT_IF_OPTIONS, WEFT_IF_KERNELS, NULL};

static const weft_option options[] = {
    {WEFT_HDR(weft_option), VOX_AUDIO, WEFT_OPT_PACKAGE, 0, NULL, NULL,
     "directory of the Whisper checkpoint whose encoder the adapter was trained on, where its own "
     "directory does not hold one"},
};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "audio", &vox_audio_modality},
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, VOX_ARCH, &vox_checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = VOX_ID,
    .name = "Ultravox speech adapter",
    .version = VOX_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .options = options,
    .components = components,
    .n_options = sizeof options / sizeof *options,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(VOX_ID, VOX_VERSION,
            "components=modality:audio,checkpoint:" VOX_ARCH "\narchitectures=" VOX_ARCH
            "," VOX_ARCH_SHUKA "\n",
            &descriptor, vox_checkpoint_init, vox_checkpoint_deinit)
