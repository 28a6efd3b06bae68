/* SPDX-License-Identifier: Apache-2.0 */
/* Prepares the encoder's input from a recording; ../shared/clip.c does the work. */
#include "speech.h"

weft_status spk_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err)
{
    return spk_clip_read(&((const spk_modality *)self)->mel, media, p, inputs[0].data, err);
}
