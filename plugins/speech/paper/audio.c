/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording to the encoder's input, by clip.c. */
#include "speech.h"

weft_status spk_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err)
{
    return spk_clip_read(&((const spk_modality *)self)->mel, media, p, inputs[0].data, err);
}
