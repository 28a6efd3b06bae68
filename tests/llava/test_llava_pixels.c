/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles as CLIP's, SigLIP's and LLaVA-NeXT's processors make them, by the hashes of
 * tests/fixtures/llava: byte for byte, of pictures with and without opacity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/vision/llava/llava.h"
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

static llv_config config_of(const char *kind)
{
    static const float    mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float    std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    static const llv_size sizes[] = {{56, 28}, {28, 56}, {56, 56}, {28, 84}, {84, 28}};
    int                   siglip = strcmp(kind, "siglip") == 0;
    llv_config            c;
    memset(&c, 0, sizeof c);
    c.tower.tile = c.image.tile = TILE;
    c.tower.side = 4;
    c.rows = 16;
    c.fit = siglip ? LLV_FIT_STRETCH : LLV_FIT_CROP;
    c.is_next = strcmp(kind, "next") == 0;
    c.has_newline = 1;
    c.image.max_tiles = 1;
    c.image.rescale = 1.0 / 255.0;
    c.n_resolutions = 5;
    memcpy(c.resolutions, sizes, sizeof sizes);
    for (int i = 0; i < 3; i++) {
        c.image.mean[i] = siglip ? 0.5f : mean[i];
        c.image.std[i] = siglip ? 0.5f : std[i];
    }
    return c;
}

static void check(fake_host *h, const json_t *one)
{
    const llv_config c = config_of(json_string_value(json_object_get(one, "kind")));
    weft_media_info  info = {.hdr = WEFT_HDR(weft_media_info),
                             .width = in(one, 0),
                             .height = in(one, 1),
                             .has_alpha = in(one, 2) == 4};
    const weft_media media = {
        .hdr = WEFT_HDR(weft_media), .info = &info, .read_frames = read_formula};
    const llv_grid g = llv_grid_of(&c, info.width, info.height);
    const int32_t  n = llv_grid_tiles(&g);
    const plg_pool pool = plg_pool_of(&h->host);
    const uint64_t n_bytes = (uint64_t)n * 3 * TILE * TILE * sizeof(float);
    float         *dst = malloc(n_bytes);
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    assert_non_null(dst);
    assert_int_equal(n, json_integer_value(json_object_get(one, "tiles")));
    assert_int_equal(llv_picture_read(&pool, &media, &c, &g, dst, &err), WEFT_OK);
    if (fnv(FNV_START, dst, n_bytes) != hash_of(one, "fnv"))
        fail_msg("%s: %d x %d of %d channels, %d tiles",
                 json_string_value(json_object_get(one, "kind")), info.width, info.height,
                 in(one, 2), n);
    free(dst);
}

static void tiles_equal_the_processor(void **state)
{
    json_t   *doc = fixture_json("llava/pictures.json"), *one;
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

static void memory_that_runs_out_is_told(void **state)
{
    const llv_config c = config_of("next");
    weft_media_info  info = {.hdr = WEFT_HDR(weft_media_info), .width = 100, .height = 50};
    const weft_media media = {
        .hdr = WEFT_HDR(weft_media), .info = &info, .read_frames = read_formula};
    const llv_grid g = llv_grid_of(&c, 100, 50);
    float          dst[1] = {0};
    fake_host      h;
    (void)state;
    fake_host_init(&h, NULL, 0);
    const plg_pool pool = plg_pool_of(&h.host);
    for (uint64_t n = 1; n <= 1; n++) {
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        fake_host_fail_at(&h, n, 0);
        assert_int_equal(llv_picture_read(&pool, &media, &c, &g, dst, &err), WEFT_E_NOMEM);
        assert_int_equal(h.blocks_live, 0);
    }
    fake_host_deinit(&h);
}

/* Every token of a grid comes from another row, and the newline ends each line. */
static void places_are_those_of_the_grid(void **state)
{
    const llv_config c = config_of("next");
    (void)state;
    for (int32_t w = 10; w < 400; w += 13)
        for (int32_t h = 10; h < 400; h += 17) {
            const llv_grid g = llv_grid_of(&c, w, h);
            const int32_t  n = llv_grid_tiles(&g) * c.rows, columns = g.cols * 4 - 2 * g.left + 1;
            int32_t       *index = malloc((size_t)g.n_tokens * sizeof *index);
            uint8_t       *seen = calloc((size_t)n + 1, 1);
            assert_true(g.n_tokens >= c.rows &&
                        columns >= 1); /* a thread of a picture: lines alone */
            llv_grid_index(&c, &g, index);
            for (int32_t i = 0; i < g.n_tokens; i++) {
                int32_t behind = i - c.rows;
                int     ends = behind >= 0 && behind % columns == columns - 1;
                assert_in_range(index[i], 0, n);
                assert_int_equal(index[i] == n, ends);
                assert_true(ends || !seen[index[i]]);
                seen[index[i]] = 1;
            }
            free(index);
            free(seen);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_equal_the_processor),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(places_are_those_of_the_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
