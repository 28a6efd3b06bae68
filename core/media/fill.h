/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that decoders fill: whether it is a place for what was asked, and whether it was filled.
 *
 * It is zeroed before the call, so that what a decoder leaves out is at least the same every time.
 * Under validation (the option `validate`) the decoder gets memory of the host's own instead, in
 * which every byte has a known value, with guards on both sides. */
#ifndef WF_FILL_H
#define WF_FILL_H

#include <stdbool.h>
#include <stddef.h>

#include "weft/base.h"

/* Whether dst, which a plugin gave, can hold values of the dtype and shape in C order: host memory,
 * no strides, enough of it, and a last axis as long as theirs. *out: a view of just that shape over
 * it. INVALID, marked as a misuse, with `call` and what it holds ("read_audio: dst: ..."). */
weft_status wf_fill_place(const char *call, const weft_tensor *dst, weft_dtype dtype, int32_t ndim,
                          const int64_t *shape, weft_tensor *out, weft_error *err);

/* The same for n samples of so many channels in read_audio; *got becomes 0. n may be 0. */
weft_status wf_fill_samples(int32_t channels, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_tensor *out, weft_error *err);
/* Such a refusal for another reason. */
weft_status wf_fill_refuse(const char *call, const char *why, weft_error *err);

typedef struct wf_fill {
    weft_tensor view;  /* for the decoder: in C order, all that it may write */
    void       *dst;   /* where the values go at the end */
    uint8_t    *guard; /* under validation: guard, values, guard; owned */
} wf_fill;

/* dst: a view by wf_fill_place, or of the host's own. On failure there is nothing to end. */
weft_status wf_fill_begin(wf_fill *f, const weft_tensor *dst, bool validate, weft_error *err);
/* Of the first `bytes`, which the decoder says it wrote: what it did instead, as words behind
 * "PLUGIN gave". False: nothing, or no validation. */
bool wf_fill_fault(const wf_fill *f, uint64_t bytes, char *text, size_t cap);
/* Hands the first `bytes` over, the rest unusable under validation, and frees. */
void wf_fill_end(wf_fill *f, uint64_t bytes);

/* Gives n bytes values that no result has by chance: of floats, NaN. */
void wf_poison(void *p, uint64_t n);
/* Is the float just what wf_poison left? */
bool wf_is_poison(float v);

#endif
