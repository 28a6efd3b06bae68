/* SPDX-License-Identifier: Apache-2.0 */
/* The rarer pictures of tests/fixtures/stills have Pillow's pixels: BMP, TIFF and moving WebP
 * through weft-ffmpeg, HEIC and AVIF through weft-heif. Exactly so where nothing is lost in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vision/expect.h"
#include "tests/vision/media.h"

#define LOSSY_MEAN                                                                                 \
    3 /* of the differences, and the largest: codecs and colour conversions differ                 \
       */
#define LOSSY_MOST 24

static fake_host host;

static int host_up(void **state)
{
    (void)state;
    fake_host_init(&host, NULL, 0);
    return 0;
}

static int host_down(void **state)
{
    (void)state;
    fake_host_deinit(&host);
    return 0;
}

static int ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

static int is_heif(const char *name)
{
    return ends_in(name, ".avif") || ends_in(name, ".heic");
}

static bytes file_of(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "stills/%s", name);
    return fixture_read(path);
}

/* One value of the picture as RGBA. */
static int value_of(const picture *p, uint64_t pixel, int channel)
{
    return channel < p->channels ? p->px[pixel * (uint64_t)p->channels + (uint64_t)channel] : 255;
}

static void compare(const char *name, const picture *p, const uint8_t *want)
{
    uint64_t n = (uint64_t)p->width * (uint64_t)p->height, sum = 0;
    int      most = 0;
    for (uint64_t i = 0; i < n; i++) {
        int alpha = want[4 * i + 3];
        for (int c = 0; c < 4; c++) {
            /* the colour of what nobody sees is anything */
            int d = c < 3 && alpha == 0 ? 0 : abs(value_of(p, i, c) - want[4 * i + (uint64_t)c]);
            if (c < 3)
                d = d * alpha / 255;
            most = d > most ? d : most;
            sum += (uint64_t)d;
        }
    }
    int lossy = is_heif(name), deep = strncmp(name, "deep", 4) == 0; /* 16 bits are rounded */
    if (most > (lossy ? LOSSY_MOST : deep) || sum > (lossy ? LOSSY_MEAN * 4 * n : deep ? 4 * n : 0))
        fail_msg("%s: pixels differ by up to %d, %.3f on average", name, most,
                 (double)sum / (4.0 * (double)n));
}

static void check(const char *plugin, const char *name, const expect *e)
{
    uint64_t      n;
    int64_t       dims[6] = {0};
    picture       p;
    weft_error    err;
    bytes         b = file_of(name);
    const void   *want = expect_tensor(e, name, &n, dims);
    memory_source m = {.p = b.p, .n = b.n};
    assert_non_null(want);
    if (picture_read(decoder_load(plugin), &host, &m, NULL, &p, &err) != WEFT_OK)
        fail_msg("%s: %s", name, err.message);
    if (dims[0] != p.height || dims[1] != p.width)
        fail_msg("%s: %d x %d and not %d x %d", name, p.width, p.height, (int)dims[1],
                 (int)dims[0]);
    compare(name, &p, want);
    free(p.px);
    free(b.p);
}

static void each(const char *plugin, int heif)
{
    expect      e = expect_open("stills/expected.safetensors");
    const char *name;
    json_t     *value;
    int         n = 0;
    json_object_foreach(e.header, name, value)
    {
        if (strcmp(name, "__metadata__") == 0 || is_heif(name) != heif)
            continue;
        check(plugin, name, &e);
        n++;
    }
    assert_true(n > 10);
    expect_close(&e);
}

#ifdef HAS_FFMPEG
static void rare_stills_are_pillows(void **state)
{
    (void)state;
    each("weft-ffmpeg", 0);
}

/* What FFmpeg would show wrong is refused, with what to do. */
static void nothing_is_shown_wrong(void **state)
{
    static const char *const names[] = {"turned-6.avif", "turned-2.avif", "sheer.avif",
                                        "tiles.avif",    "tiles.tif",     "inks.tif",
                                        "lab.tif"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        picture       p;
        weft_error    err;
        bytes         b = file_of(names[i]);
        memory_source m = {.p = b.p, .n = b.n};
        assert_int_equal(picture_read(decoder_load("weft-ffmpeg"), &host, &m, NULL, &p, &err),
                         WEFT_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, "convert it to PNG"));
        free(b.p);
    }
}
#endif

#ifdef HAS_HEIF
static void heifs_are_pillows(void **state)
{
    (void)state;
    each("weft-heif", 1);
}

/* Cut anywhere, changed anywhere, from a pipe, without memory: a status and a sentence, or pixels.
 */
static void bad_heifs_are_refused(void **state)
{
    static const char *const names[] = {"fine.heic", "sheer.avif", "tiles.avif"};
    const weft_decoder      *d = decoder_load("weft-heif");
    uint32_t                 r = 99;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bytes b = file_of(names[i]);
        for (uint64_t n = 0; n < b.n; n += 1 + b.n / 97) {
            picture       p;
            weft_error    err;
            memory_source m = {.p = b.p, .n = n, .unknown_length = (int)(n & 1)};
            weft_status   st = picture_read(d, &host, &m, NULL, &p, &err);
            if (st != WEFT_E_CORRUPT && st != WEFT_E_UNSUPPORTED)
                fail_msg("%s cut at %llu: %d", names[i], (unsigned long long)n, st);
        }
        for (int k = 0; k < 60; k++) {
            picture       p;
            weft_error    err;
            memory_source m = {.p = b.p, .n = b.n};
            r = r * 1664525u + 1013904223u;
            uint64_t at = (r >> 8) % (k % 2 == 0 && b.n > 400 ? 400 : b.n);
            uint8_t  was = b.p[at];
            b.p[at] = (uint8_t)(r >> 3);
            weft_status st = picture_read(d, &host, &m, NULL, &p, &err);
            if (st != WEFT_OK && st != WEFT_E_CORRUPT && st != WEFT_E_UNSUPPORTED &&
                st != WEFT_E_LIMIT)
                fail_msg("%s, change %d: %d %s", names[i], k, st, err.message);
            free(p.px);
            b.p[at] = was;
        }
        free(b.p);
    }
}

static void heif_limits_are_the_callers(void **state)
{
    static const char *const options[] = {"--max-pixels", "--max-side", "--max-decoded-bytes"};
    bytes                    b = file_of("fine.heic");
    (void)state;
    for (int n = 0; n < 6; n++) {
        weft_limits   lim = {WEFT_HDR(weft_limits), 64 * 48, 64, 1, 0, 64 * 48 * 3, 1, NULL};
        memory_source m = {.p = b.p, .n = b.n};
        picture       p;
        weft_error    err;
        int           k = n % 3;
        uint64_t      less = n < 3; /* limit k is too low by 1, or 0, which forbids */
        lim.max_pixels = k == 0 ? less * (64 * 48 - 1) : 64 * 48;
        lim.max_side = k == 1 ? less * 63 : 64;
        lim.max_decoded_bytes = k == 2 ? less * (64 * 48 * 3 - 1) : 64 * 48 * 3;
        assert_int_equal(picture_read(decoder_load("weft-heif"), &host, &m, &lim, &p, &err),
                         WEFT_E_LIMIT);
        assert_non_null(strstr(err.message, options[k]));
    }
    free(b.p);
}

static int32_t score(const char *head, uint64_t n, const char *name)
{
    weft_probe p = {WEFT_HDR(weft_probe), "image", (const uint8_t *)head, n, name};
    return decoder_load("weft-heif")->probe(&p);
}

static void heif_probes(void **state)
{
    (void)state;
    assert_int_equal(score("\0\0\0\x18"
                           "ftypheic",
                           12, NULL),
                     90);
    assert_int_equal(score("\0\0\0\x18"
                           "ftypmif1",
                           12, NULL),
                     90);
    assert_int_equal(score("\0\0\0\x18"
                           "ftypavif",
                           12, NULL),
                     60);
    assert_int_equal(score("\0\0\0\x18"
                           "ftypavif....irot",
                           20, NULL),
                     90);
    assert_int_equal(score("\0\0\0\x18"
                           "ftypisom",
                           12, NULL),
                     WEFT_PROBE_NO);
    assert_int_equal(score("hello, world", 12, "A.HEIC"), WEFT_PROBE_HINT);
    assert_int_equal(score("", 0, NULL), WEFT_PROBE_NO);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAS_FFMPEG
        cmocka_unit_test(rare_stills_are_pillows),     cmocka_unit_test(nothing_is_shown_wrong),
#endif
#ifdef HAS_HEIF
        cmocka_unit_test(heifs_are_pillows),           cmocka_unit_test(bad_heifs_are_refused),
        cmocka_unit_test(heif_limits_are_the_callers), cmocka_unit_test(heif_probes),
#endif
    };
    return cmocka_run_group_tests(tests, host_up, host_down);
}
