/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles as Idefics3ImageProcessor makes them, by the hashes of tests/fixtures/idefics3: byte for
 * byte, of pictures with and without opacity, cut and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/vision/idefics3/idefics3.h"
#include "tests/support/fake_host.h"
#include "tests/vision/expect.h"

#define TILE 28

static int32_t in(const json_t *one, size_t i)
{
    return (int32_t)json_integer_value(json_array_get(json_object_get(one, "in"), i));
}

/* The picture of the generators, with any number of channels. */
static weft_status read_formula(void *ctx, const int64_t *time_us, uint32_t n,
                                const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    uint8_t      *p = dst->data;
    const int64_t h = dst->shape[1], w = dst->shape[2], channels = dst->shape[3];
    (void)ctx, (void)time_us, (void)err;
    assert_int_equal(n, 1);
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++)
            for (int64_t c = 0; c < channels; c++)
                *p++ = (uint8_t)((x * 7 + y * 13 + c * 29) ^ (x * y));
    *at_us = 0;
    return WEFT_OK;
}

static const int64_t now = 0;

static id3_config config_of(int splits)
{
    id3_config c;
    memset(&c, 0, sizeof c);
    c.tower.tile = c.image.tile = TILE;
    c.edge = 4 * TILE;
    c.splits = splits;
    c.image.max_tiles = 1;
    c.image.rescale = 1.0 / 255.0;
    for (int i = 0; i < 3; i++)
        c.image.mean[i] = c.image.std[i] = 0.5f;
    return c;
}

static void check(fake_host *h, const json_t *one)
{
    const id3_config c = config_of(json_is_true(json_object_get(one, "splits")));
    weft_media_info  info = {.hdr = WEFT_HDR(weft_media_info),
                             .width = in(one, 0),
                             .height = in(one, 1),
                             .has_alpha = in(one, 2) == 4};
    const weft_media media = {
        .hdr = WEFT_HDR(weft_media), .info = &info, .read_frames = read_formula};
    const id3_grid g = id3_grid_of(&c, info.width, info.height);
    const int32_t  n = id3_grid_tiles(&g);
    const plg_pool pool = plg_pool_of(&h->host);
    const uint64_t n_bytes = (uint64_t)n * 3 * TILE * TILE * sizeof(float);
    float         *dst = malloc(n_bytes);
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    assert_non_null(dst);
    assert_int_equal(n, json_integer_value(json_object_get(one, "tiles")));
    assert_int_equal(id3_frames_read(&pool, &media, &c, &g, &now, 1, dst, &err), WEFT_OK);
    if (fnv(FNV_START, dst, n_bytes) != hash_of(one, "fnv"))
        fail_msg("%d x %d of %d channels, %d tiles", info.width, info.height, in(one, 2), n);
    free(dst);
}

static void tiles_equal_the_processor(void **state)
{
    json_t   *doc = fixture_json("idefics3/pictures.json"), *one;
    json_t   *all = json_object_get(doc, "cases");
    fake_host h;
    size_t    i;
    (void)state;
    fake_host_init(&h, NULL, 0);
    assert_true(json_array_size(all) >= 40);
    json_array_foreach(all, i, one) check(&h, one);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
    json_decref(doc);
}

/* Frames of a clip: each made as the processor makes a picture for the clip's own size, one behind
 * the other. */
static void frames_equal_the_processor(void **state)
{
    static const int64_t at[2] = {0, 1000000};
    json_t              *doc = fixture_json("idefics3/clips.json"), *one;
    id3_config           c = config_of(1);
    fake_host            h;
    size_t               i;
    (void)state;
    fake_host_init(&h, NULL, 0);
    const plg_pool pool = plg_pool_of(&h.host);
    c.edge = TILE;
    json_array_foreach(json_object_get(doc, "cases"), i, one)
    {
        const json_t    *size = json_object_get(one, "size");
        weft_media_info  info = {.hdr = WEFT_HDR(weft_media_info),
                                 .width = (int32_t)json_integer_value(json_array_get(size, 0)),
                                 .height = (int32_t)json_integer_value(json_array_get(size, 1))};
        const weft_media media = {
            .hdr = WEFT_HDR(weft_media), .info = &info, .read_frames = read_formula};
        const id3_grid g = id3_grid_of(&c, info.width, info.height);
        float          dst[2][3 * TILE * TILE];
        weft_error     err = {.hdr = WEFT_HDR(weft_error)};
        assert_int_equal(id3_grid_tiles(&g), 1);
        assert_int_equal(id3_frames_read(&pool, &media, &c, &g, at, 2, dst[0], &err), WEFT_OK);
        for (int k = 0; k < 2; k++)
            assert_true(fnv(FNV_START, dst[k], sizeof dst[k]) == hash_of(one, "fnv"));
    }
    assert_true(i >= 16);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
    json_decref(doc);
}

static void memory_that_runs_out_is_told(void **state)
{
    const id3_config c = config_of(1);
    weft_media_info  info = {.hdr = WEFT_HDR(weft_media_info), .width = 100, .height = 50};
    const weft_media media = {
        .hdr = WEFT_HDR(weft_media), .info = &info, .read_frames = read_formula};
    const id3_grid g = id3_grid_of(&c, 100, 50);
    float          dst[1] = {0};
    fake_host      h;
    (void)state;
    fake_host_init(&h, NULL, 0);
    const plg_pool pool = plg_pool_of(&h.host);
    for (uint64_t n = 1; n <= 2; n++) {
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        fake_host_fail_at(&h, n, 0);
        assert_int_equal(id3_frames_read(&pool, &media, &c, &g, &now, 1, dst, &err), WEFT_E_NOMEM);
        assert_int_equal(h.blocks_live, 0);
    }
    fake_host_deinit(&h);
}

/* A full mask is no mask: every patch counts and keeps its own position. */
static void whole_masks_change_nothing(void **state)
{
    static const int32_t sides[] = {1, 2, 3, 7, 26, 27, 32};
    (void)state;
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        const int32_t    side = sides[k], n = side * side;
        vis_tower_config c = {.tile = side, .patch = 1, .side = side, .n = n};
        int64_t         *mask = malloc((size_t)n * sizeof *mask);
        int32_t         *at = malloc(2 * (size_t)n * sizeof *at);
        for (int32_t i = 0; i < n; i++)
            mask[i] = 1;
        assert_int_equal(id3_mask_read(&c, mask, at, at + n), n);
        for (int32_t i = 0; i < n; i++) {
            assert_int_equal(at[i], i);
            assert_int_equal(at[n + i], i);
        }
        free(mask);
        free(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_equal_the_processor),
        cmocka_unit_test(frames_equal_the_processor),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(whole_masks_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
