/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged, hostile and unlucky pictures: cut at every byte, bytes changed, bombs, memory that runs
 * out, sources that fail. Each ends in a status with a sentence, and holds nothing afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/vision/expect.h"
#include "tests/vision/media.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLOWDOWN 10.0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWDOWN 10.0
#endif
#endif
#ifndef SLOWDOWN
#define SLOWDOWN 1.0
#endif

#define BOMB_SECONDS (0.05 * SLOWDOWN) /* processor time: the limit that the project set itself */
#define BOMB_BYTES (16u << 20)

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

static const char *const small_files[] = {
    "rgb8.png",
    "palette8-interlaced-trns.png",
    "grey1.png",
    "rgba16.png",
    "rgba8-ancillary.png",
    "grey-progressive.jpg",
    "orientation-6.jpg",
    "cmyk-adobe.jpg",
    "restart-rows.jpg",
    "size-1x1.jpg",
};

static void each_small(void (*check)(const char *, bytes))
{
    for (size_t i = 0; i < sizeof small_files / sizeof small_files[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "images/%s", small_files[i]);
        bytes b = fixture_read(path);
        check(small_files[i], b);
        free(b.p);
    }
}

static weft_status attempt(const char *name, memory_source m, weft_error *err)
{
    picture     p;
    weft_status st = picture_read(decoder_for(name), &host, &m, NULL, &p, err);
    free(p.px);
    return st;
}

/* "ends at byte N": no further than where the file does; of a pipe that is not known, and not told.
 */
static void expect_end_within(const char *name, uint64_t n, const weft_error *err)
{
    static const char words[] = "ends at byte ";
    const char       *at = strstr(err->message, words);
    if (at != NULL && strtoull(at + sizeof words - 1, NULL, 10) > n)
        fail_msg("%s cut at %llu: %s", name, (unsigned long long)n, err->message);
}

/* How many bytes behind the pixels only say that the file ends: PNG's IEND, JPEG's EOI. */
static uint64_t end_bytes(const char *name)
{
    return strstr(name, ".png") != NULL ? 12 : 2;
}

/* Without its end a file opens, and the log warns. */
static void check_endless(const char *name, memory_source m)
{
    weft_error err;
    host.log[0] = '\0';
    if (attempt(name, m, &err) != WEFT_OK)
        fail_msg("%s cut at %llu: %s", name, (unsigned long long)m.n, err.message);
    if (strstr(host.log, "W the ") == NULL || strstr(host.log, "cut short") == NULL)
        fail_msg("%s cut at %llu: no warning", name, (unsigned long long)m.n);
}

static void check_truncated(const char *name, bytes b)
{
    weft_error err;
    for (uint64_t n = b.n - end_bytes(name); n < b.n; n++)
        for (int pipe = 0; pipe < 2; pipe++)
            check_endless(name, (memory_source){.p = b.p, .n = n, .unknown_length = pipe});
    for (uint64_t n = 0; n < b.n - end_bytes(name); n++) {
        uint8_t *copy = malloc(n + 1); /* of exactly n, for the sanitizer's eyes */
        memcpy(copy, b.p, n);
        for (int pipe = 0; pipe < 2; pipe++) {
            weft_status st =
                attempt(name, (memory_source){.p = copy, .n = n, .unknown_length = pipe}, &err);
            if (st != WEFT_E_CORRUPT)
                fail_msg("%s cut at %llu: %d", name, (unsigned long long)n, st);
            expect_end_within(name, n, &err);
        }
        free(copy);
    }
    host.log[0] = '\0';
    assert_int_equal(attempt(name, (memory_source){.p = b.p, .n = b.n}, &err), WEFT_OK);
    assert_string_equal(host.log, "");
}

static void truncation_is_corrupt_at_every_byte(void **state)
{
    (void)state;
    each_small(check_truncated);
}

static int expected_of_damage(weft_status st)
{
    return st == WEFT_OK || st == WEFT_E_CORRUPT || st == WEFT_E_LIMIT || st == WEFT_E_UNSUPPORTED;
}

/* One to four bytes changed at random, with checksums as they were: any of these answers will
 * do. */
static void check_changed(const char *name, bytes b)
{
    uint32_t r = 12345;
    for (int i = 0; i < 400; i++) {
        weft_error err;
        uint8_t   *copy = malloc(b.n);
        memcpy(copy, b.p, b.n);
        for (int k = 0; k <= i % 4; k++) {
            r = r * 1664525u + 1013904223u;
            copy[(r >> 8) % b.n] = (uint8_t)(r >> 24);
        }
        weft_status st = attempt(name, (memory_source){.p = copy, .n = b.n}, &err);
        if (!expected_of_damage(st))
            fail_msg("%s, change %d: %d %s", name, i, st, err.message);
        free(copy);
    }
}

static void changed_bytes_never_crash(void **state)
{
    (void)state;
    each_small(check_changed);
}

/* The nth request for memory fails, for every n; then reads fail from every seventh byte on. */
static void check_failures(const char *name, bytes b)
{
    weft_error err;
    for (uint64_t n = 1;; n++) {
        fake_host_fail_at(&host, n, 0);
        weft_status st = attempt(name, (memory_source){.p = b.p, .n = b.n}, &err);
        fake_host_fail_at(&host, 0, 0);
        if (st == WEFT_OK)
            break; /* fewer than n requests are made */
        assert_int_equal(st, WEFT_E_NOMEM);
        assert_true(n < 1000);
    }
    for (uint64_t at = 1; at < b.n; at += 7)
        assert_int_equal(attempt(name, (memory_source){.p = b.p, .n = b.n, .fail_at = at}, &err),
                         WEFT_E_IO);
    assert_int_equal(attempt(name, (memory_source){.p = b.p, .n = b.n}, &err), WEFT_OK);
}

static void failing_memory_and_sources_are_reported(void **state)
{
    (void)state;
    each_small(check_failures);
}

static void check_cancelled(const char *name, bytes b)
{
    weft_error err;
    atomic_store(&host.cancelled, 1);
    weft_status st = attempt(name, (memory_source){.p = b.p, .n = b.n}, &err);
    atomic_store(&host.cancelled, 0);
    assert_int_equal(st, WEFT_E_CANCELLED);
}

static void decoding_can_be_cancelled(void **state)
{
    (void)state;
    each_small(check_cancelled);
}

/* Refused with st and a sentence that holds `word`, quickly and in little memory. */
static void refuse(const char *name, bytes b, weft_status want, const char *word)
{
    weft_error err;
    host.bytes_peak = 0;
    clock_t     start = clock();
    weft_status st = attempt(name, (memory_source){.p = b.p, .n = b.n}, &err);
    double      seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (st != want || strstr(err.message, word) == NULL)
        fail_msg("%d, not %d about %s: %s", st, want, word, err.message);
    if (seconds > BOMB_SECONDS)
        fail_msg("%s: refused after %.3f s", word, seconds);
    assert_true(host.bytes_peak < BOMB_BYTES);
}

static void refuse_png(builder b, weft_status want, const char *word)
{
    refuse("x.png", (bytes){b.p, b.n}, want, word);
    free(b.p);
}

static void huge_pngs_are_refused(void **state)
{
    (void)state;
    static const uint32_t sides[][2] = {
        {65535, 65535}, {1000000, 1000000}, {1, 32769}, {2147483647, 2147483647}};
    for (size_t i = 0; i < 4; i++) {
        builder b = png_begin(sides[i][0], sides[i][1], 16, 6);
        png_end(&b, "", 1);
        refuse_png(b, WEFT_E_LIMIT, "--max-side");
    }
    builder b = png_begin(8193, 8192, 8, 2);
    png_end(&b, "", 1);
    refuse_png(b, WEFT_E_LIMIT, "--max-pixels");
    b = png_begin(0, 5, 8, 2);
    png_end(&b, "", 1);
    refuse_png(b, WEFT_E_CORRUPT, "impossible size");
    b = png_begin(0x80000000u, 5, 8, 2);
    png_end(&b, "", 1);
    refuse_png(b, WEFT_E_CORRUPT, "impossible size");
}

static void packed_text_bombs_are_refused(void **state)
{
    static const struct {
        const char *type, *head;
        uint64_t    n;
    } bombs[] = {
        {"zTXt", "Comment\0\0", 9},
        {"iCCP", "profile\0\0", 9},
        {"iTXt", "Comment\0\1\0de\0Kommentar\0", 23},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        builder b = png_begin(1, 1, 8, 0);
        png_bomb(&b, bombs[i].type, bombs[i].head, bombs[i].n, 64u << 20);
        png_end(&b, "\0\0", 2);
        refuse_png(b, WEFT_E_LIMIT, "unpack");
    }
    builder b = png_begin(1, 1, 8, 0); /* 4 of 3 MB each: none is too much alone */
    for (int i = 0; i < 4; i++)
        png_bomb(&b, "zTXt", "Comment\0\0", 9, 3000000);
    png_end(&b, "\0\0", 2);
    refuse_png(b, WEFT_E_LIMIT, "unpack");
}

static void chunk_bombs_are_refused(void **state)
{
    uint8_t *junk = calloc(1, 9000000);
    (void)state;
    builder b = png_begin(1, 1, 8, 0);
    for (int i = 0; i < 100000; i++)
        png_chunk(&b, "tEXt", "a\0b", 3);
    png_end(&b, "\0\0", 2);
    refuse_png(b, WEFT_E_LIMIT, "chunks");
    b = png_begin(1, 1, 8, 0);
    for (int i = 0; i < 100000; i++)
        png_chunk(&b, "IDAT", NULL, 0);
    png_end(&b, "\0\0", 2);
    refuse_png(b, WEFT_E_LIMIT, "chunks");
    b = png_begin(1, 1, 8, 0);
    png_chunk(&b, "junk", junk, 9000000);
    png_end(&b, "\0\0", 2);
    refuse_png(b, WEFT_E_LIMIT, "chunk of 9000000 bytes");
    free(junk);
}

/* Small texts and odd but harmless chunks are no reason to refuse: damaged text is skipped. */
static void harmless_chunks_are_skipped(void **state)
{
    weft_error err;
    builder    b = png_begin(1, 1, 8, 0);
    (void)state;
    png_bomb(&b, "zTXt", "Comment\0\0", 9, 1000000);
    png_chunk(&b, "zTXt", "Comment\0\0not packed at all", 26);
    png_chunk(&b, "zTXt", "no end of the keyword", 21);
    png_chunk(&b, "iTXt", "k\0\0\0\0\0plain", 11);
    png_chunk(&b, "iCCP", "", 0);
    png_chunk(&b, "eXIf", "II*\0\xff\xff\xff\xff", 8);
    png_chunk(&b, "gAMA", "\0\0\xb1\x8f", 4);
    png_end(&b, "\0\0", 2);
    assert_int_equal(attempt("x.png", (memory_source){.p = b.p, .n = b.n}, &err), WEFT_OK);
    free(b.p);
}

static void limits_are_the_callers(void **state)
{
    bytes files[2] = {fixture_read("images/rgb8.png"), fixture_read("images/baseline-420.jpg")};
    static const char *const names[2] = {"rgb8.png", "baseline-420.jpg"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        static const char *const options[3] = {"--max-pixels", "--max-side", "--max-decoded-bytes"};
        for (int n = 0; n < 6; n++) {
            uint64_t    w = i == 0 ? 13 : 21, pixels = i == 0 ? 13 * 11 : 21 * 19, less = n < 3;
            weft_limits lim = {WEFT_HDR(weft_limits), pixels, w, 1, 0, 3 * pixels, 1, NULL};
            weft_error  err;
            picture     p;
            int         k = n % 3; /* this one is too low by 1, or 0, which forbids */
            lim.max_pixels = k == 0 ? less * (pixels - 1) : pixels;
            lim.max_side = k == 1 ? less * (w - 1) : w;
            lim.max_decoded_bytes = k == 2 ? less * (3 * pixels - 1) : 3 * pixels;
            memory_source m = {.p = files[i].p, .n = files[i].n};
            assert_int_equal(picture_read(decoder_for(names[i]), &host, &m, &lim, &p, &err),
                             WEFT_E_LIMIT);
            assert_non_null(strstr(err.message, options[k]));
        }
        free(files[i].p);
    }
}

/* The offset of the first marker FF code in a JPEG. */
static uint64_t marker_at(bytes b, uint8_t code)
{
    for (uint64_t i = 2; i + 1 < b.n; i++)
        if (b.p[i] == 0xFF && b.p[i + 1] == code)
            return i;
    fail_msg("no marker %d", code);
    return 0;
}

static void huge_jpegs_are_refused(void **state)
{
    bytes b = fixture_read("images/baseline-420.jpg");
    (void)state;
    uint8_t *frame = b.p + marker_at(b, 0xC0);
    frame[5] = frame[6] = frame[7] = frame[8] = 0xFF;
    refuse("x.jpg", b, WEFT_E_LIMIT, "--max-side");
    frame[5] = frame[7] = 0x7F;
    refuse("x.jpg", b, WEFT_E_LIMIT, "--max-pixels");
    frame[5] = frame[6] = 0;
    refuse("x.jpg", b, WEFT_E_CORRUPT, "impossible size");
    frame[4] = 12;
    refuse("x.jpg", b, WEFT_E_UNSUPPORTED, "12 bits");
    frame[4] = 8;
    frame[9] = 2;
    refuse("x.jpg", b, WEFT_E_UNSUPPORTED, "2 colour components");
    free(b.p);
}

/* The first scan of a progressive file (of the lowest frequency, which can be read any number of
 * times), again and again: much work in a small file. */
static void jpegs_of_many_scans_are_refused(void **state)
{
    bytes    b = fixture_read("images/progressive-420.jpg");
    uint64_t scan = marker_at(b, 0xDA), end = scan + 2;
    (void)state;
    while (b.p[end] != 0xFF || b.p[end + 1] == 0)
        end++;
    uint64_t n = end - scan;
    bytes    many = {malloc(b.n + 1000 * n), scan};
    memcpy(many.p, b.p, scan);
    for (int i = 0; i < 1000; i++, many.n += n)
        memcpy(many.p + many.n, b.p + scan, n);
    memcpy(many.p + many.n, b.p + end, b.n - end);
    many.n += b.n - end;
    refuse("x.jpg", many, WEFT_E_LIMIT, "scans");
    free(many.p);
    free(b.p);
}

static void jpegs_of_many_segments_are_refused(void **state)
{
    bytes b = {malloc(2 + 4u * 70000u), 2};
    (void)state;
    memcpy(b.p, "\xFF\xD8", 2);
    for (int i = 0; i < 70000; i++, b.n += 4)
        memcpy(b.p + b.n, "\xFF\xFE\0\2", 4);
    refuse("x.jpg", b, WEFT_E_LIMIT, "segments");
    free(b.p);
}

static void the_wrong_format_is_corrupt(void **state)
{
    bytes      a = fixture_read("images/rgb8.png"), j = fixture_read("images/baseline-420.jpg");
    weft_error err;
    (void)state;
    assert_int_equal(attempt("x.jpg", (memory_source){.p = a.p, .n = a.n}, &err), WEFT_E_CORRUPT);
    assert_int_equal(attempt("x.png", (memory_source){.p = j.p, .n = j.n}, &err), WEFT_E_CORRUPT);
    free(a.p);
    free(j.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation_is_corrupt_at_every_byte),
        cmocka_unit_test(changed_bytes_never_crash),
        cmocka_unit_test(failing_memory_and_sources_are_reported),
        cmocka_unit_test(decoding_can_be_cancelled),
        cmocka_unit_test(huge_pngs_are_refused),
        cmocka_unit_test(packed_text_bombs_are_refused),
        cmocka_unit_test(chunk_bombs_are_refused),
        cmocka_unit_test(harmless_chunks_are_skipped),
        cmocka_unit_test(limits_are_the_callers),
        cmocka_unit_test(huge_jpegs_are_refused),
        cmocka_unit_test(jpegs_of_many_scans_are_refused),
        cmocka_unit_test(jpegs_of_many_segments_are_refused),
        cmocka_unit_test(the_wrong_format_is_corrupt),
    };
    return cmocka_run_group_tests(tests, host_up, host_down);
}
