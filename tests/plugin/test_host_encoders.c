/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders of the field written in weft.ops alone, without a kernel of their own: one block each of
 * CLIP (class row, quick GELU), SigLIP (tanh GELU, attention pooling) and Whisper (two convolutions
 * over time), small, against a reading of their formulas in plain C and f64. */
#include <math.h>

#include "tests/plugin/host_bench.h"

enum {
    D = 36, /* SigLIP's 72 a head is no multiple of a vector either */
    HEADS = 4,
    HEAD = D / HEADS,
    INNER = 80,
    PICTURES = 2,
    SIDE = 12,
    PATCH = 4,
    PATCHES = 9,
    MELS = 6,
    FRAMES = 20,
    ROWS_MAX = 20,
    BUFFERS_MAX = 40
};

/* ---- weights ---- */

enum {
    PATCH_W,
    PATCH_B,
    CLASS,
    POS,
    LN1,
    LN1_B,
    Q,
    Q_B,
    K,
    K_B,
    V,
    V_B,
    O,
    O_B,
    LN2,
    LN2_B,
    FC1,
    FC1_B,
    FC2,
    FC2_B,
    LAST,
    LAST_B,
    PROBE,
    CONV1,
    CONV1_B,
    CONV2,
    CONV2_B,
    N_PARAMS
};

typedef struct param {
    uint32_t use;
    int32_t  ndim;
    int64_t  shape[4];
} param;

#define PLAIN(...)                                                                                 \
    WEFT_USE_PLAIN, sizeof((int[]){__VA_ARGS__}) / sizeof(int),                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LINEAR(...)                                                                                \
    WEFT_USE_LINEAR, sizeof((int[]){__VA_ARGS__}) / sizeof(int),                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const param params[N_PARAMS] = {
    [PATCH_W] = {LINEAR(D, 3, PATCH, PATCH)},
    [PATCH_B] = {PLAIN(D)},
    [CLASS] = {PLAIN(D)},
    [POS] = {PLAIN(PATCHES + 1, D)},
    [LN1] = {PLAIN(D)},
    [LN1_B] = {PLAIN(D)},
    [Q] = {LINEAR(D, D)},
    [Q_B] = {PLAIN(D)},
    [K] = {LINEAR(D, D)},
    [K_B] = {PLAIN(D)},
    [V] = {LINEAR(D, D)},
    [V_B] = {PLAIN(D)},
    [O] = {LINEAR(D, D)},
    [O_B] = {PLAIN(D)},
    [LN2] = {PLAIN(D)},
    [LN2_B] = {PLAIN(D)},
    [FC1] = {LINEAR(INNER, D)},
    [FC1_B] = {PLAIN(INNER)},
    [FC2] = {LINEAR(D, INNER)},
    [FC2_B] = {PLAIN(D)},
    [LAST] = {PLAIN(D)},
    [LAST_B] = {PLAIN(D)},
    [PROBE] = {PLAIN(1, D)},
    [CONV1] = {LINEAR(D, MELS, 1, 3)},
    [CONV1_B] = {PLAIN(D)},
    [CONV2] = {LINEAR(D, D, 1, 3)},
    [CONV2_B] = {PLAIN(D)},
};

static float      *values[N_PARAMS];
static char        names[N_PARAMS][8];
static weft_tensor w[N_PARAMS];
static weft_tensor buffers[BUFFERS_MAX];
static int32_t     n_buffers;
static uint32_t    seed;

/* In [-0.5, 0.5): enough for scores and activations that differ. */
static float any(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) * 0x1p-24f - 0.5f;
}

static int64_t size_of(const param *p)
{
    int64_t n = 1;
    for (int32_t d = 0; d < p->ndim; d++)
        n *= p->shape[d];
    return n;
}

static void write_weights(void)
{
    wf_st_out  out[N_PARAMS];
    char       path[160];
    weft_error err = WF_ERROR_INIT;
    for (int i = 0; i < N_PARAMS; i++) {
        const param *p = &params[i];
        values[i] = malloc((size_t)size_of(p) * 4);
        for (int64_t j = 0; j < size_of(p); j++)
            values[i][j] = any();
        snprintf(names[i], sizeof names[i], "p%02d", i);
        out[i] = (wf_st_out){names[i], WF_ST_F32, p->ndim, {0}, values[i]};
        for (int32_t d = 0; d < p->ndim; d++)
            out[i].shape[d] = p->shape[d];
    }
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_int_equal(wf_st_write(path, out, N_PARAMS, NULL), WEFT_OK);
    wf_package_close(&package);
    assert_int_equal(wf_package_open(dir, &package, &err), WEFT_OK);
}

static void load_weights(void)
{
    seed = 7;
    write_weights();
    for (int i = 0; i < N_PARAMS; i++) {
        const int64_t *s = params[i].shape;
        w[i] = get(names[i], params[i].use, params[i].ndim, s[0], s[1], s[2], s[3]);
    }
}

static int setup_weights(void **state)
{
    setup(state);
    load_weights();
    return 0;
}

static int setup_weights_async(void **state)
{
    setup_async(state);
    load_weights();
    return 0;
}

static int teardown_weights(void **state)
{
    assert_int_equal(wf_queue_wait(queue, NULL), WEFT_OK);
    while (n_buffers > 0)
        drop(&buffers[--n_buffers]);
    for (int i = 0; i < N_PARAMS; i++)
        free(values[i]);
    return teardown(state);
}

/* ---- through the table ---- */

static weft_error failure = WF_ERROR_INIT;
#define DO(call) good(ops()->call, &failure)

static weft_tensor buffer(int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    assert_true(n_buffers < BUFFERS_MAX);
    return buffers[n_buffers++] = make(ndim, a, b, c, d);
}

static weft_tensor floats(const float *from, int32_t ndim, int64_t a, int64_t b, int64_t c,
                          int64_t d)
{
    weft_tensor t = buffer(ndim, a, b, c, d);
    fill(&t, from);
    return t;
}

/* i32 0, step, 2 step, ... n step. */
static weft_tensor bounds(int32_t n, int32_t step)
{
    int32_t     at[8];
    weft_tensor t = buffer(1, n + 1, 0, 0, 0);
    for (int32_t i = 0; i <= n; i++)
        at[i] = i * step;
    t.dtype = WEFT_I32;
    DO(upload(host, queue, &t, at, ((uint64_t)n + 1) * 4, &failure));
    return t;
}

static weft_tensor heads(const weft_tensor *t)
{
    return weft_split(t, 1, HEAD);
}

static weft_tensor linear(const weft_tensor *x, int weight, int32_t act)
{
    weft_tensor y = buffer(2, x->shape[0], params[weight].shape[0], 0, 0);
    DO(linear(host, queue, &y, x, &w[weight], &w[weight + 1], act, &failure));
    return y;
}

/* n sequences of queries and keys, evenly long: out [rows, D]. */
static weft_tensor attend(const weft_tensor *q_rows, const weft_tensor *kv_rows, int32_t n)
{
    weft_tensor    q = linear(q_rows, Q, 0), k = linear(kv_rows, K, 0), v = linear(kv_rows, V, 0);
    weft_tensor    out = buffer(2, q_rows->shape[0], D, 0, 0);
    weft_tensor    q_begin = bounds(n, (int32_t)(q_rows->shape[0] / n));
    weft_tensor    k_begin = bounds(n, (int32_t)(kv_rows->shape[0] / n));
    weft_tensor    hq = heads(&q), hk = heads(&k), hv = heads(&v), ho = heads(&out);
    weft_attention a = {.hdr = WEFT_HDR(weft_attention), .n = n, .scale = 1.0f / sqrtf(HEAD)};
    a.q = &hq;
    a.k = &hk;
    a.v = &hv;
    a.out = &ho;
    a.q_begin = &q_begin;
    a.k_begin = &k_begin;
    DO(attention(host, queue, &a, &failure));
    return linear(&out, O, 0);
}

static weft_tensor normed(const weft_tensor *x, int weight)
{
    weft_tensor y = buffer(2, x->shape[0], D, 0, 0);
    DO(norm(host, queue, &y, x, &w[weight], &w[weight + 1], 1e-5f, 0, &failure));
    return y;
}

static void feed_forward(const weft_tensor *x, int32_t act)
{
    weft_tensor h = normed(x, LN2), inner = linear(&h, FC1, act), y = linear(&inner, FC2, 0);
    DO(add(host, queue, x, x, &y, 1.0f, &failure));
}

static void block(const weft_tensor *x, int32_t n, int32_t act)
{
    weft_tensor h = normed(x, LN1), y = attend(&h, &h, n);
    DO(add(host, queue, x, x, &y, 1.0f, &failure));
    feed_forward(x, act);
}

static weft_tensor patches(const float *pictures, const weft_tensor *bias)
{
    static const int32_t stride[2] = {PATCH, PATCH}, pad[4] = {0};
    weft_tensor          x = floats(pictures, 4, PICTURES, 3, SIDE, SIDE);
    weft_tensor          y = buffer(3, PICTURES, PATCHES, D, 0);
    DO(conv(host, queue, &y, &x, &w[PATCH_W], bias, stride, pad, &failure));
    return y;
}

/* [a, b, D] as [a * b, D]. */
static weft_tensor as_rows(const weft_tensor *t)
{
    const int64_t shape[2] = {t->shape[0] * t->shape[1], D};
    weft_tensor   rows = weft_view(t, t->data, WEFT_F32, 2, shape);
    return rows;
}

/* ---- the formulas, in f64 ---- */

static double act_of(double x, int32_t act)
{
    double u = sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
    if (act == WEFT_ACT_GELU)
        return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    if (act == WEFT_ACT_QUICK_GELU)
        return x / (1.0 + exp(-1.702 * x));
    return act == WEFT_ACT_TANH_GELU ? 0.5 * x * (1.0 + tanh(u)) : x;
}

static void ref_linear(double *y, const double *x, int64_t rows, int weight, int32_t act)
{
    const int64_t n = params[weight].shape[0], k = params[weight].shape[1];
    for (int64_t i = 0; i < rows * n; i++) {
        double sum = (double)values[weight + 1][i % n];
        for (int64_t j = 0; j < k; j++)
            sum += x[i / n * k + j] * (double)values[weight][i % n * k + j];
        y[i] = act_of(sum, act);
    }
}

static void ref_norm(double *y, const double *x, int64_t rows, int weight)
{
    for (int64_t r = 0; r < rows; r++, x += D, y += D) {
        double mean = 0.0, var = 0.0;
        for (int i = 0; i < D; i++)
            mean += x[i] / (double)D;
        for (int i = 0; i < D; i++)
            var += (x[i] - mean) * (x[i] - mean) / (double)D;
        for (int i = 0; i < D; i++)
            y[i] = (x[i] - mean) / sqrt(var + 1e-5) * (double)values[weight][i] +
                   (double)values[weight + 1][i];
    }
}

/* One head of one query. */
static void ref_head(double *out, const double *q, const double *k, const double *v, int64_t keys)
{
    double p[ROWS_MAX], total = 0.0;
    for (int64_t j = 0; j < keys; j++) {
        double score = 0.0;
        for (int i = 0; i < HEAD; i++)
            score += q[i] * k[j * D + i];
        total += p[j] = exp(score / sqrt((double)HEAD));
    }
    for (int i = 0; i < HEAD; i++) {
        out[i] = 0.0;
        for (int64_t j = 0; j < keys; j++)
            out[i] += p[j] / total * v[j * D + i];
    }
}

static void ref_attend(double *y, const double *q_rows, int64_t rows, const double *kv_rows,
                       int64_t keys, int32_t n)
{
    double q[ROWS_MAX * D], k[ROWS_MAX * D], v[ROWS_MAX * D], out[ROWS_MAX * D];
    ref_linear(q, q_rows, rows, Q, 0);
    ref_linear(k, kv_rows, keys, K, 0);
    ref_linear(v, kv_rows, keys, V, 0);
    for (int64_t i = 0; i < rows * HEADS; i++) {
        int64_t row = i / HEADS, column = i % HEADS * HEAD,
                from = row / (rows / n) * (keys / n) * D;
        ref_head(out + row * D + column, q + row * D + column, k + from + column, v + from + column,
                 keys / n);
    }
    ref_linear(y, out, rows, O, 0);
}

static void ref_feed_forward(double *x, int64_t rows, int32_t act)
{
    double h[ROWS_MAX * D], inner[ROWS_MAX * INNER];
    ref_norm(h, x, rows, LN2);
    ref_linear(inner, h, rows, FC1, act);
    ref_linear(h, inner, rows, FC2, 0);
    for (int64_t i = 0; i < rows * D; i++)
        x[i] += h[i];
}

static void ref_block(double *x, int64_t rows, int32_t n, int32_t act)
{
    double h[ROWS_MAX * D], y[ROWS_MAX * D];
    ref_norm(h, x, rows, LN1);
    ref_attend(y, h, rows, h, rows, n);
    for (int64_t i = 0; i < rows * D; i++)
        x[i] += y[i];
    ref_feed_forward(x, rows, act);
}

/* x [channels, length] over one axis by a kernel of 3: y [positions, D]. */
static void ref_conv_time(double *y, const double *x, int64_t channels, int64_t length, int weight,
                          int64_t stride)
{
    for (int64_t i = 0; i < length / stride * D; i++) {
        int64_t at = i / D * stride - 1, o = i % D;
        double  sum = (double)values[weight + 1][o];
        for (int64_t c = 0; c < channels * 3; c++)
            if (at + c % 3 >= 0 && at + c % 3 < length)
                sum +=
                    x[c / 3 * length + at + c % 3] * (double)values[weight][o * channels * 3 + c];
        y[i] = act_of(sum, WEFT_ACT_GELU);
    }
}

/* Row `patch` of picture n, without bias. */
static void ref_patch(double *y, const float *pictures, int64_t n, int64_t patch)
{
    const float *picture = pictures + n * 3 * SIDE * SIDE;
    int64_t      top = patch / (SIDE / PATCH) * PATCH, left = patch % (SIDE / PATCH) * PATCH;
    for (int o = 0; o < D; o++) {
        y[o] = 0.0;
        for (int j = 0; j < 3 * PATCH * PATCH; j++) {
            int64_t place = (top + j / PATCH % PATCH) * SIDE + left + j % PATCH;
            y[o] += (double)picture[j / (PATCH * PATCH) * SIDE * SIDE + place] *
                    (double)values[PATCH_W][o * 3 * PATCH * PATCH + j];
        }
    }
}

/* Some ten f32 sums of up to 80 terms of order 1 lie between input and output: each errs by some
 * 2^-24 times the root of its terms, 5e-7, and a block adds them up. A wrong formula shows: even
 * the tanh GELU in place of the exact one moves results by 2e-5 to 2e-4. */
#define NEAR 1e-5

static void assert_read(const weft_tensor *t, const double *wants, int64_t n)
{
    float h[ROWS_MAX * D];
    fetch(t, h);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)h[i] - wants[i]) <= NEAR * fmax(1.0, fabs(wants[i]))))
            fail_msg("element %d: %g, not %g", (int)i, (double)h[i], wants[i]);
}

static void random_pictures(float *pictures)
{
    for (int i = 0; i < PICTURES * 3 * SIDE * SIDE; i++)
        pictures[i] = 2.0f * any();
}

/* ---- the encoders ---- */

/* Patches without a bias behind a class row, positions, a norm before the block; the class row
 * alone goes through the last norm. */
static void clip(void **state)
{
    enum { N = PATCHES + 1 };
    float  pictures[PICTURES * 3 * SIDE * SIDE];
    double e[PICTURES * N * D], h[PICTURES * N * D], class_rows[PICTURES * D], last[PICTURES * D];
    (void)state;
    random_pictures(pictures);

    weft_tensor p = patches(pictures, NULL), x = buffer(3, PICTURES, N, D, 0);
    weft_tensor rest = weft_slice(&x, 1, 1, PATCHES), first = weft_slice(&x, 1, 0, 1);
    weft_tensor class_row = w[CLASS], rows = as_rows(&x);
    class_row.ndim = 3;
    for (int32_t d = 0; d < 3; d++) {
        class_row.shape[d] = first.shape[d];
        class_row.stride[d] = d == 2;
    }
    DO(copy(host, queue, &rest, &p, &failure));
    DO(copy(host, queue, &first, &class_row, &failure));
    DO(add(host, queue, &x, &x, &w[POS], 1.0f, &failure));
    DO(norm(host, queue, &rows, &rows, &w[LAST], &w[LAST_B], 1e-5f, 0, &failure));
    block(&rows, PICTURES, WEFT_ACT_QUICK_GELU);
    weft_tensor places = bounds(PICTURES - 1, N), class_only = buffer(2, PICTURES, D, 0, 0);
    DO(gather(host, queue, &class_only, &rows, &places, &failure));
    weft_tensor y = normed(&class_only, LAST);

    for (int64_t r = 0; r < PICTURES * N; r++) {
        if (r % N > 0)
            ref_patch(e + r * D, pictures, r / N, r % N - 1);
        for (int i = 0; i < D; i++)
            e[r * D + i] = (r % N > 0 ? e[r * D + i] : (double)values[CLASS][i]) +
                           (double)values[POS][r % N * D + i];
    }
    ref_norm(h, e, PICTURES * N, LAST);
    ref_block(h, PICTURES * N, PICTURES, WEFT_ACT_QUICK_GELU);
    assert_read(&rows, h, PICTURES * N * D);
    for (int i = 0; i < PICTURES * D; i++)
        class_rows[i] = h[i / D * N * D + i % D];
    ref_norm(last, class_rows, PICTURES, LAST);
    assert_read(&y, last, PICTURES * D);
}

/* The probe's attention over each picture's rows, then a feed-forward beside it. */
static weft_tensor attention_pool(const weft_tensor *rows)
{
    weft_tensor probes = buffer(2, PICTURES, D, 0, 0), repeated = w[PROBE];
    repeated.shape[0] = PICTURES;
    repeated.stride[0] = 0;
    DO(copy(host, queue, &probes, &repeated, &failure));
    weft_tensor y = attend(&probes, rows, PICTURES);
    feed_forward(&y, WEFT_ACT_TANH_GELU);
    return y;
}

/* Patches with a bias, positions, two blocks, the last norm; pooled by attention, and by the mean
 * of all places. */
static void siglip(void **state)
{
    static const int32_t whole[2] = {3, 3}, one[2] = {1, 1}, pad[4] = {0};
    float                pictures[PICTURES * 3 * SIDE * SIDE];
    double               e[PICTURES * PATCHES * D], h[PICTURES * PATCHES * D], pooled[PICTURES * D];
    double               probes[PICTURES * D], mean[PICTURES * D] = {0};
    (void)state;
    random_pictures(pictures);

    weft_tensor x = patches(pictures, &w[PATCH_B]), pos = weft_slice(&w[POS], 0, 0, PATCHES);
    weft_tensor rows = as_rows(&x);
    DO(add(host, queue, &x, &x, &pos, 1.0f, &failure));
    block(&rows, PICTURES, WEFT_ACT_TANH_GELU);
    weft_tensor last = normed(&rows, LAST), y = attention_pool(&last);
    weft_tensor tokens = weft_split(&last, 0, PATCHES), grid = weft_split(&tokens, 1, 3);
    weft_tensor means = buffer(4, PICTURES, 1, 1, D);
    DO(pool(host, queue, &means, &grid, whole, one, pad, WEFT_POOL_MEAN, &failure));

    for (int64_t r = 0; r < PICTURES * PATCHES; r++) {
        ref_patch(e + r * D, pictures, r / PATCHES, r % PATCHES);
        for (int i = 0; i < D; i++)
            e[r * D + i] += (double)values[PATCH_B][i] + (double)values[POS][r % PATCHES * D + i];
    }
    ref_block(e, PICTURES * PATCHES, PICTURES, WEFT_ACT_TANH_GELU);
    ref_norm(h, e, PICTURES * PATCHES, LAST);
    assert_read(&last, h, PICTURES * PATCHES * D);
    for (int i = 0; i < PICTURES * D; i++)
        probes[i] = (double)values[PROBE][i % D];
    ref_attend(pooled, probes, PICTURES, h, PICTURES * PATCHES, PICTURES);
    ref_feed_forward(pooled, PICTURES, WEFT_ACT_TANH_GELU);
    assert_read(&y, pooled, PICTURES * D);
    for (int i = 0; i < PICTURES * PATCHES * D; i++)
        mean[i / (PATCHES * D) * D + i % D] += h[i] / (double)PATCHES;
    assert_read(&means, mean, PICTURES * D);
}

/* Two convolutions over time with GELU between (the second halves the frames), positions, a block,
 * the last norm. */
static void whisper(void **state)
{
    static const int32_t each[2] = {1, 1}, second[2] = {1, 2}, pad[4] = {0, 0, 1, 1};
    float                mel[MELS * FRAMES];
    double               in[MELS * FRAMES], first[FRAMES * D], turned_e[FRAMES * D];
    double               e[FRAMES / 2 * D], last[FRAMES / 2 * D];
    (void)state;
    for (int i = 0; i < MELS * FRAMES; i++)
        in[i] = (double)(mel[i] = 2.0f * any());

    weft_tensor x = floats(mel, 4, 1, MELS, 1, FRAMES), a = buffer(3, 1, FRAMES, D, 0);
    weft_tensor planes = buffer(4, 1, D, 1, FRAMES), turned = planes;
    weft_tensor b = buffer(3, 1, FRAMES / 2, D, 0), rows = as_rows(&b);
    DO(conv(host, queue, &a, &x, &w[CONV1], &w[CONV1_B], each, pad, &failure));
    DO(activate(host, queue, &a, &a, WEFT_ACT_GELU, &failure));
    turned = weft_view(&planes, planes.data, WEFT_F32, 2, (int64_t[]){FRAMES, D});
    turned.stride[0] = 1;
    turned.stride[1] = FRAMES;
    weft_tensor a_rows = as_rows(&a);
    DO(copy(host, queue, &turned, &a_rows, &failure));
    DO(conv(host, queue, &b, &planes, &w[CONV2], &w[CONV2_B], second, pad, &failure));
    DO(activate(host, queue, &b, &b, WEFT_ACT_GELU, &failure));
    DO(add(host, queue, &b, &b, &w[POS], 1.0f, &failure));
    block(&rows, 1, WEFT_ACT_GELU);
    weft_tensor y = normed(&rows, LAST);

    ref_conv_time(first, in, MELS, FRAMES, CONV1, 1);
    for (int i = 0; i < FRAMES * D; i++)
        turned_e[i % D * FRAMES + i / D] = first[i];
    ref_conv_time(e, turned_e, D, FRAMES, CONV2, 2);
    for (int i = 0; i < FRAMES / 2 * D; i++)
        e[i] += (double)values[POS][i];
    ref_block(e, FRAMES / 2, 1, WEFT_ACT_GELU);
    ref_norm(last, e, FRAMES / 2, LAST);
    assert_read(&y, last, FRAMES / 2 * D);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_weights, teardown_weights)
#define A(f)                                                                                       \
    {                                                                                              \
#f " on the asynchronous device", f, setup_weights_async, teardown_weights, NULL           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {T(clip), T(siglip), T(whisper),
                                       A(clip), A(siglip), A(whisper)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
