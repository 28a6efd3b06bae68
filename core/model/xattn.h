/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-attention sites: running one over the rows that see an item, and computing the keys and
 * values of items. */
#ifndef WF_XATTN_H
#define WF_XATTN_H

#include "core/model/pass.h"

/* Enqueues one site over the rows that see an item; the batch has m rows in all. */
weft_status wf_xattn_run(wf_decoder *d, const wf_site *s, const wf_seen *seen, int64_t m,
                         weft_error *err);

/* Enqueues the projection of an item's rows [n, d_src] to the K/V pages of every site of its
 * stream. slot: device [n], site 0. */
weft_status wf_decoder_project(wf_decoder *d, int32_t stream, const float *rows, int64_t n,
                               const int64_t *slot, weft_error *err);

#endif
