/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/device/cpu share: the packed weight layout, the cut over threads, the
 * parts of an op that variants replace, and each level's way into the table. */
#ifndef WF_OPS_INTERNAL_H
#define WF_OPS_INTERNAL_H

#include "core/base/mem.h"
#include "core/device/cpu/dispatch.h"
#include "core/base/half.h"
#include "core/device/cpu/math.h"

/* ---- work over threads ---- */

typedef void (*wf_range_fn)(void *ctx, int64_t begin, int64_t end);

/* fn over 0..n-1, which wf_pool_deal() deals out in grains; on the caller alone where there is one
 * grain. */
void wf_range_run(wf_exec *ex, int64_t n, int64_t grain, wf_range_fn fn, void *ctx);

/* Rows for a thread so that it gets about 16 Ki elements: less is not worth waking it. */
static inline int64_t wf_row_grain(int64_t n)
{
    return n >= 16384 ? 1 : 16384 / (n > 0 ? n : 1);
}

/* Where line `line` of a tensor over four axes starts: lines are the last axis, counted in C order
 * over the other three. In elements. */
static inline int64_t wf_line_at(const int64_t shape[4], const int64_t stride[4], int64_t line)
{
    int64_t i2 = line % shape[2], rest = line / shape[2];
    return rest / shape[1] * stride[0] + rest % shape[1] * stride[1] + i2 * stride[2];
}

/* How many lines there are to work on; 0 where they are empty. */
static inline int64_t wf_line_count(const int64_t shape[4])
{
    return shape[3] > 0 ? shape[0] * shape[1] * shape[2] : 0;
}

/* ---- packed weights ----
 * Panels of `panel` columns (rows of w), the last one padded with zeros. Within a panel k runs in
 * groups: 2 elements for bf16 (a pair is one 32-bit lane of vdpbf16ps), 1 otherwise. A group holds
 * the panel's columns side by side, each with its elements of the group; k is padded with zeros to
 * a whole group. Panel 1 is therefore plain rows. */
static inline int64_t wf_group(int32_t dtype)
{
    return dtype == WF_BF16 ? 2 : 1;
}

static inline int64_t wf_padded_k(int32_t dtype, int64_t k)
{
    return (k + wf_group(dtype) - 1) / wf_group(dtype) * wf_group(dtype);
}

static inline int64_t wf_panel_bytes(int32_t dtype, int64_t k, int64_t panel)
{
    return wf_padded_k(dtype, k) * panel * wf_dtype_bytes(dtype);
}

/* Index, in elements, of element i of column c within its panel. */
static inline int64_t wf_panel_index(int32_t dtype, int64_t panel, int64_t c, int64_t i)
{
    int64_t g = wf_group(dtype);
    return (i / g * panel + c) * g + i % g;
}

uint64_t wf_panel_weight_bytes(int32_t format, int64_t n, int64_t k, int64_t panel);
/* The first words of `panel` rows, src_step bytes apart, into the panel at dst; how many it did of
 * words: whole vectors of them. A word is four bytes: an f32 or a pair of bf16. */
typedef int64_t (*wf_pack_words)(uint8_t *dst, const uint8_t *src, int64_t src_step, int64_t words);
/* pack for panels of `panel` columns; words may be NULL. */
weft_status wf_panel_pack(wf_exec *ex, const wf_pack *a, int64_t panel, wf_pack_words words);
weft_status wf_panel_embed(wf_exec *ex, const wf_embed *a, int64_t panel);

/* Sets weight_bytes and embed for panels of 16 or 32 columns. */
void wf_ops_use_panel16(wf_ops *ops);
void wf_ops_use_panel32(wf_ops *ops);

/* ---- elements ---- */

static inline float wf_load(const void *p, int64_t i, int32_t dtype)
{
    if (dtype == WF_F32)
        return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return dtype == WF_BF16 ? wf_from_bf16(h) : wf_from_f16(h);
}

static inline void wf_store(void *p, int64_t i, int32_t dtype, float f)
{
    if (dtype == WF_F32)
        ((float *)p)[i] = f;
    else
        ((uint16_t *)p)[i] = dtype == WF_BF16 ? wf_to_bf16(f) : wf_to_f16(f);
}

static inline float wf_activate(float x, int32_t act)
{
    if (act == WF_ACT_GELU)
        return wf_geluf(x);
    if (act == WF_ACT_SILU)
        return wf_siluf(x);
    if (act == WF_ACT_QUICK_GELU)
        return wf_quick_geluf(x);
    if (act == WF_ACT_TANH_GELU)
        return wf_tanh_geluf(x);
    return act == WF_ACT_RELU ? wf_reluf(x) : x;
}

/* ---- linear ---- */

#define WF_LINEAR_ROWS 516   /* rows of x that are made ready at a time: a multiple of every tile */
#define WF_PANEL_MOST 32     /* columns of the widest panel */
#define WF_TILE_ROWS_LEAST 6 /* rows of the smallest kernel's tile */

/* Scratch that linear needs at most on any level: conv gives it a part of its own. */
uint64_t wf_linear_scratch_bytes(const wf_exec *ex, int64_t m, int64_t k);

/* One tile: acc [rows, panel] (+)= rows of a (a_stride bytes apart) times k of a panel from b on.
 */
typedef struct wf_tile {
    float      *acc;
    const void *a, *b;
    int64_t     a_stride, k;
    int32_t     rows;
    int32_t     format;  /* of b */
    bool        goes_on; /* from the sums in acc; else from nothing */
    const void *ahead;   /* what is fetched meanwhile, ahead_step bytes of it for each k */
    int64_t     ahead_step;
} wf_tile;

typedef struct wf_linear_kernel {
    int32_t panel, tile_rows;
    int32_t pairs; /* with bf16 weights a row is bf16, padded to a whole pair; else it is f32 */
    void (*prepare)(void *dst, const float *x, int64_t k, int32_t format);
    void (*tile)(const wf_tile *t);
    /* k of a panel of bf16 or f16 from b on as f32: dst [k, panel]. */
    void (*widen)(float *dst, const void *b, int64_t k, int32_t format);
    /* acc with its epilogue into y at (row, column). */
    void (*finish)(const wf_linear *a, const float *acc, int64_t row, int64_t rows, int64_t column,
                   int64_t columns);
} wf_linear_kernel;

weft_status wf_linear_panels(wf_exec *ex, const wf_linear *a, const wf_linear_kernel *kernel);

/* How several tiles of rows share weights: parts of so many k, of so many panels at a time, and
 * whether the parts that come next are fetched into the second cache meanwhile. */
typedef struct wf_linear_blocks {
    int32_t part_k, panels;
    bool    fetches;
} wf_linear_blocks;
#define WF_LINEAR_PANELS_MOST 8 /* that any kernel takes at a time */

/* The same, for a kernel that multiplies pairs and wants other parts. */
weft_status wf_linear_panels_in(wf_exec *ex, const wf_linear *a, const wf_linear_kernel *kernel,
                                const wf_linear_blocks *blocks);

/* ---- pooling ---- */

/* The part of x that one window covers: rows and places [first, end) of item, all within x. */
typedef struct wf_pooling_window {
    int64_t item, row, row_end, place, place_end;
    float   divisor; /* of the sum, for a mean */
} wf_pooling_window;

/* Columns that a thread takes at a time, so that one window over everything has work for many. */
#define WF_POOLING_COLUMNS 256

typedef void (*wf_pooling_body)(const wf_pooling *a, const wf_pooling_window *w, float *y,
                                int64_t column, int64_t column_end);

/* Walks windows and blocks of columns; y is the output's place, columns are absolute. */
weft_status wf_pooling_run(wf_exec *ex, const wf_pooling *a, wf_pooling_body body);

/* ---- best ---- */

/* What finite says of one row. */
int64_t wf_find_unsound(const float *x, int64_t n);

/* The greatest of n, -infinity where there is none. */
typedef float (*wf_greatest_body)(const float *x, int64_t n);
float       wf_greatest_ref(const float *x, int64_t n);
weft_status wf_best_run(wf_exec *ex, const wf_best *a, wf_greatest_body body);

/* ---- attention ---- */

/* Page `page` of a slot or span, as this layer sees it. */
static inline uint8_t *wf_page_at(const wf_kv *kv, int64_t page)
{
    int64_t pool = page / kv->pool_pages, place = page % kv->pool_pages + kv->first;
    return (uint8_t *)kv->pools[pool] + place * kv->page_bytes;
}

/* ---- the reference of each op, one file per family ---- */

weft_status wf_linear_ref(wf_exec *ex, const wf_linear *a);
uint64_t    wf_weight_bytes_ref(int32_t format, int64_t n, int64_t k);
weft_status wf_pack_ref(wf_exec *ex, const wf_pack *a);
weft_status wf_embed_ref(wf_exec *ex, const wf_embed *a);
weft_status wf_convert_ref(wf_exec *ex, const wf_convert *a);
weft_status wf_norm_ref(wf_exec *ex, const wf_norm *a);
weft_status wf_rope_table_ref(wf_exec *ex, const wf_rope_table *a);
weft_status wf_rope_ref(wf_exec *ex, const wf_rope *a);
weft_status wf_kv_store_ref(wf_exec *ex, const wf_kv_store *a);
weft_status wf_attend_pages_ref(wf_exec *ex, const wf_attend_pages *a);
weft_status wf_attend_ref(wf_exec *ex, const wf_attend *a);
weft_status wf_swiglu_ref(wf_exec *ex, const wf_swiglu *a);
weft_status wf_add_ref(wf_exec *ex, const wf_add_op *a);
weft_status wf_rows_ref(wf_exec *ex, const wf_rows *a);
weft_status wf_copy_ref(wf_exec *ex, const wf_copy *a);
weft_status wf_conv_ref(wf_exec *ex, const wf_conv *a);
weft_status wf_kernel_ref(wf_exec *ex, const wf_kernel_op *a);
weft_status wf_gather_ref(wf_exec *ex, const wf_gather *a);
weft_status wf_activate_ref(wf_exec *ex, const wf_activate_op *a);
weft_status wf_combine_ref(wf_exec *ex, const wf_combine *a);
weft_status wf_softmax_ref(wf_exec *ex, const wf_softmax *a);
weft_status wf_pooling_ref(wf_exec *ex, const wf_pooling *a);
weft_status wf_rotate_ref(wf_exec *ex, const wf_rotate *a);
weft_status wf_finite_ref(wf_exec *ex, const wf_finite *a);
weft_status wf_best_ref(wf_exec *ex, const wf_best *a);

/* ---- levels: each overwrites what it does better, and returns at once if its flag is missing ----
 */

#if defined(__x86_64__)
void wf_ops_init_avx2(wf_ops *ops, uint64_t cpu_flags);
void wf_ops_init_avx512(wf_ops *ops, uint64_t cpu_flags);
void wf_ops_init_avx512bf16(wf_ops *ops, uint64_t cpu_flags);
void wf_ops_init_amx(wf_ops *ops, uint64_t cpu_flags);

/* prepare and finish of wf_linear_kernel in AVX-512, for panels of 32: a row of bf16 in whole pairs
 * where dtype is WF_BF16. */
void wf_prepare_pairs_avx512(void *dst, const float *x, int64_t k, int32_t dtype);
void wf_finish_avx512(const wf_linear *a, const float *acc, int64_t row, int64_t rows,
                      int64_t column, int64_t columns);
#elif defined(__aarch64__)
void wf_ops_init_neon(wf_ops *ops, uint64_t cpu_flags);
#endif

#endif
