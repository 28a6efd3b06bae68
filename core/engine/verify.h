/* SPDX-License-Identifier: Apache-2.0 */
/* One verification: what was computed, and its comparison with the file. */
#ifndef WF_VERIFY_H
#define WF_VERIFY_H

#include "core/engine/sequence.h"
#include "core/io/safetensors.h"

#define WF_VERIFY_ITEMS 64

typedef struct verify {
    weft_engine               *e;
    const weft_verify_request *rq;
    wf_st_file                 file;
    char                       path[4096];
    weft_tensor               *tensors; /* the file's inputs for the modalities, host */
    const char               **names;
    uint32_t                   n_tensors, n_items;
    weft_item                 *items[WF_VERIFY_ITEMS];
    float                     *outputs[WF_VERIFY_ITEMS][WEFT_MAX_OUTPUTS];
    weft_sequence             *seq;
    float                     *logits; /* [T, vocab] */
    float                     *hidden; /* [n_layers + 1, T, d_model] */
    int64_t                   *greedy; /* computed ids */
    int64_t                    n_greedy, n_rows; /* n_rows: T */
    int32_t                    opened, bf16, passed, reserved;
} verify;

weft_status wf_parity_load(const wf_st_file *f, const wf_st_tensor *t, void **out, weft_error *err);
weft_status wf_verify_compare(verify *v, weft_error *err);
weft_status wf_verify_dump(verify *v, weft_error *err);

#endif
