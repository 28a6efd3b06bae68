/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from sizes and from tensors, and the way from a decoder's pixels to the encoder's inputs.
 */
#include "module.h"
#include "tests/support/planned.h"

#include <math.h>

/* Two tiles of 28 pixels, patches of 14: n is 5 tokens a tile. */
static const char config[] =
    "{\"architectures\": [\"MllamaForConditionalGeneration\"], \"text_config\": {\"hidden_size\": "
    "64,"
    " \"num_attention_heads\": 8, \"num_hidden_layers\": 3, \"cross_attention_layers\": [1]},"
    " \"vision_config\": {\"image_size\": 28, \"max_num_tiles\": 2, \"hidden_size\": 32,"
    " \"attention_heads\": 4, \"intermediate_size\": 64, \"num_hidden_layers\": 2,"
    " \"intermediate_layers_indices\": [1], \"vision_output_dim\": 64}}";
static const char preprocessor[] =
    "{\"size\": {\"height\": 28, \"width\": 28}, \"max_image_tiles\": 2,"
    " \"image_mean\": [0.5, 0.25, 0.0], \"image_std\": [0.5, 0.25, 2.0]}";
#define TILE (3 * 28 * 28) /* values of one tile */

static void *open_image(module *m, const char *processor)
{
    void *self;
    module_open(m);
    weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                          .package = module_package(m, config, processor)};
    assert_int_equal(m->image->create(&m->host.host, &mi, &self, &m->err), WEFT_OK);
    return self;
}

static void close_image(module *m, void *self)
{
    m->image->destroy(self);
    module_close(m);
}

static weft_status plan(module *m, void *self, int32_t width, int32_t height, uint64_t max_tokens,
                        weft_plan *out)
{
    weft_media_info info = {
        .hdr = WEFT_HDR(weft_media_info), .kind = "image", .width = width, .height = height};
    weft_limits  limits = {.hdr = WEFT_HDR(weft_limits), .max_tokens = max_tokens};
    weft_request request = {
        .hdr = WEFT_HDR(weft_request), .start_us = -1, .end_us = -1, .max_frames = -1};
    memset(out, 0, sizeof *out);
    planned_begin(out);
    return m->image->plan(self, &info, &request, &limits, out, &m->err);
}

static void test_shapes(void **state)
{
    static const int64_t pixels[4] = {2, 3, 28, 28}, rows[3] = {2, 5, 64};
    module               m;
    weft_plan            p;
    (void)state;
    void *self = open_image(&m, preprocessor);
    assert_int_equal(plan(&m, self, 300, 100, 1000, &p),
                     WEFT_OK); /* wide: both tiles, side by side */
    assert_int_equal(p.n_inputs, 3);
    assert_string_equal(p.inputs[0].name, "pixel_values");
    assert_string_equal(p.inputs[1].name, "aspect_ratio_ids");
    assert_string_equal(p.inputs[2].name, "num_tiles");
    assert_int_equal(p.inputs[0].spec.ndim, 4);
    assert_memory_equal(p.inputs[0].spec.shape, pixels, sizeof pixels);
    assert_int_equal(p.inputs[1].spec.ndim, 1);
    assert_int_equal(p.inputs[1].spec.shape[0], 1);
    assert_int_equal(p.inputs[2].spec.dtype.bits, 64);
    assert_int_equal(p.n_outputs, 1);
    assert_string_equal(p.outputs[0].name, "vision.output");
    assert_string_equal(p.outputs[0].stream, "weft.vision/image");
    assert_int_equal(p.outputs[0].spec.ndim, 3);
    assert_memory_equal(p.outputs[0].spec.shape, rows, sizeof rows);
    assert_int_equal(p.outputs[0].stream_rows, 10);
    assert_int_equal(p.n_placeholders, 1);
    uint64_t two = p.scratch_bytes;
    assert_int_equal(plan(&m, self, 20, 20, 1000, &p), WEFT_OK);
    assert_int_equal(p.outputs[0].stream_rows, 5);
    assert_true(p.scratch_bytes > 0 && p.scratch_bytes <= two);
    close_image(&m, self);
}

static void test_refusals(void **state)
{
    static const struct {
        int32_t     width, height;
        uint64_t    max_tokens;
        weft_status status;
        const char *says;
    } cases[] = {
        {0, 5, 100, WEFT_E_INVALID, "0 x 5"},
        {5, -1, 100, WEFT_E_INVALID, "5 x -1"},
        {2001, 10, 100, WEFT_E_LIMIT, "split or crop it"},
        {10, 2001, 100, WEFT_E_LIMIT, "split or crop it"},
        {300, 100, 9, WEFT_E_LIMIT, "--max-tokens 9"},
        {300, 100, 0, WEFT_E_LIMIT, "--max-tokens 0"},
        {INT32_MAX, INT32_MAX, 100, WEFT_E_LIMIT, "scale it down"},
    };
    module    m;
    weft_plan p;
    (void)state;
    void *self = open_image(&m, preprocessor);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_status status =
            plan(&m, self, cases[i].width, cases[i].height, cases[i].max_tokens, &p);
        if (status != cases[i].status || strstr(m.err.message, cases[i].says) == NULL)
            fail_msg("case %zu: status %d, %s", i, status, m.err.message);
    }
    assert_int_equal(plan(&m, self, 2000, 10, 100, &p), WEFT_OK); /* 200:1 is still allowed */
    close_image(&m, self);
}

static void colour_to_tensors(module *m, void *self, uint8_t colour[4], int has_alpha,
                              const float expected[3]);

/* Without preprocessor_config.json: config.json's tiles, and the reference class's values, which
 * map 0..255 to -1..1. */
static void test_no_processor(void **state)
{
    uint8_t     opaque[4] = {255, 0, 51, 0};
    const float seen[3] = {1.0f, -1.0f, -0.6f};
    module      m;
    weft_plan   p;
    (void)state;
    void *self = open_image(&m, NULL);
    assert_int_equal(plan(&m, self, 20, 20, 100, &p), WEFT_OK);
    assert_int_equal(p.inputs[0].spec.shape[0], 2);
    assert_int_equal(p.inputs[0].spec.shape[3], 28);
    colour_to_tensors(&m, self, opaque, 0, seen);
    close_image(&m, self);
}

/* Tensors as `model verify` finds them in a file, in any order, beside others. */
typedef struct tensors {
    float       pixels[2 * 2 * TILE];
    int64_t     ids[2], tiles[2];
    weft_tensor t[4];
    const char *name[4];
} tensors;

static void tensors_fill(tensors *x)
{
    const int64_t pixels[5] = {2, 2, 3, 28, 28}, two[1] = {2};
    memset(x, 0, sizeof *x);
    x->ids[0] = 1;
    x->tiles[0] = 1;
    x->ids[1] = 3;
    x->tiles[1] = 2;
    x->t[0] = weft_view(NULL, x->tiles, WEFT_I64, 1, two);
    x->t[1] = weft_view(NULL, x->tiles, WEFT_I64, 1, two);
    x->t[2] = weft_view(NULL, x->pixels, WEFT_F32, 5, pixels);
    x->t[3] = weft_view(NULL, x->ids, WEFT_I64, 1, two);
    x->name[0] = "input_ids";
    x->name[1] = "num_tiles";
    x->name[2] = "pixel_values";
    x->name[3] = "aspect_ratio_ids";
}

static weft_status plan_inputs(module *m, void *self, const tensors *x, uint32_t cap,
                               weft_plan p[2], uint32_t *n)
{
    memset(p, 0, 2 * sizeof *p);
    planned_begin(&p[0]);
    planned_begin(&p[1]);
    return m->image->plan_inputs(self, x->t, x->name, 4, p, cap, n, &m->err);
}

static void test_plan_inputs(void **state)
{
    static tensors x;
    module         m;
    weft_plan      p[2];
    uint32_t       n;
    (void)state;
    void *self = open_image(&m, NULL); /* tensors need no preprocessor_config.json */
    tensors_fill(&x);
    assert_int_equal(plan_inputs(&m, self, &x, 2, p, &n), WEFT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(p[0].outputs[0].stream_rows, 5);
    assert_int_equal(p[1].outputs[0].stream_rows, 10);
    assert_int_equal(p[1].hdr.size, sizeof p[1]);
    assert_int_equal(plan_inputs(&m, self, &x, 1, p, &n), WEFT_E_LIMIT);

    static const struct {
        int         which; /* 0 ids, 1 tiles */
        int64_t     value;
        const char *says;
    } bad[] = {{0, -1, "aspect_ratio_ids holds -1"},
               {0, 4, "it must be 0 to 3"},
               {1, 0, "num_tiles holds 0"},
               {1, 3, "it must be 1 to 2"},
               {1, INT64_MIN, "num_tiles"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tensors_fill(&x);
        *(bad[i].which == 0 ? &x.ids[1] : &x.tiles[1]) = bad[i].value;
        assert_int_equal(plan_inputs(&m, self, &x, 2, p, &n), WEFT_E_INVALID);
        assert_int_equal(n, 0);
        assert_non_null(strstr(m.err.message, bad[i].says));
    }
    for (int i = 1; i < 4; i++) { /* one of them absent, of another type, of another shape */
        tensors_fill(&x);
        x.name[i] = "other";
        assert_int_equal(plan_inputs(&m, self, &x, 2, p, &n), WEFT_E_INVALID);
        assert_non_null(strstr(m.err.message, "is missing"));
        tensors_fill(&x);
        x.t[i].dtype = WEFT_I32;
        assert_int_equal(plan_inputs(&m, self, &x, 2, p, &n), WEFT_E_INVALID);
        tensors_fill(&x);
        x.t[i].shape[x.t[i].ndim - 1]--;
        assert_int_equal(plan_inputs(&m, self, &x, 2, p, &n), WEFT_E_INVALID);
    }
    close_image(&m, self);
}

/* A decoder that shows one colour, with or without alpha. */
static weft_status one_colour(void *ctx, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                              int64_t *at_us, weft_error *err)
{
    const uint8_t *colour = ctx;
    uint8_t       *px = dst->data;
    (void)err;
    assert_int_equal(n, 1);
    assert_int_equal(time_us[0], 0);
    assert_int_equal(dst->ndim, 4);
    for (int64_t i = 0; i < dst->shape[1] * dst->shape[2]; i++)
        memcpy(px + i * dst->shape[3], colour, (size_t)dst->shape[3]);
    *at_us = 0;
    return WEFT_OK;
}

/* A 28 x 56 picture fills both tiles, one above the other: grid (2, 1), which is id 3. */
static void colour_to_tensors(module *m, void *self, uint8_t colour[4], int has_alpha,
                              const float expected[3])
{
    static float    pixels[2 * TILE];
    const int64_t   shape[4] = {2, 3, 28, 28}, one[1] = {1};
    int64_t         id = 0, tiles = 0;
    weft_plan       p;
    weft_media_info info = {
        .hdr = WEFT_HDR(weft_media_info), .width = 28, .height = 56, .has_alpha = has_alpha};
    weft_media media = {
        .hdr = WEFT_HDR(weft_media), .ctx = colour, .info = &info, .read_frames = one_colour};
    weft_tensor inputs[3] = {weft_view(NULL, pixels, WEFT_F32, 4, shape),
                             weft_view(NULL, &id, WEFT_I64, 1, one),
                             weft_view(NULL, &tiles, WEFT_I64, 1, one)};
    assert_int_equal(plan(m, self, 28, 56, 1000, &p), WEFT_OK);
    assert_int_equal(m->image->preprocess(self, &media, &p, inputs, &m->err), WEFT_OK);
    assert_int_equal(id, 3);
    assert_int_equal(tiles, 2);
    for (int i = 0; i < 2 * TILE;
         i++) /* the arithmetic itself has its own test: here 1e-6 tells channels apart */
        assert_true(fabsf(pixels[i] - expected[i / (28 * 28) % 3]) < 1e-6f);

    info.width = 27;
    assert_int_equal(m->image->preprocess(self, &media, &p, inputs, &m->err), WEFT_E_STATE);
    info.width = 28;
    for (uint64_t n = 1; n <= 2; n++) { /* of its two allocations */
        uint64_t live = m->host.blocks_live;
        fake_host_fail_at(&m->host, n, 0);
        assert_int_equal(m->image->preprocess(self, &media, &p, inputs, &m->err), WEFT_E_NOMEM);
        assert_int_equal(m->host.blocks_live, live);
    }
    fake_host_fail_at(&m->host, 0, 0);
}

static void test_preprocess(void **state)
{
    uint8_t     opaque[4] = {255, 0, 51, 0}, faint[4] = {255, 0, 0, 51};
    const float seen[3] = {1.0f, -1.0f, 0.1f};
    const float over_white[3] = {1.0f, 2.2f,
                                 0.4f}; /* 0.2 of the colour, 0.8 of white: 255, 204, 204 */
    module      m;
    (void)state;
    void *self = open_image(&m, preprocessor);
    colour_to_tensors(&m, self, opaque, 0, seen);
    colour_to_tensors(&m, self, faint, 1, over_white);
    close_image(&m, self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_processor), cmocka_unit_test(test_plan_inputs),
        cmocka_unit_test(test_preprocess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
