/* SPDX-License-Identifier: Apache-2.0 */
/* The perceiver resampler alone, on the real host's ops and the fixture's weights: several pictures
 * in one run against what transformers gave (1e-4 of scale: the fixture's own f32 error is below
 * 1e-6), groups of unlike sizes byte for byte equal to each on its own, and what does not fit is
 * refused. On the CPU and on the asynchronous device. */
#include "tests/plugin/host_bench.h"

#include <math.h>

#include "plugins/vision/shared/resampler.h"

#define FLOAT WEFT_FIXTURES "/idefics/float"
#define PREFIX "model.perceiver_resampler."
#define PARITY_TOLERANCE 1e-4f

static weft_package *weights_dir;
static vis_resampler r;

static void ask(plg_request *q, void *ctx)
{
    vis_resampler_ask(q, ctx, PREFIX);
}

static void open_resampler(void)
{
    const vis_resampler_config c = {.d = 24,
                                    .depth = 2,
                                    .n_latents = 6,
                                    .n_heads = 2,
                                    .head_dim = 20,
                                    .d_ffn = 96,
                                    .qk_norm = 1,
                                    .eps = 1e-5f};
    plg_request                q;
    weft_error                 err = WF_ERROR_INIT;
    good(wf_package_open(FLOAT, &weights_dir, &err), &err);
    good(vis_resampler_check(&c, "config.json", &err), &err);
    good(vis_resampler_init(&r, host, &c, &err), &err);
    good(plg_request_run(host, weights_dir, ask, &r, &q, &err), &err);
}

static void close_resampler(void)
{
    vis_resampler_free(&r, host);
    wf_package_close(&weights_dir);
}

/* Runs groups with these bounds over context [rows, 24] on the host; out [n * 6, 24]. */
static void run(const float *context, const int32_t *begin, int32_t n, float *out)
{
    weft_error  err = WF_ERROR_INIT;
    weft_tensor in = make(2, begin[n], 24, 0, 0), y = make(3, n, 6, 24, 0);
    int64_t     bytes = (int64_t)vis_resampler_scratch_bytes(&r.config, begin[n], n);
    weft_tensor scratch_floats = make(1, bytes / 4, 0, 0, 0);
    plg_run     u = plg_run_begin(host, ops(), queue, &err);
    fill(&in, context);
    vis_resampler_run(&u, &r, &in, begin, n, &y, &scratch_floats);
    good(u.status, &err);
    fetch(&y, out);
    drop(&in);
    drop(&y);
    drop(&scratch_floats);
}

static float *tensor_of(const wf_st_file *f, const char *name, int64_t numel)
{
    const wf_st_tensor *t = wf_st_find(f, name);
    assert_non_null(t);
    assert_int_equal(wf_st_numel(t), numel);
    float *x = malloc((size_t)t->bytes);
    assert_int_equal(wf_st_read(f, t, 0, x, t->bytes, NULL), WEFT_OK);
    return x;
}

static void test_parity(void **state)
{
    const int32_t begin[] = {0, 17, 34, 51};
    float         out[3 * 6 * 24], scale = 1;
    wf_st_file    f;
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    open_resampler();
    good(wf_st_open(FLOAT "/parity-text-first.safetensors", &f, &err), &err);
    float *context = tensor_of(&f, "vision.output", 3 * 17 * 24);
    float *want = tensor_of(&f, "resampler.output", 3 * 6 * 24);
    run(context, begin, 3, out);
    for (int i = 0; i < 3 * 6 * 24; i++)
        scale = fmaxf(scale, fabsf(want[i]));
    for (int i = 0; i < 3 * 6 * 24; i++)
        if (!(fabsf(out[i] - want[i]) <= PARITY_TOLERANCE * scale))
            fail_msg("element %d: %g, not %g", i, (double)out[i], (double)want[i]);
    free(context);
    free(want);
    wf_st_close(&f);
    close_resampler();
}

/* 1, 70 (two key blocks with the latents), 5 and 129 rows. */
static void test_groups(void **state)
{
    const int32_t begin[] = {0, 1, 71, 76, 205};
    float        *context = malloc(205 * 24 * sizeof *context), all[4 * 6 * 24], one[6 * 24];
    (void)state;
    assert_non_null(context);
    ramp(context, 205 * 24, 0.37f);
    open_resampler();
    run(context, begin, 4, all);
    for (int32_t g = 0; g < 4; g++) {
        const int32_t alone[] = {0, begin[g + 1] - begin[g]};
        run(context + begin[g] * 24, alone, 1, one);
        assert_memory_equal(all + g * 6 * 24, one, sizeof one);
    }
    close_resampler();
    free(context);
}

static void refuse(const int32_t *begin, int32_t n, const weft_tensor *in, const weft_tensor *out,
                   const weft_tensor *lent)
{
    weft_error err = WF_ERROR_INIT;
    plg_run    u = plg_run_begin(host, ops(), queue, &err);
    vis_resampler_run(&u, &r, in, begin, n, out, lent);
    refused(u.status, &err, "groups of context rows");
}

static void test_refused(void **state)
{
    const int32_t good_[] = {0, 3, 5}, late[] = {1, 3, 5}, empty[] = {0, 3, 3}, long_[] = {0, 3, 6};
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    open_resampler();
    weft_tensor in = make(2, 5, 24, 0, 0), out = make(3, 2, 6, 24, 0), small = make(3, 1, 6, 24, 0);
    weft_tensor lent = make(1, (int64_t)vis_resampler_scratch_bytes(&r.config, 6, 2) / 4, 0, 0, 0);
    weft_tensor little =
        make(1, (int64_t)vis_resampler_scratch_bytes(&r.config, 5, 2) / 4 - 64, 0, 0, 0);
    refuse(late, 2, &in, &out, &lent);
    refuse(empty, 2, &in, &out, &lent);
    refuse(long_, 2, &in, &out, &lent);
    refuse(good_, 0, &in, &out, &lent);
    refuse(good_, 2, &in, &small, &lent);
    refuse(good_, 2, &in, &out, &little);
    vis_resampler_config c = r.config;
    c.head_dim = 65536;
    refused(vis_resampler_check(&c, "config.json", &err), &err, "config.json");
    c = r.config;
    c.depth = 0;
    refused(vis_resampler_check(&c, "config.json", &err), &err, "0 blocks");
    drop(&in);
    drop(&out);
    drop(&small);
    drop(&lent);
    drop(&little);
    close_resampler();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        {"test_parity, async", test_parity, setup_async, teardown, NULL},
        {"test_groups, async", test_groups, setup_async, teardown, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
