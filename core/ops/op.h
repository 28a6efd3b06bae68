/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of all devices: every op's arguments, its formula and its canonical sum. Nothing
 * here belongs to one device: how a CPU runs an op stands in core/device/cpu/dispatch.h.
 *
 * Arguments are plain values and device addresses: a queue may copy a wf_op and run it later, and
 * two ops of equal bytes do the same. Activations are f32 everywhere; weights have one of the
 * formats below, K/V pages are f32, bf16, f16 or q8. Each op has one canonical sum, stated here,
 * which every variant of one ISA path computes for every row count, cut and thread count
 * (-ffp-contract=off; FMA only where written):
 *   linear     one f32 accumulator per output, k ascending in the path's atom: one fused
 *              multiply-add per k (reference, AVX2, AVX-512), one vdpbf16ps per two k
 * (AVX512-BF16). With bf16 weights x is first rounded to bf16 (nearest even) on every path.
 *   linear of q8 and q4   the same bytes on every path of every device: wf_linear below.
 *   attention  key blocks of WF_KEY_BLOCK keys, aligned to the sequence's or item's first key. A
 * block starts from nothing: scores (fmaf over head_dim ascending, then times scale), its own
 * maximum m, p = wf_expf(s - m), l = sum p and o = sum p v ascending by key (o by fmaf). One
 *              function merges blocks in ascending order. No score row is ever kept across blocks.
 *   norm       sums in f64 over ascending index; everything else f32.
 *   softmax    scores and their maximum in f32; the sum of the exponentials in f64 over ascending
 *              index.
 *   best       the sum of the exponentials in f64 over ascending index.
 *   pooling    one f32 accumulator per output that starts with the window's first place and adds
 *              the others in ascending order, row by row.
 * Transcendentals are the functions of core/device/cpu/math.h, the same formula on every path.
 * Row counts may be 0 (nothing happens). Pointers are 4-aligned at least; strides are in elements.
 */
#ifndef WF_OPS_H
#define WF_OPS_H

#include <stdint.h>

#define WF_KEY_BLOCK 64 /* keys of an attention block */

/* Formats of linear weights. The first three are also the types of plain elements: of activations
 * (f32), of K/V pages and of what a weight is packed from. In the others a weight is a smaller
 * number times a scale: q8 and q4 are integers of 8 and 4 bits with a scale for every
 * WF_GROUP elements along k, fp8 is E4M3 with a scale for every row. A device says which it can
 * hold (wf_device_weight_bytes). */
enum wf_format {
    WF_F32 = 0,
    WF_BF16 = 1,
    WF_F16 = 2,
    WF_Q8 = 3,
    WF_Q4 = 4,
    WF_FP8 = 5,
    WF_FORMATS
};
#define WF_GROUP 32 /* elements along k that share a scale in q8 and q4 */

/* A group of q8 or q4 as hosts keep it, in files and as a source of WF_OP_PACK. f16 little-endian.
 *   q8, 34 bytes: the scale d as f16, then 32 int8 q: element i is d q[i]. -128 counts as -127.
 *   q4, 20 bytes: the scale d and the minimum m as f16, then 16 bytes: element i is the low four
 *                 bits n of byte i, element i + 16 the high ones: d n + m, n in 0..15.
 * A row of k elements is ceil(k / 32) groups, the last one filled up with elements whose q or n is
 * 0. These are the blocks Q8_0 and Q4_1 of GGUF (ggml-common.h); Q4_0 is q4 with m = -8 d. */
#define WF_Q8_BYTES 34
#define WF_Q4_BYTES 20

/* Whether weights of the format are kept in groups. */
static inline int wf_is_grouped(int32_t format)
{
    return format == WF_Q8 || format == WF_Q4;
}

/* Bytes of one plain element: WF_F32, WF_BF16 or WF_F16. */
static inline int64_t wf_dtype_bytes(int32_t t)
{
    return t == WF_F32 ? 4 : 2;
}

/* Bytes of a row of k elements as hosts keep it: plain elements, or whole groups. k is at most
 * 2^56. */
static inline int64_t wf_row_bytes(int32_t format, int64_t k)
{
    int64_t groups = (k + WF_GROUP - 1) / WF_GROUP;
    if (wf_is_grouped(format))
        return groups * (format == WF_Q8 ? WF_Q8_BYTES : WF_Q4_BYTES);
    return k * wf_dtype_bytes(format);
}

/* "f32", "q8"; "?" for what is no format. Never NULL. */
const char *wf_format_name(int32_t format);

enum wf_act {
    WF_ACT_NONE = 0,
    WF_ACT_GELU = 1,
    WF_ACT_SILU = 2,
    WF_ACT_RELU = 3,
    WF_ACT_QUICK_GELU = 4, /* x / (1 + exp(-1.702 x)) */
    WF_ACT_TANH_GELU = 5,  /* x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3))) */
    WF_ACT_KINDS
};

/* A handle of a linear weight [n, k]. data is device memory of as many bytes as the device said
 * (wf_device_weight_bytes), filled by WF_OP_PACK; only ops look into it, and what it looks like
 * inside is the device's own affair. Handles may be copied; they own nothing. */
typedef struct wf_weight {
    void   *data;
    int64_t n, k;
    int32_t format, reserved;
} wf_weight;

/* y [m, n] = residual + scale * act(x [m, k] w^T + bias). Epilogue order: sum, + bias, act, then
 * where residual is given: residual + (scale * value), the product rounded first; without residual
 * scale is not applied. bias, residual may be NULL; y may be residual, never x.
 *
 * With q8 and q4 weights x is rounded too, by groups of WF_GROUP along k, the last one filled up
 * with zeros. With a the greatest |x| of a group: dx = a / 127, r = 127 / a, t = x r, and q = t
 * rounded to the nearest integer, of two the even one. Where a is below 2^-100, dx and all q are 0;
 * where one x is no finite number, dx is NaN and all q are 0, so that the row's outputs are NaN.
 *
 * Few groups of a row hold numbers so large that they make most of the error, and those are wide:
 * what rounding left of them is kept as integers too, e = (t - q) 254 rounded like q, of the scale
 * de = dx / 254. With u = dx (65536 / the row's greatest dx) rounded toward zero, and U the sum of
 * u over the row's n groups, a group is wide where 2 n u > 3 U, in integers: where its dx is more
 * than one and a half times the mean. A row in which a dx is NaN or all are 0 has no wide group.
 *
 * A weight's group has the scale d and, in q4, the minimum m as f32. Each operation below rounds to
 * f32 once, and the integers are exact. acc and rest start with 0; then, groups ascending:
 *   q4 only: acc = fma(m, dx * (sum of q), acc)
 *   acc = fma(sum of q * (the weight's integer), dx * d, acc)
 * and of the wide ones
 *   q4 only: rest = fma(m, de * (sum of e), rest)
 *   rest = fma(sum of e * (the weight's integer), de * d, rest)
 * The sum is acc + rest.
 *
 * With fp8 weights both sides are E4M3 (core/device/cpu/fp8.h) with a scale for every row. Of a row
 * with the greatest magnitude a, which for x counts as 1200 at most: scale = max(a / 448, 1 / (448
 * * 512)), and q = the number / scale rounded to the nearest, of two the even one, 448 at most.
 * Where one is no finite number, the scale is NaN and all q are 0. The sum is bf16's over q, k
 * ascending; the value before the bias is sum * (the scale of x * the weight's). */
typedef struct wf_linear {
    float       *y;
    const float *x;
    wf_weight    w;
    const float *bias;
    const float *residual;
    int64_t      m, y_stride, x_stride, residual_stride;
    float        scale;
    int32_t      act;
} wf_linear;

/* Rows row0..row0+rows-1 of w from src [rows, k] of src_dtype in C order, converted to w.format
 * (round to nearest even; q8 and q4 as core/device/cpu/quant_block.h says, the same on every
 * device). src_dtype may be q8 or q4 where w.format is the same: rows of wf_row_bytes. A row's
 * padding is written with it, and what pads the weight behind its last row with that: memory need
 * not be zeroed where every row is packed. Rows that are never packed hold what w's memory held. */
typedef struct wf_pack {
    wf_weight   w;
    const void *src;
    int64_t     row0, rows;
    int32_t     src_dtype, reserved;
} wf_pack;

/* dst [n] f32 = src [n] of src_dtype. */
typedef struct wf_convert {
    float      *dst;
    const void *src;
    int64_t     n;
    int32_t     src_dtype, reserved;
} wf_convert;

/* m rows of n: rms 0: (x - mean) * (1 / sqrt(var + eps)) * w + bias, biased variance; rms 1: x * (1
 * / sqrt(mean(x^2) + eps)) * w. bias may be NULL; y may be x. A row at r starts at r / inner *
 * stride + r % inner * n: inner heads of n within one token's row (inner 1: plain rows). */
typedef struct wf_norm {
    float       *y;
    const float *x;
    const float *w, *bias;
    int64_t      m, n, inner, y_stride, x_stride;
    float        eps;
    int32_t      rms;
} wf_norm;

/* cos_sin [m, head_dim]: cosines of pos[r] * inv_freq[i] for i < head_dim / 2, then sines; the
 * product and the functions in f32 as transformers does (modeling_rope_utils.py). */
typedef struct wf_rope_table {
    float         *cos_sin;
    const int32_t *pos;      /* [m] */
    const float   *inv_freq; /* [head_dim / 2] */
    int64_t        m;
    int32_t        head_dim, reserved;
} wf_rope_table;

/* Half-split rotation in place: for i < head_dim / 2: (a, b) = (x[i], x[i + head_dim / 2]) ->
 * (a cos - b sin, b cos + a sin), each product rounded. x [m, stride], heads side by side. */
typedef struct wf_rope {
    float       *x;
    const float *cos_sin;
    int64_t      m, stride;
    int32_t      n_heads, head_dim;
} wf_rope;

/* K/V pages as one layer (or cross-attention site) sees them. A page holds page_tokens tokens of
 * one layer, elements of dtype; its bytes and its layout are the device's (wf_device_page_bytes).
 * Pages live in pools of pool_pages that never move, page_bytes apart: page p of a slot or span is
 * page p % pool_pages + first of pool p / pool_pages (the pages of a run lie in one pool).
 * page_tokens is WF_KEY_BLOCK.
 *
 * In pages of q8 the head_dim elements x of a token and kv head, of k and of v each, are integers q
 * of 8 bits with one scale d as f32. With a the greatest |x|: d = a / 127, r = 127 / a, and q = x r
 * rounded to the nearest integer, of two the even one. Where a is below 2^-100, d and all q are 0;
 * where one x is no finite number, d is NaN and all q are 0, so that rows that see it are NaN.
 * Attention takes the integers as they are: a score is the sum over head_dim times (scale * d of
 * the key), and a key enters o with p * d of the value in p's place, rounded once; l sums p itself.
 */
typedef struct wf_kv {
    void *const *pools; /* device array of the pools' device addresses */
    int64_t      page_bytes;
    int32_t      dtype, n_kv_heads, head_dim, page_tokens;
    int32_t      pool_pages;
    int32_t      first; /* which page of a run is this layer's */
} wf_kv;

/* Writes row r of k and v [m, n_kv_heads * head_dim] to slot[r] = page * page_tokens + place; below
 * 0: the row is nobody's. */
typedef struct wf_kv_store {
    wf_kv          kv;
    const float   *k, *v;
    const int64_t *slot; /* [m] */
    int64_t        m, k_stride, v_stride;
} wf_kv_store;

typedef struct wf_kv_span { /* one key block: the first n_keys of a page */
    int32_t page, n_keys;
} wf_kv_span;

/* Attention over pages: row r sees spans row_begin[r]..row_end[r]-1 in order; the last span is cut
 * to row_last[r] keys. No spans: the output row is 0. Query head j reads kv head j / (n_heads /
 * n_kv_heads). */
typedef struct wf_attend_pages {
    wf_kv             kv;
    float            *out; /* [m, out_stride] n_heads * head_dim used */
    const float      *q;   /* [m, q_stride] */
    const wf_kv_span *spans;
    const int32_t    *row_begin, *row_end, *row_last; /* [m] */
    int64_t           m, q_stride, out_stride;
    int32_t           n_heads;
    int32_t           most_spans; /* no row sees more; 0: unknown */
    float             scale;
    int32_t           reserved;
} wf_attend_pages;

/* Attention over packed sequences in plain f32 rows (encoders): sequence s has query rows
 * q_begin[s]..q_begin[s+1]-1 and key rows k_begin[s]..k_begin[s+1]-1. Blocks are aligned to
 * k_begin[s] (to row_k_begin[r] where that is given). causal: query i of its sequence sees keys up
 * to i + n_keys - n_queries. row_k_begin/end [rows]: absolute key rows, or both NULL. k and v have
 * `keys` rows; what any of the numbers names outside of them is not there. */
typedef struct wf_attend {
    float         *out;
    const float   *q, *k, *v;
    const int32_t *q_begin, *k_begin; /* [n_seqs + 1] */
    const int32_t *row_k_begin, *row_k_end;
    int64_t        q_stride, k_stride, v_stride, out_stride;
    int64_t        m, keys; /* query rows and key rows in all */
    int32_t        n_seqs, n_heads, n_kv_heads, head_dim;
    float          scale;
    int32_t        causal;
} wf_attend;

/* y = silu(gate) * up over [m, n]. */
typedef struct wf_swiglu {
    float       *y;
    const float *gate, *up;
    int64_t      m, n, y_stride, gate_stride, up_stride;
} wf_swiglu;

/* y = a + scale * b over [m, n], the product rounded first; y may be a. gate [n], where given,
 * multiplies its column in scale's place. */
typedef struct wf_add_op {
    float       *y;
    const float *a, *b;
    int64_t      m, n, y_stride, a_stride, b_stride;
    float        scale;
    int32_t      reserved;
    const float *gate;
} wf_add_op;

/* dst row dst_index[i] (i where NULL) = src row src_index[i] (i where NULL), n f32 each; a row of
 * zeros where src_index[i] < 0; where dst_index[i] < 0 the row goes nowhere. Rows are distinct. */
typedef struct wf_rows {
    float         *dst;
    const float   *src;
    const int32_t *dst_index, *src_index;
    int64_t        m, n, dst_stride, src_stride;
} wf_rows;

/* dst row i = row ids[i] of the packed weight w, as f32 (of q8 and q4 the products, rounded, then
 * the sums); where ids[i] is none of 0..n-1, the row is left alone. */
typedef struct wf_embed {
    float         *dst;
    wf_weight      w;
    const int32_t *ids;
    int64_t        m, dst_stride;
} wf_embed;

/* Strided f32 copy of up to 4 axes. */
typedef struct wf_copy {
    float       *dst;
    const float *src;
    int64_t      shape[4], dst_stride[4], src_stride[4];
} wf_copy;

/* x [n, c, h, w] f32 with a stride an axis, w [out, c * kh * kw]; y [n, oh * ow, out] rows; zero
 * padding. im2col, then linear's sum. */
typedef struct wf_conv {
    float       *y;
    const float *x;
    wf_weight    w;
    const float *bias;
    int64_t      n, c, h, wd, kh, kw, oh, ow;
    int64_t      x_stride[4];       /* elements; rows of tokens are {n * c, 1, n * c, c} */
    int32_t      stride[2], pad[4]; /* {y, x}, {top, bottom, left, right} */
} wf_conv;

/* A plugin's kernel, launched: the handle knows its CPU body and its function on a GPU
 * (core/device/device.h), and where in data the value of each argument stands. A CPU runs items
 * 0..n-1 in chunks of grain; a GPU launches grid blocks of block threads with shared_bytes. */
#define WF_KERNEL_ARGS 16
#define WF_KERNEL_BYTES 256
typedef struct wf_kernel wf_kernel;
typedef struct wf_kernel_op {
    const wf_kernel *kernel;
    int64_t          n, grain;
    uint32_t         grid[3], block[3], shared_bytes, reserved;
    _Alignas(16) uint8_t data[WF_KERNEL_BYTES];
} wf_kernel_op;

/* dst row i = src row index[i] of src_rows, n f32 each; a row of zeros where index[i] lies outside
 * 0..src_rows-1. dst and src do not overlap. */
typedef struct wf_gather {
    float         *dst;
    const float   *src;
    const int32_t *index; /* [m] */
    int64_t        m, n, src_rows, dst_stride, src_stride;
} wf_gather;

/* y = act(x) over [m, n]; y may be x. */
typedef struct wf_activate_op {
    float       *y;
    const float *x;
    int64_t      m, n, y_stride, x_stride;
    int32_t      act, reserved;
} wf_activate_op;

enum wf_combine_how {
    WF_COMBINE_ADD,   /* y = a + scale * b, the product rounded first */
    WF_COMBINE_MUL,   /* y = a * b */
    WF_COMBINE_SWIGLU /* y = silu(a) * b */
};

/* y from a and b, element by element over four axes; a stride of 0 repeats. The last axis of y has
 * stride 1, that of a and of b 1 or 0. y may be a or b where its strides are the same. */
typedef struct wf_combine {
    float       *y;
    const float *a, *b;
    int64_t      shape[4], y_stride[4], a_stride[4], b_stride[4];
    float        scale;
    int32_t      how;
} wf_combine;

/* Over the last axis, for each index of the other three: s = x * scale, + bias where that is given
 * (each rounded); m = the greatest s; p = wf_expf(s - m); y = p / sum of p, the sum rounded to f32
 * once. Where every s is -infinity, the row of y is 0; where one is NaN, the row is NaN. The last
 * axis of y and x has stride 1, that of bias 1 or 0; y may be x where its strides are the same. */
typedef struct wf_softmax {
    float       *y;
    const float *x, *bias;
    int64_t      shape[4], y_stride[4], x_stride[4], bias_stride[4];
    float        scale;
    int32_t      reserved;
} wf_softmax;

enum wf_pooling_how {
    WF_POOLING_MEAN,        /* the sum, divided by the number of places that lie in x */
    WF_POOLING_MEAN_PADDED, /* the sum, divided by kh * kw: what lies outside counts as 0 */
    WF_POOLING_MAX          /* the greatest; NaN where one is NaN */
};

/* y [n, oh, ow, c] from the windows of x [n, h, wd, c]: window (i, j) covers rows i * stride[0] -
 * pad[0] and up, kh of them, and places j * stride[1] - pad[2] and up, kw of them. Every window has
 * a place in x (pads are smaller than the kernel). The c channels of a place lie side by side; the
 * strides are of the axes before them. y is not x. */
typedef struct wf_pooling {
    float       *y;
    const float *x;
    int64_t      n, h, wd, c, kh, kw, oh, ow;
    int64_t      y_stride[3], x_stride[3];
    int32_t      stride[2], pad[4]; /* {y, x}, {top, bottom, left, right} */
    int32_t      how, reserved;
} wf_pooling;

/* Rotary positions in place, cosines and sines computed on the way: for every row, head and pair i:
 * angle = pos[row] * freq[i], (a, b) = (x[i * step], x[i * step + distance]) -> (a cos - b sin,
 * b cos + a sin), each product rounded. freq NULL: freq[i] = 1 / powf(base, i / pairs). Half-split
 * pairs: step 1; interleaved ones: step 2, distance 1. */
typedef struct wf_rotate {
    float         *x;
    const int32_t *pos;  /* [m] */
    const float   *freq; /* [pairs], or NULL */
    int64_t        m, n_heads, row_stride, head_stride;
    int64_t        pairs, step, distance;
    float          base;
    int32_t        reserved;
} wf_rotate;

/* How sound each of m rows of n is: out[r * out_stride] is 0 where all of row r is finite; i + 1
 * where element i, the first that is not, is NaN; -(i + 1) where it is infinite. */
typedef struct wf_finite {
    int64_t     *out;
    const float *x;
    int64_t      m, n, x_stride, out_stride;
} wf_finite;

/* An element of a row, and where it stands. */
typedef struct wf_score {
    float   x;
    int32_t id;
} wf_score;

/* The k greatest of each of m rows of n, in falling order, of equals the first: best[r *
 * best_stride] and the k - 1 after it; {-infinity, -1} where a row has fewer. NaN is never among
 * them. sum[r * sum_stride], where sum is given: the sum of wf_exp_same(x - the greatest), each
 * difference in f64 (core/base/exponential.h), so that the probability of x is exp(x - greatest) /
 * sum. n < 2^31. */
typedef struct wf_best {
    wf_score    *best;
    double      *sum;
    const float *x;
    int64_t      m, n, k, x_stride, best_stride, sum_stride;
} wf_best;

enum wf_op_kind {
    WF_OP_LINEAR,
    WF_OP_PACK,
    WF_OP_CONVERT,
    WF_OP_NORM,
    WF_OP_ROPE_TABLE,
    WF_OP_ROPE,
    WF_OP_KV_STORE,
    WF_OP_ATTEND_PAGES,
    WF_OP_ATTEND,
    WF_OP_SWIGLU,
    WF_OP_ADD,
    WF_OP_ROWS,
    WF_OP_EMBED,
    WF_OP_COPY,
    WF_OP_CONV,
    WF_OP_KERNEL,
    WF_OP_GATHER,
    WF_OP_ACTIVATE,
    WF_OP_COMBINE,
    WF_OP_SOFTMAX,
    WF_OP_POOLING,
    WF_OP_ROTATE,
    WF_OP_FINITE,
    WF_OP_BEST,
    WF_OP_KINDS
};

typedef struct wf_op {
    int32_t kind, reserved;
    union {
        wf_linear       linear;
        wf_pack         pack;
        wf_convert      convert;
        wf_norm         norm;
        wf_rope_table   rope_table;
        wf_rope         rope;
        wf_kv_store     kv_store;
        wf_attend_pages attend_pages;
        wf_attend       attend;
        wf_swiglu       swiglu;
        wf_add_op       add;
        wf_rows         rows;
        wf_embed        embed;
        wf_copy         copy;
        wf_conv         conv;
        wf_kernel_op    kernel;
        wf_gather       gather;
        wf_activate_op  activate;
        wf_combine      combine;
        wf_softmax      softmax;
        wf_pooling      pooling;
        wf_rotate       rotate;
        wf_finite       finite;
        wf_best         best;
    } u;
} wf_op;

#endif
