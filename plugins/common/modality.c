/* SPDX-License-Identifier: Apache-2.0 */
/* What modalities whose configuration and weights are in a model directory share. */
#include "modality.h"

#include <string.h>

weft_status plg_modality_new(const weft_host *h, const weft_model_info *mi, const char *id,
                             size_t bytes, void **self, weft_error *err)
{
    *self = NULL;
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "%s was given no model directory", id);
    void *m = h->alloc(h, bytes, 16);
    if (m == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", id);
    memset(m, 0, bytes);
    *self = m;
    return WEFT_OK;
}
