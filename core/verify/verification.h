/* SPDX-License-Identifier: Apache-2.0 */
/* One verification: what was computed, and its comparison with the file. */
#ifndef WF_VERIFICATION_H
#define WF_VERIFICATION_H

#include "core/io/safetensors.h"
#include "core/verify/verify.h"

#define WF_VERIFY_ITEMS 64

typedef struct verify {
    const wf_verify_env       *env;
    const wf_config           *config; /* of the text core */
    const weft_verify_request *rq;
    wf_st_file                 file;
    char                       path[4096];
    weft_tensor               *tensors; /* the file's inputs for the modalities, host */
    const char               **names;
    uint32_t                   n_tensors, n_items;
    weft_item                 *items[WF_VERIFY_ITEMS];
    float                     *outputs[WF_VERIFY_ITEMS][WF_MAX_OUTPUTS];
    weft_sequence             *seq;
    float                     *logits;                             /* [T, vocab] */
    float                     *hidden;                             /* [n_layers + 1, T, d_model] */
    int64_t                   *greedy;                             /* computed ids */
    int64_t                    n_greedy, n_rows;                   /* n_rows: T */
    int32_t                    bf16, passed, n_compared, reserved; /* n_compared: tensors */
} verify;

/* A tensor of the file in host memory; the caller frees it with wf_free_aligned. */
weft_status wf_parity_load(const wf_st_file *f, const wf_st_tensor *t, void **out, weft_error *err);

/* Items of one file may be of several modalities: their outputs go by name. Which output of item k
 * has this one; -1: none. */
int32_t wf_verify_output(const verify *v, uint32_t k, const char *name);
/* How many numbers the outputs of this name hold over all items. */
uint64_t wf_verify_numel(const verify *v, const char *name);
/* Every name once, in the order of the items. */
typedef weft_status (*wf_verify_output_fn)(verify *v, void *ctx, const char *name, weft_error *err);
weft_status wf_verify_each_output(verify *v, wf_verify_output_fn fn, void *ctx, weft_error *err);

/* compare.c: what was computed against what the file expects; tells each row. */
weft_status wf_verify_compare(verify *v, weft_error *err);
/* dump.c: what was computed to the file that the request names. */
weft_status wf_verify_dump(verify *v, weft_error *err);

#endif
