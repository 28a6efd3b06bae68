/* SPDX-License-Identifier: Apache-2.0 */
/* The PNG and JPEG modules give the pixels of tests/fixtures/images, byte for byte, however the
 * bytes arrive, and answer as the interface says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/vision/shared/preprocess.h"
#include "tests/vision/expect.h"
#include "tests/vision/media.h"

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

/* Calls check(name, bytes, expected) for every picture of the fixtures. */
static void each_picture(void (*check)(const char *, bytes, const expect *))
{
    expect      e = expect_open("images/expected.safetensors");
    const char *name;
    json_t     *value;
    int         n = 0;
    json_object_foreach(e.header, name, value)
    {
        char path[256];
        if (strncmp(name, "white/", 6) == 0 || strcmp(name, "__metadata__") == 0)
            continue;
        snprintf(path, sizeof path, "images/%s", name);
        bytes b = fixture_read(path);
        check(name, b, &e);
        free(b.p);
        n++;
    }
    assert_true(n > 70);
    expect_close(&e);
}

static picture decode(const char *name, memory_source *m)
{
    picture    p;
    weft_error err;
    if (picture_read(decoder_for(name), &host, m, NULL, &p, &err) != WEFT_OK)
        fail_msg("%s: %s", name, err.message);
    return p;
}

static uint64_t size_of(const picture *p)
{
    return (uint64_t)p->width * (uint64_t)p->height * (uint64_t)p->channels;
}

static void same_pixels(const char *name, const picture *p, const expect *e)
{
    uint64_t    n;
    int64_t     dims[6] = {0};
    const void *want = expect_tensor(e, name, &n, dims);
    if (dims[0] != p->height || dims[1] != p->width || dims[2] != p->channels || n != size_of(p) ||
        memcmp(want, p->px, n) != 0)
        fail_msg("%s: %d x %d of %d channels is not what is expected", name, p->width, p->height,
                 p->channels);
}

static void check_pixels(const char *name, bytes b, const expect *e)
{
    char          white[256];
    uint64_t      n;
    memory_source m = {.p = b.p, .n = b.n};
    picture       p = decode(name, &m);
    same_pixels(name, &p, e);
    snprintf(white, sizeof white, "white/%s", name);
    const void *want = expect_tensor(e, white, &n, NULL);
    assert_int_equal(want != NULL, p.channels == 4);
    if (want != NULL) {
        vis_flatten_alpha(p.px, size_of(&p) / 4);
        assert_memory_equal(p.px, want, n);
    }
    free(p.px);
}

static void pixels_equal_the_references(void **state)
{
    (void)state;
    each_picture(check_pixels);
}

static void check_short_reads(const char *name, bytes b, const expect *e)
{
    for (uint32_t seed = 1; seed <= 6; seed++) {
        memory_source m = {.p = b.p, .n = b.n, .chop = seed * 7919u, .unknown_length = seed & 1};
        picture       p = decode(name, &m);
        same_pixels(name, &p, e);
        free(p.px);
    }
}

static void short_reads_change_nothing(void **state)
{
    (void)state;
    each_picture(check_short_reads);
}

/* One decoder, read twice; the second time into a buffer that holds other bytes. */
static void check_twice(const char *name, bytes b, const expect *e)
{
    const weft_decoder *d = decoder_for(name);
    memory_source       m = {.p = b.p, .n = b.n};
    weft_source         s = source_of(&m);
    weft_media_info     info = {.hdr = WEFT_HDR(weft_media_info)};
    void               *dec = NULL;
    assert_int_equal(d->open(&host.host, &s, "image", NULL, &dec, NULL), WEFT_OK);
    assert_int_equal(d->info(dec, &info, NULL), WEFT_OK);
    assert_string_equal(info.kind, "image");
    picture p = {info.width, info.height, info.has_alpha ? 4 : 3, NULL};
    p.px = malloc(size_of(&p));
    for (int i = 0; i < 2; i++) {
        weft_tensor t = frame_of(&info, p.px);
        memset(p.px, 7 * i, t.bytes);
        assert_int_equal(d->read_frames(dec, NULL, 1, &t, NULL, NULL), WEFT_OK);
        same_pixels(name, &p, e);
    }
    d->close(dec);
    assert_int_equal(host.blocks_live, 0);
    free(p.px);
}

static void a_decoder_can_be_read_again(void **state)
{
    (void)state;
    each_picture(check_twice);
}

/* Where pixel (x, y) of a w x h picture is shown, straight from the EXIF text, which defines an
 * orientation by the sides where row 0 and column 0 of the stored picture are seen. */
static void shown_at(int o, int32_t w, int32_t h, int32_t x, int32_t y, int32_t *sx, int32_t *sy)
{
    static const char row0[] = "-ttbblrrl", col0[] = "-lrrlttbb";
    if (o <= 4) {
        *sy = row0[o] == 't' ? y : h - 1 - y;
        *sx = col0[o] == 'l' ? x : w - 1 - x;
    } else {
        *sx = row0[o] == 'l' ? y : h - 1 - y;
        *sy = col0[o] == 't' ? x : w - 1 - x;
    }
}

static bytes with_exif(bytes png, int orientation, int big)
{
    static const uint8_t little[26] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1};
    static const uint8_t large[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1};
    builder              b = {NULL, 0, 0};
    uint8_t              tiff[26];
    memcpy(tiff, big ? large : little, sizeof tiff);
    tiff[big ? 19 : 18] = (uint8_t)orientation;
    png_chunk(&b, "eXIf", tiff, sizeof tiff);
    bytes out = {malloc(png.n + b.n), png.n + b.n};
    memcpy(out.p, png.p, 33); /* the signature and IHDR */
    memcpy(out.p + 33, b.p, b.n);
    memcpy(out.p + 33 + b.n, png.p + 33, png.n - 33);
    free(b.p);
    return out;
}

static void check_orientation(const char *name, const picture *flat, bytes turned, int o)
{
    memory_source m = {.p = turned.p, .n = turned.n};
    picture       p = decode(name, &m);
    int32_t       w = flat->width, h = flat->height, c = p.channels;
    assert_int_equal(p.width, o > 4 ? h : w);
    assert_int_equal(p.height, o > 4 ? w : h);
    for (int32_t y = 0; y < h; y++) {
        for (int32_t x = 0; x < w; x++) {
            int32_t sx, sy;
            shown_at(o, w, h, x, y, &sx, &sy);
            assert_memory_equal(p.px + (sy * p.width + sx) * c, flat->px + (y * w + x) * c,
                                (size_t)c);
        }
    }
    free(p.px);
}

static void png_is_turned_by_its_exif(void **state)
{
    static const char *const names[] = {"rgb8.png", "rgba8-interlaced.png", "palette4.png",
                                        "grey16-interlaced.png"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "images/%s", names[i]);
        bytes         b = fixture_read(path);
        memory_source m = {.p = b.p, .n = b.n};
        picture       flat = decode(names[i], &m);
        for (int o = 1; o <= 8; o++) {
            bytes turned = with_exif(b, o, o & 1);
            check_orientation(names[i], &flat, turned, o);
            free(turned.p);
        }
        free(flat.px);
        free(b.p);
    }
}

static void a_long_thin_picture_is_whole(void **state)
{
    enum { W = 4000, H = 20, ROW = 1 + 3 * W };
    static uint8_t rows[H * ROW];
    uint8_t       *want = formula_picture(W, H);
    builder        b = png_begin(W, H, 8, 2);
    (void)state;
    for (int y = 0; y < H; y++)
        memcpy(rows + y * ROW + 1, want + y * 3 * W, 3 * W);
    png_end(&b, rows, sizeof rows);
    memory_source m = {.p = b.p, .n = b.n};
    picture       p = decode("x.png", &m);
    assert_true(p.width == W && p.height == H && p.channels == 3);
    assert_memory_equal(p.px, want, 3 * W * H);
    free(p.px);
    free(b.p);
    free(want);
}

static void probe_scores(void **state)
{
    const weft_decoder *png = decoder_load("weft-png"), *jpeg = decoder_load("weft-jpeg");
    bytes      a = fixture_read("images/rgb8.png"), j = fixture_read("images/baseline-420.jpg");
    weft_probe in = {WEFT_HDR(weft_probe), "image", a.p, a.n, "x.jpg"};
    (void)state;
    assert_int_equal(png->probe(&in), WEFT_PROBE_CERTAIN);
    assert_int_equal(jpeg->probe(&in), WEFT_PROBE_HINT);
    in.head_bytes = 9;
    assert_int_equal(png->probe(&in), WEFT_PROBE_MAGIC);
    in.head_bytes = 7;
    assert_int_equal(png->probe(&in), WEFT_PROBE_NO);
    in.head = j.p;
    in.head_bytes = j.n;
    in.name_hint = "Photo.PNG";
    assert_int_equal(jpeg->probe(&in), WEFT_PROBE_CERTAIN);
    assert_int_equal(png->probe(&in), WEFT_PROBE_HINT);
    in.head_bytes = 4;
    in.name_hint = NULL;
    assert_int_equal(jpeg->probe(&in), WEFT_PROBE_MAGIC);
    in.head_bytes = 0;
    assert_int_equal(jpeg->probe(&in), WEFT_PROBE_NO);
    in.head_bytes = j.n;
    in.kind = "audio";
    assert_int_equal(jpeg->probe(&in), WEFT_PROBE_NO);
    assert_int_equal(png->probe(&in), WEFT_PROBE_NO);
    free(a.p);
    free(j.p);
}

static void check_wrong_buffers(const char *name, bytes b, const expect *e)
{
    const weft_decoder *d = decoder_for(name);
    memory_source       m = {.p = b.p, .n = b.n};
    weft_source         s = source_of(&m);
    weft_media_info     info = {.hdr = WEFT_HDR(weft_media_info)};
    void               *dec = NULL;
    uint8_t             nothing = 0;
    (void)e;
    assert_int_equal(d->open(&host.host, &s, "image", NULL, &dec, NULL), WEFT_OK);
    assert_int_equal(d->info(dec, &info, NULL), WEFT_OK);
    weft_tensor good = frame_of(&info, &nothing), t = good;
    t.bytes--;
    assert_int_equal(d->read_frames(dec, NULL, 1, &t, NULL, NULL), WEFT_E_INVALID);
    t = good;
    t.shape[2]++;
    assert_int_equal(d->read_frames(dec, NULL, 1, &t, NULL, NULL), WEFT_E_INVALID);
    t = good;
    t.dtype.bits = 16;
    assert_int_equal(d->read_frames(dec, NULL, 1, &t, NULL, NULL), WEFT_E_INVALID);
    t = good;
    t.stride[1]++;
    assert_int_equal(d->read_frames(dec, NULL, 1, &t, NULL, NULL), WEFT_E_INVALID);
    assert_int_equal(d->read_frames(dec, NULL, 2, &good, NULL, NULL), WEFT_E_INVALID);
    assert_int_equal(d->read_frames(dec, NULL, 1, NULL, NULL, NULL), WEFT_E_INVALID);
    /* A caller of a smaller struct gets what it has room for, and not a byte more. */
    weft_media_info part;
    memset(&part, 0xEE, sizeof part);
    part.hdr.size = offsetof(weft_media_info, channels);
    assert_int_equal(d->info(dec, &part, NULL), WEFT_OK);
    assert_true(part.width == info.width && part.height == info.height);
    assert_int_equal(part.channels, (int32_t)0xEEEEEEEE);
    d->close(dec);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    each_picture(check_wrong_buffers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_equal_the_references),
        cmocka_unit_test(short_reads_change_nothing),
        cmocka_unit_test(a_decoder_can_be_read_again),
        cmocka_unit_test(png_is_turned_by_its_exif),
        cmocka_unit_test(a_long_thin_picture_is_whole),
        cmocka_unit_test(probe_scores),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, host_up, host_down);
}
