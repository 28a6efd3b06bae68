/* SPDX-License-Identifier: Apache-2.0 */
/* The list of the encoder families. A new family is one more entry. */
#include "encoder.h"

const spk_encoder *spk_encoder_find(const char *model_type)
{
    static const spk_encoder *const known[] = {&spk_conformer, &spk_w2vbert};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(model_type, known[i]->model_type) == 0)
            return known[i];
    return NULL;
}
