/* SPDX-License-Identifier: Apache-2.0 */
/* What modalities that live in a model directory have in common. */
#ifndef PLG_MODALITY_H
#define PLG_MODALITY_H

#include "weft/sdk.h"

/* bytes of zeroed memory in *self, which the modality's destroy gives back; NULL on failure. id:
 * the plugin's, for messages. UNSUPPORTED: mi has no model directory. NOMEM. [setup] */
weft_status plg_modality_new(const weft_host *h, const weft_model_info *mi, const char *id,
                             size_t bytes, void **self, weft_error *err);

#endif
