/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels: those of ffmpeg's own scale filter byte for byte, upright, in square pixels, with the
 * colours that were put in; stills with alpha and orientation. */
#include "tests/ffmpeg/clips.h"

#include <stdlib.h>

#define PATTERN(SIZE) "-f lavfi -i testsrc2=s=" SIZE ":r=5:d=1 "
#define LOSSLESS "-c:v libx264 -preset ultrafast -qp 0 "

typedef struct recipe {
    const char *name, *arguments;
    int32_t     width, height; /* as shown */
} recipe;

static const recipe recipes[] = {
    {"plain.mp4", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv420p", 96, 64},
    {"full.mp4", PATTERN("96x64") "-c:v libx264 -pix_fmt yuvj420p", 96, 64},
    {"full-tag.mp4", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv420p -color_range pc", 96, 64},
    {"bt709.mp4", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv420p -colorspace bt709", 96, 64},
    {"bt2020.mp4", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv420p -colorspace bt2020nc", 96, 64},
    {"422.mkv", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv422p", 96, 64},
    {"444.mkv", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv444p -colorspace bt709", 96, 64},
    {"10-bit.mkv", PATTERN("96x64") "-c:v libx264 -pix_fmt yuv420p10le", 96, 64},
    {"rgb.mkv", PATTERN("96x64") "-c:v libx264rgb -qp 0", 96, 64},
    {"grey.mkv", PATTERN("96x64") "-c:v libx264 -pix_fmt gray", 96, 64},
    {"odd.webm",
     "-f lavfi -i testsrc=s=67x45:r=5:d=1 -c:v libvpx-vp9 -deadline realtime "
     "-cpu-used 8 -pix_fmt yuv420p",
     67, 45},
    {"jpeg.avi", PATTERN("66x46") "-c:v mjpeg -pix_fmt yuvj422p", 66, 46},
    {"png.mov", PATTERN("34x22") "-c:v png -pix_fmt rgb24", 34, 22},
    {"palette.gif", PATTERN("38x24") "", 38, 24},
    {"pal-wide.mp4", PATTERN("72x58") "-c:v libx264 -pix_fmt yuv420p -aspect 16/9", 103, 58},
    {"narrow.mkv", PATTERN("96x64") "-vf setsar=8/9 -c:v libx264 -pix_fmt yuv420p", 85, 64},
};

static void check_frames(const char *path, int32_t width, int32_t height)
{
    size_t   n, n_frames;
    int64_t *times = clips_times(path, &n);
    uint8_t *frames = clips_frames(path, width, height, &n_frames);
    clip     c;
    clip_start(&c, path, "video");
    if (c.info.width != width || c.info.height != height || n != n_frames || n == 0)
        fail_msg("%s: %dx%d, %zu frames of %zu", path, c.info.width, c.info.height, n_frames, n);
    for (size_t i = 0; i < n; i++) {
        int64_t  at;
        uint8_t *px = clip_frame(&c, times[i], &at);
        size_t   bytes = (size_t)width * (size_t)height * 3;
        if (memcmp(px, frames + i * bytes, bytes) != 0)
            fail_msg("%s: frame %zu is not ffmpeg's", path, i);
        free(px);
    }
    clip_shut(&c);
    free(frames);
    free(times);
}

static void frames_are_ffmpegs_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++)
        check_frames(clips_make(recipes[i].name, recipes[i].arguments), recipes[i].width,
                     recipes[i].height);
}

/* Decoded colour against the colour put in, so that a tag that both sides ignore shows. Eight-bit
 * Y'CbCr of limited range resolves RGB to about 2 steps; the wrong matrix moves these by 10 up. */
static void colours_are_the_ones_put_in(void **state)
{
    static const char *const matrix[] = {"bt601", "bt709"};
    static const char *const tag[] = {"smpte170m", "bt709"};
    static const char *const range[] = {"tv", "pc"};
    static const uint8_t     rgb[3] = {200, 40, 90};
    (void)state;
    for (int i = 0; i < 4; i++) {
        char name[64], arguments[512];
        snprintf(name, sizeof name, "colour-%d.mp4", i);
        snprintf(arguments, sizeof arguments,
                 "-f lavfi -i \"color=0xC8285A:s=64x48:r=5:d=1,format=rgb24\" -vf "
                 "scale=out_color_matrix=%s:out_range=%s,format=yuv420p " LOSSLESS
                 "-colorspace %s -color_range %s",
                 matrix[i / 2], range[i % 2], tag[i / 2], range[i % 2]);
        clip    c;
        int64_t at;
        clip_start(&c, clips_make(name, arguments), "video");
        uint8_t *px = clip_frame(&c, 0, &at);
        for (int k = 0; k < 3; k++)
            if (abs(px[k] - rgb[k]) > 3)
                fail_msg("%s: %d %d %d", name, px[0], px[1], px[2]);
        free(px);
        clip_shut(&c);
    }
}

/* A display matrix and the filter that does what it says; FFmpeg's own turn is the oracle. */
typedef struct turn {
    const char *filter;
    int32_t     a, b, c, d;
} turn;

static const turn turns[] = {
    {"null", 1, 0, 0, 1},
    {"transpose=clock", 0, 1, -1, 0},
    {"hflip,vflip", -1, 0, 0, -1},
    {"transpose=cclock", 0, -1, 1, 0},
    {"hflip", -1, 0, 0, 1},
    {"vflip", 1, 0, 0, -1},
    {"transpose=cclock_flip", 0, 1, 1, 0},
    {"transpose=clock_flip", 0, -1, -1, 0},
};

static void put32(uint8_t *p, int32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)((uint32_t)v >> (24 - 8 * i));
}

/* Writes the matrix of the track header. */
static void set_matrix(uint8_t *p, uint64_t n, const turn *t)
{
    const int32_t k[4] = {t->a, t->b, t->c, t->d};
    for (uint64_t i = 4; i + 84 < n; i++) {
        if (memcmp(p + i, "tkhd", 4) != 0)
            continue;
        for (int j = 0; j < 4; j++)
            put32(p + i + 44 + (j / 2) * 12 + (j % 2) * 4, k[j] * 65536);
        return;
    }
    fail_msg("no track header");
}

static void check_turn(const turn *t, const char *path, const char *filter)
{
    char     arguments[1024];
    uint64_t n;
    int64_t  at;
    clip     c;
    snprintf(arguments, sizeof arguments,
             "-noautorotate -i \"%s\" -vf \"scale=96:42:flags=bicubic+full_chroma_int+"
             "full_chroma_inp+accurate_rnd+bitexact,format=rgb24,%s\" -frames:v 1 -f rawvideo",
             path, filter);
    uint8_t *want = clips_read(clips_make("turned.raw", arguments), &n);
    clip_start(&c, path, "video");
    int side = t->a == 0;
    assert_int_equal(c.info.width, side ? 42 : 96);
    assert_int_equal(c.info.height, side ? 96 : 42);
    uint8_t *px = clip_frame(&c, 0, &at);
    assert_int_equal(n, 96 * 42 * 3);
    if (memcmp(px, want, (size_t)n) != 0)
        fail_msg("%s is wrong", filter);
    free(px);
    free(want);
    clip_shut(&c);
}

static void frames_are_upright(void **state)
{
    /* pixels of 3:2, so that the size must be turned behind the aspect ratio */
    const char *plain =
        clips_make("turn.mp4", PATTERN("64x42") "-vf setsar=3/2 " LOSSLESS "-pix_fmt yuv420p");
    const char *turned = clips_path("turned.mp4");
    uint64_t    n;
    uint8_t    *p = clips_read(plain, &n);
    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        set_matrix(p, n, &turns[i]);
        clips_write(turned, p, n);
        check_turn(&turns[i], turned, turns[i].filter);
    }
    free(p);
    char arguments[1024]; /* and as ffmpeg writes it, which counts anticlockwise here */
    int newer = system("ffmpeg -v quiet -h long | grep -q display_rotation") == 0; /* from 6.0 on */
    snprintf(arguments, sizeof arguments, "%s -i \"%s\" -c copy%s",
             newer ? "-display_rotation 90" : "", plain, newer ? "" : " -metadata:s:v rotate=90");
    check_turn(&turns[3], clips_make("tool.mp4", arguments), turns[3].filter);
}

/* ---- stills ---- */

static void check_still(const char *path, int alpha, const char *filter)
{
    char     arguments[1024];
    uint64_t n;
    clip     c;
    int64_t  at = -1;
    snprintf(arguments, sizeof arguments,
             "-i \"%s\" -vf \"scale=flags=bicubic+full_chroma_int+full_chroma_inp+accurate_rnd+"
             "bitexact,format=%s%s\" -frames:v 1 -f rawvideo",
             path, alpha ? "rgba" : "rgb24", filter);
    uint8_t *want = clips_read(clips_make("still.raw", arguments), &n);
    clip_start(&c, path, "image");
    assert_int_equal(c.info.has_alpha, alpha);
    assert_int_equal(c.info.duration_us, 0);
    assert_int_equal((uint64_t)c.info.width * (uint64_t)c.info.height * (alpha ? 4 : 3), n);
    for (int again = 0; again < 2; again++) {
        uint8_t *px = clip_frame(&c, 77, &at);
        assert_int_equal(at, 0);
        if (memcmp(px, want, (size_t)n) != 0)
            fail_msg("%s is not ffmpeg's", path);
        free(px);
    }
    free(want);
    clip_shut(&c);
}

#define STILL "-f lavfi -i testsrc=s=53x31 -frames:v 1 "
#define SHEER                                                                                      \
    "-f lavfi -i \"testsrc=s=53x31,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='4*X'\" "    \
    "-frames:v 1 "

static void stills_are_ffmpegs_own(void **state)
{
    (void)state;
    check_still(clips_make("lossy.webp", STILL "-c:v libwebp -pix_fmt yuv420p"), 0, "");
    check_still(clips_make("lossless.webp", SHEER "-c:v libwebp -lossless 1 -pix_fmt bgra"), 1, "");
    check_still(clips_make("sheer.webp", SHEER "-c:v libwebp -pix_fmt yuva420p"), 1, "");
    check_still(clips_make("one.gif", STILL), 1, "");
    check_still(clips_make("many.gif", "-f lavfi -i testsrc=s=53x31:r=5:d=1"), 1, "");
    check_still(clips_make("still.avif", "-f lavfi -i testsrc2=s=64x48 -frames:v 1 -c:v libaom-av1 "
                                         "-still-picture 1 -cpu-used 8 -pix_fmt yuv420p"),
                0, "");
}

static void put32le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* The WebP with an EXIF chunk in front of its picture that says this orientation. */
static void add_exif(const char *from, const char *to, uint8_t orientation)
{
    static const uint8_t exif[] = {'E', 'X', 'I', 'F', 26, 0, 0,    0, 'I', 'I', 42, 0,
                                   8,   0,   0,   0,   1,  0, 0x12, 1, 3,   0,   1,  0,
                                   0,   0,   0,   0,   0,  0, 0,    0, 0,   0};
    uint64_t             n;
    uint8_t             *p = clips_read(from, &n), *q = calloc(1, (size_t)n + 18 + sizeof exif);
    memcpy(q, p, 12);
    memcpy(q + 12, "VP8X\x0a\0\0\0\x08\0\0\0", 12);
    q[24] = 52; /* 53 x 31, less one */
    q[27] = 30;
    memcpy(q + 30, exif, sizeof exif);
    q[30 + 26] = orientation;
    memcpy(q + 30 + sizeof exif, p + 12, (size_t)n - 12);
    put32le(q + 4, (uint32_t)(n + 18 + sizeof exif - 8));
    clips_write(to, q, n + 18 + sizeof exif);
    free(p);
    free(q);
}

static void stills_are_upright(void **state)
{
    static const char *const filter[] = {"",
                                         ",hflip",
                                         ",hflip,vflip",
                                         ",vflip",
                                         ",transpose=cclock_flip",
                                         ",transpose=clock",
                                         ",transpose=clock_flip",
                                         ",transpose=cclock"};
    const char              *plain = clips_make("exif.webp", STILL "-c:v libwebp -pix_fmt yuv420p");
    const char              *turned = clips_path("exif-turned.webp");
    (void)state;
    for (uint8_t k = 1; k <= 8; k++) {
        add_exif(plain, turned, k);
        check_still(turned, 0, filter[k - 1]);
    }
    add_exif(plain, turned, 9); /* not an orientation */
    check_still(turned, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_ffmpegs_own), cmocka_unit_test(colours_are_the_ones_put_in),
        cmocka_unit_test(frames_are_upright),     cmocka_unit_test(stills_are_ffmpegs_own),
        cmocka_unit_test(stills_are_upright),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
