/* SPDX-License-Identifier: Apache-2.0 */
/* Pillow's bicubic resize and the Idefics processor, by the hashes of tests/fixtures/idefics: byte
 * for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/vision/shared/preprocess.h"
#include "tests/vision/expect.h"

static int32_t side(const json_t *one, const char *key, size_t i)
{
    return (int32_t)json_integer_value(json_array_get(json_object_get(one, key), i));
}

static void bicubic_equals_pillow(void **state)
{
    json_t *doc = fixture_json("idefics/preprocess.json"), *one;
    json_t *all = json_object_get(doc, "bicubic");
    size_t  i;
    (void)state;
    assert_true(json_array_size(all) >= 9);
    json_array_foreach(all, i, one)
    {
        int32_t  sw = side(one, "in", 0), sh = side(one, "in", 1);
        int32_t  w = side(one, "out", 0), h = side(one, "out", 1);
        uint64_t n = 3u * (uint64_t)w * (uint64_t)h;
        uint8_t *src = formula_picture(sw, sh), *dst = malloc(n);
        void    *scratch = scratch_of(vis_resize_scratch(sw, sh, w, h));
        vis_resize(NULL, VIS_BICUBIC, 3, src, sw, sh, dst, w, h, scratch);
        if (fnv(FNV_START, dst, n) != hash_of(one, "fnv"))
            fail_msg("%d x %d to %d x %d", sw, sh, w, h);
        free(src);
        free(dst);
        free(scratch);
    }
    json_decref(doc);
}

static void pixels_equal_the_processor(void **state)
{
    const vis_image_config cfg = {.tile = 224,
                                  .max_tiles = 1,
                                  .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                  .std = {0.26862954f, 0.26130258f, 0.27577711f},
                                  .rescale = 1.0 / 255.0,
                                  .bicubic = 1};
    const vis_grid         grid = {1, 1, 224, 224, 1, 1};
    const uint64_t         n = 3u * 224u * 224u;
    json_t                *doc = fixture_json("idefics/preprocess.json"), *one;
    json_t                *all = json_object_get(doc, "processor");
    float                 *dst = malloc(n * sizeof *dst);
    size_t                 i;
    (void)state;
    assert_non_null(dst);
    assert_true(json_array_size(all) >= 12);
    json_array_foreach(all, i, one)
    {
        int32_t  w = side(one, "in", 0), h = side(one, "in", 1);
        uint8_t *src = formula_picture(w, h);
        void    *scratch = scratch_of(vis_preprocess_scratch(w, h, &grid));
        vis_preprocess(NULL, &cfg, &grid, src, w, h, dst, scratch);
        if (fnv(FNV_START, dst, n * sizeof *dst) != hash_of(one, "fnv"))
            fail_msg("%d x %d", w, h);
        free(src);
        free(scratch);
    }
    free(dst);
    json_decref(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bicubic_equals_pillow),
        cmocka_unit_test(pixels_equal_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
