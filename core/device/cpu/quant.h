/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in q8 and q4 on a CPU: one packed layout for all levels, and what a level does better.
 * The formats and their sums: core/ops/op.h. Since the sums are the same everywhere, a level is
 * chosen by speed alone and never changes a byte.
 *
 * Layout: panels of 32 columns (rows of w), the last one padded with columns of scale 0. A panel is
 * its groups one after the other, and a group is
 *   q8, 1088 bytes: 32 scales, f16; then 8 times 32 columns of 4 bytes: element 4 j + b of column c
 *                   is byte 64 + (32 j + c) 4 + b, with 128 added so that it is no negative number
 *   q4,  640 bytes: 32 scales and 32 minima, f16; then 4 times 32 columns of 4 bytes: elements
 *                   4 j + b (low four bits) and 4 j + b + 16 (high) of column c are byte
 *                   128 + (32 j + c) 4 + b
 * so that four neighbours along k are one lane of an instruction that adds four products of bytes.
 */
#ifndef WF_CPU_QUANT_H
#define WF_CPU_QUANT_H

#include "core/device/cpu/dispatch.h"
#include "core/device/cpu/quant_block.h"

#define WF_Q_PANEL WF_BLOCK_ROWS
#define WF_Q8_GROUP 1088
#define WF_Q4_GROUP 640
#define WF_QUANT_ROWS 264 /* rows of x that are made ready at a time */

static inline int64_t wf_groups(int64_t k)
{
    return (k + WF_GROUP - 1) / WF_GROUP;
}

/* Bytes of one group of a panel, and where its elements begin. */
static inline int64_t wf_quant_group(int32_t format)
{
    return format == WF_Q8 ? WF_Q8_GROUP : WF_Q4_GROUP;
}

static inline int64_t wf_quant_elements(int32_t format)
{
    return format == WF_Q8 ? 2 * WF_Q_PANEL : 4 * WF_Q_PANEL;
}

/* Rows of x made ready for a tile: group by group, and in a group all rows' q (32 int8 each), then
 * their dx (f32), then what the sum of q becomes: in q8 the int32 -128 * (sum of q), which takes
 * back the 128 of the weights; in q4 the f32 dx * (sum of q). */
#define WF_Q_ROW (WF_GROUP + 8) /* bytes of a group of a row */

static inline int64_t wf_quant_dx_at(int64_t rows)
{
    return rows * WF_GROUP;
}

static inline int64_t wf_quant_sum_at(int64_t rows)
{
    return rows * (WF_GROUP + 4);
}

/* acc [rows, 32] += rows of x times the groups of a panel. A tile of rests has the same layout, one
 * group and rows that need not be neighbours: row r of it adds to row at[r] of acc. */
typedef struct wf_quant_tile {
    float          *acc;
    const uint8_t  *x, *w;
    const uint16_t *at;   /* [rows] of rests, else NULL */
    const uint8_t *fetch; /* weights that come next: a group fetches fetch_bytes of them, in turn */
    int64_t        groups, fetch_bytes;
    int32_t        rows, format;
} wf_quant_tile;

/* What a level replaces. */
typedef struct wf_quant_kernels {
    int32_t tile_rows, rest_rows; /* the most that a tile may have, and one of rests */
    /* Row r of a tile of `rows` from x [k]. */
    void (*prepare)(uint8_t *tile, int64_t r, int64_t rows, const float *x, int64_t k,
                    int32_t format);
    /* Row r of a tile of rests: what rounding leaves of a group x [32]. */
    void (*prepare_rest)(uint8_t *tile, int64_t r, int64_t rows, const float *x, int32_t format);
    void (*tile)(const wf_quant_tile *t);
    void (*rest_tile)(const wf_quant_tile *t);
    /* acc + rest [rows, 32] with its epilogue into y at (row, column); rest may be NULL, for 0. */
    void (*finish)(const wf_linear *a, const float *acc, const float *rest, int64_t row,
                   int64_t rows, int64_t column, int64_t columns);
    /* The rows of a that lie in panel p. */
    void (*pack_panel)(const wf_pack *a, int64_t p);
    /* The same rows, as hosts keep them, to their places in dst [rows of a]; by: as
     * wf_quantize_rows. */
    void (*host_panel)(const wf_pack *a, int64_t p, const float *by, uint8_t *dst);
} wf_quant_kernels;

extern const wf_quant_kernels wf_quant_reference;

/* As wf_ops.weight_bytes. */
uint64_t    wf_quant_weight_bytes(int32_t format, int64_t n, int64_t k);
weft_status wf_quant_linear(wf_exec *ex, const wf_linear *a);
weft_status wf_quant_pack(wf_exec *ex, const wf_pack *a);
/* Rows 0..rows-1 of a, which are plain elements, in a.w.format as hosts keep it (core/ops/op.h):
 * the bytes that pack would put into panels. a.w.data is not looked at. dst [rows, wf_row_bytes].
 * by, of q4 alone: how much the error of each column counts, [groups of a row * WF_GROUP], 0 or
 * more and in no group all 0; NULL: all the same, as pack has it. */
void        wf_quantize_rows(const wf_ops *ops, wf_pool *pool, const wf_pack *a, const float *by,
                             uint8_t *dst);
weft_status wf_quant_embed(wf_exec *ex, const wf_embed *a);
/* Scratch that wf_quant_linear takes, every thread's own part of it included. */
uint64_t wf_quant_scratch_bytes(const wf_exec *ex, int64_t m, int64_t k);

#if defined(__x86_64__)
void wf_quant_init_avx2(wf_ops *ops, uint64_t cpu_flags);
void wf_quant_init_avxvnni(wf_ops *ops, uint64_t cpu_flags);
void wf_quant_init_avx512vnni(wf_ops *ops, uint64_t cpu_flags);
void wf_quant_init_amx(wf_ops *ops, uint64_t cpu_flags);
#elif defined(__aarch64__)
void wf_quant_init_neon(wf_ops *ops, uint64_t cpu_flags);
void wf_quant_init_dotprod(wf_ops *ops, uint64_t cpu_flags);
#endif

#endif
