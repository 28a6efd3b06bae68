/* SPDX-License-Identifier: Apache-2.0 */
/* What modalities whose configuration and weights are in a model directory share. */
#ifndef PLG_MODALITY_H
#define PLG_MODALITY_H

#include "weft/sdk.h"

/* Allocates `bytes` bytes of zeroed memory for a modality's own struct and sets *self to it. The
 * modality's destroy frees it. On failure *self is NULL. id: the plugin's id, for messages.
 * UNSUPPORTED where mi has no model directory; NOMEM. [setup] */
weft_status plg_modality_new(const weft_host *h, const weft_model_info *mi, const char *id,
                             size_t bytes, void **self, weft_error *err);

#endif
