/* SPDX-License-Identifier: Apache-2.0 */
/* Resize, grid, alpha and normalisation against what Pillow and the Mllama processor give, by the
 * hashes of tests/fixtures/pixels. There is no tolerance: everything is compared byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/vision/shared/preprocess.h"
#include "tests/vision/expect.h"

static int32_t item(const json_t *array, size_t i)
{
    return (int32_t)json_integer_value(json_array_get(array, i));
}

static int32_t number(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    assert_true(json_is_integer(v));
    return (int32_t)json_integer_value(v);
}

static void resize_equals_pillow(void **state)
{
    json_t *all = fixture_json("pixels/resize.json"), *one;
    size_t  i;
    (void)state;
    assert_true(json_array_size(json_object_get(all, "cases")) >= 30);
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        json_t  *in = json_object_get(one, "in"), *out = json_object_get(one, "out");
        int32_t  sw = item(in, 0), sh = item(in, 1), w = item(out, 0), h = item(out, 1);
        uint64_t n = 3u * (uint64_t)w * (uint64_t)h;
        uint8_t *src = formula_picture(sw, sh), *dst = malloc(n);
        void    *scratch = scratch_of(vis_resize_scratch(sw, sh, w, h));
        vis_resize(NULL, VIS_BILINEAR, 3, src, sw, sh, dst, w, h, scratch);
        if (fnv(FNV_START, dst, n) != hash_of(one, "fnv"))
            fail_msg("%d x %d to %d x %d", sw, sh, w, h);
        free(src);
        free(dst);
        free(scratch);
    }
    json_decref(all);
}

static void resize_refuses_sizes_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(vis_resize_scratch(0, 1, 1, 1), 0);
    assert_int_equal(vis_resize_scratch(1, 1, 1, -1), 0);
    assert_int_equal(vis_resize_scratch(VIS_RESIZE_MAX_SIDE + 1, 1, 1, 1), 0);
    assert_true(vis_resize_scratch(VIS_RESIZE_MAX_SIDE, 1, 1, VIS_RESIZE_MAX_SIDE) > 0);
}

/* The steepest reduction there can be, where sums are longest: white must stay white. */
static void resize_does_not_overflow(void **state)
{
    int32_t  side = VIS_RESIZE_MAX_SIDE;
    uint8_t *src = malloc(3u * (size_t)side), out[3] = {0, 0, 0};
    (void)state;
    memset(src, 255, 3u * (size_t)side);
    void *scratch = scratch_of(vis_resize_scratch(side, 1, 1, 1));
    vis_resize(NULL, VIS_BILINEAR, 3, src, side, 1, out, 1, 1, scratch);
    assert_true(out[0] == 255 && out[1] == 255 && out[2] == 255);
    free(scratch);
    scratch = scratch_of(vis_resize_scratch(1, side, 1, 1));
    memset(out, 0, sizeof out);
    vis_resize(NULL, VIS_BILINEAR, 3, src, 1, side, out, 1, 1, scratch);
    assert_true(out[0] == 255 && out[1] == 255 && out[2] == 255);
    free(scratch);
    free(src);
}

static uint64_t grid_hash(int32_t tile, int32_t max_tiles, int32_t largest)
{
    uint64_t hash = FNV_START;
    for (int32_t h = 1; h <= largest; h++) {
        for (int32_t w = 1; w <= largest; w++) {
            vis_grid g, by_id;
            assert_int_equal(vis_grid_choose(w, h, tile, max_tiles, &g), 0);
            uint16_t v[4] = {(uint16_t)g.rows, (uint16_t)g.cols, (uint16_t)g.new_width,
                             (uint16_t)g.new_height};
            hash = fnv(hash, v, sizeof v);
            assert_int_equal(vis_grid_by_id(g.aspect_ratio_id, max_tiles, &by_id), 0);
            assert_true(by_id.rows == g.rows && by_id.cols == g.cols &&
                        by_id.num_tiles == g.num_tiles);
        }
    }
    return hash;
}

static void grid_equals_the_processors(void **state)
{
    json_t *all = fixture_json("pixels/grid.json"), *one;
    size_t  i;
    (void)state;
    json_array_foreach(json_object_get(all, "samples"), i, one)
    {
        vis_grid g;
        int32_t  w = item(one, 2), h = item(one, 3);
        assert_int_equal(vis_grid_choose(w, h, item(one, 0), item(one, 1), &g), 0);
        if (g.rows != item(one, 4) || g.cols != item(one, 5) || g.new_width != item(one, 6) ||
            g.new_height != item(one, 7))
            fail_msg("%d x %d in tiles of %d, at most %d", w, h, item(one, 0), item(one, 1));
    }
    json_array_foreach(json_object_get(all, "exhaustive"), i, one)
        assert_true(grid_hash(number(one, "tile"), number(one, "max_num_tiles"),
                              number(one, "largest")) == hash_of(one, "fnv"));
    json_decref(all);
}

static void grid_refuses_what_is_out_of_range(void **state)
{
    vis_grid g;
    (void)state;
    assert_int_equal(vis_grid_choose(0, 1, 28, 4, &g), -1);
    assert_int_equal(vis_grid_choose(1, VIS_MAX_SIDE + 1, 28, 4, &g), -1);
    assert_int_equal(vis_grid_choose(1, 1, 0, 4, &g), -1);
    assert_int_equal(vis_grid_choose(1, 1, 28, 0, &g), -1);
    assert_int_equal(vis_grid_choose(1, 1, 28, VIS_MAX_TILES + 1, &g), -1);
    assert_int_equal(vis_grid_by_id(0, 4, &g), -1);
    assert_int_equal(vis_grid_by_id(9, 4, &g), -1);
    assert_int_equal(vis_grid_count(4), 8);
    assert_int_equal(vis_grid_choose(VIS_MAX_SIDE, 1, VIS_MAX_SIDE, VIS_MAX_TILES, &g), 0);
}

/* The formula itself, in integers with the halves spelled out: 510 is twice 255. */
static void alpha_is_rounded_to_nearest(void **state)
{
    uint8_t *px = malloc(4u * 65536u);
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        px[4 * i] = px[4 * i + 1] = (uint8_t)(i & 255);
        px[4 * i + 2] = (uint8_t)(255 - (i & 255));
        px[4 * i + 3] = (uint8_t)(i >> 8);
    }
    vis_flatten_alpha(px, 65536);
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t s = i & 255, a = i >> 8;
        assert_int_equal(px[3 * i], (2 * (s * a + 255 * (255 - a)) + 255) / 510);
        assert_int_equal(px[3 * i + 1], px[3 * i]);
        s = 255 - s;
        assert_int_equal(px[3 * i + 2], (2 * (s * a + 255 * (255 - a)) + 255) / 510);
    }
    free(px);
}

static vis_image_config config_of(const json_t *all, const json_t *one)
{
    vis_image_config cfg;
    memset(&cfg, 0, sizeof cfg);
    cfg.tile = number(one, "tile");
    cfg.max_tiles = number(one, "max_num_tiles");
    cfg.rescale = 1.0 / 255.0;
    for (size_t c = 0; c < 3; c++) {
        json_t *mean = json_object_get(all, "image_mean"), *std = json_object_get(all, "image_std");
        cfg.mean[c] = (float)json_real_value(json_array_get(mean, c));
        cfg.std[c] = (float)json_real_value(json_array_get(std, c));
    }
    return cfg;
}

static void check_grid(const json_t *one, const vis_grid *g)
{
    json_t *grid = json_object_get(one, "grid"), *size = json_object_get(one, "resized");
    assert_int_equal(g->rows, item(grid, 0));
    assert_int_equal(g->cols, item(grid, 1));
    assert_int_equal(g->new_width, item(size, 0));
    assert_int_equal(g->new_height, item(size, 1));
    assert_int_equal(g->aspect_ratio_id, number(one, "aspect_ratio_id"));
    assert_int_equal(g->num_tiles, number(one, "num_tiles"));
}

static void preprocess_equals_the_processors(void **state)
{
    json_t *all = fixture_json("pixels/preprocess.json"), *one;
    size_t  i;
    (void)state;
    assert_true(json_array_size(json_object_get(all, "cases")) >= 10);
    json_array_foreach(json_object_get(all, "cases"), i, one)
    {
        vis_image_config cfg = config_of(all, one);
        vis_grid         g;
        int32_t          w = item(json_object_get(one, "size"), 0);
        int32_t          h = item(json_object_get(one, "size"), 1);
        uint64_t         n = sizeof(float) * 3u * (uint64_t)(cfg.max_tiles * cfg.tile * cfg.tile);
        uint8_t         *src = formula_picture(w, h);
        float           *dst = scratch_of(n);
        assert_int_equal(vis_grid_choose(w, h, cfg.tile, cfg.max_tiles, &g), 0);
        check_grid(one, &g);
        void *scratch = scratch_of(vis_preprocess_scratch(w, h, &g));
        vis_preprocess(NULL, &cfg, &g, src, w, h, dst, scratch);
        if (fnv(FNV_START, dst, n) != hash_of(one, "pixel_values_fnv"))
            fail_msg("pixel_values of %d x %d", w, h);
        free(scratch);
        free(src);
        free(dst);
    }
    json_decref(all);
}

/* All 256 bytes of each channel through the whole function: a picture of one row, of its own
 * size. */
static void normalise_equals_numpy(void **state)
{
    expect           e = expect_open("pixels/pixels.safetensors");
    json_t          *all = fixture_json("pixels/preprocess.json");
    vis_image_config cfg = {.tile = 256, .max_tiles = 1, .rescale = 1.0 / 255.0};
    vis_grid         g = {1, 1, 256, 1, 1, 1};
    uint8_t          src[768];
    uint64_t         n, bytes_out = sizeof(float) * 3u * 65536u;
    (void)state;
    const float *want = expect_tensor(&e, "normalised", &n, NULL);
    assert_true(want != NULL && n == sizeof(float) * 768u);
    for (size_t c = 0; c < 3; c++) {
        cfg.mean[c] = (float)json_real_value(json_array_get(json_object_get(all, "image_mean"), c));
        cfg.std[c] = (float)json_real_value(json_array_get(json_object_get(all, "image_std"), c));
        for (size_t v = 0; v < 256; v++)
            src[3 * v + c] = (uint8_t)v;
    }
    float *dst = scratch_of(bytes_out);
    void  *scratch = scratch_of(vis_preprocess_scratch(256, 1, &g));
    vis_preprocess(NULL, &cfg, &g, src, 256, 1, dst, scratch);
    for (size_t c = 0; c < 3; c++)
        assert_memory_equal(dst + c * 65536u, want + c * 256u, 256 * sizeof(float));
    free(scratch);
    free(dst);
    json_decref(all);
    expect_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_equals_pillow),
        cmocka_unit_test(resize_refuses_sizes_out_of_range),
        cmocka_unit_test(resize_does_not_overflow),
        cmocka_unit_test(grid_equals_the_processors),
        cmocka_unit_test(grid_refuses_what_is_out_of_range),
        cmocka_unit_test(alpha_is_rounded_to_nearest),
        cmocka_unit_test(preprocess_equals_the_processors),
        cmocka_unit_test(normalise_equals_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
