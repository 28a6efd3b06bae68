/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of GGUF's types as rows of weft's formats, and as numbers.
 * Source: ggml, src/ggml-common.h (blocks) and src/ggml-quants.c (dequantize_row_*). */
#ifndef WF_MODEL_GGUF_BLOCKS_H
#define WF_MODEL_GGUF_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* A type that can be read: what it is held as. */
typedef struct wf_gguf_rows {
    int32_t type;   /* ggml's number */
    int32_t format; /* WF_F32 to WF_Q4 */
    bool    plain;  /* the stored bytes are the format's */
    bool    exact;  /* every number stays what it was */
    /* Where they are not: k elements (a multiple of the type's block) to a row of the format. */
    void (*convert)(uint8_t *dst, const uint8_t *src, int64_t k);
    void (*numbers)(float *dst, const uint8_t *src, int64_t k); /* k elements as f32; NULL: plain */
} wf_gguf_rows;

/* NULL: a type that is not read here. */
const wf_gguf_rows *wf_gguf_rows_of(int32_t type);
/* k elements of q8 or q4 as f32: the formulas of core/ops/op.h. */
void wf_gguf_group_numbers(float *dst, const uint8_t *src, int64_t k, int32_t format);

#endif
