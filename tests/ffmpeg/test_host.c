/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side: sources and memory that fail, cancelling, the caller's limits, pipes, and memory
 * that does not grow with a film. */
#include "tests/ffmpeg/clips.h"

#include <malloc.h>
#include <stdlib.h>

#define X264 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 "
#define SMALL BARS("10", "3") X264
#define FAST SMALL "-movflags +faststart"

static const char *made(const char *name)
{
    static const struct {
        const char *name, *arguments;
    } all[] = {
        {"s.mp4", SMALL},
        {"s-fast.mp4", FAST},
        {"s.mkv", SMALL},
        {"s.avi", BARS("10", "1") "-c:v mpeg4"},
        {"s.gif", BARS("10", "1")},
        {"s.m4a", "-f lavfi -i sine=d=0.5 -c:a aac -movflags +faststart"},
        {"s.webp", "-f lavfi -i testsrc=s=64x48 -frames:v 1 -c:v libwebp"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i].name, name) == 0)
            return clips_make(name, all[i].arguments);
    fail_msg("%s is not among the clips", name);
    return NULL;
}

/* ---- troubles ---- */

static void failing_memory_sources_and_patience_are_reported(void **state)
{
    uint64_t    n;
    const char *path = clips_make("host.mp4", FAST);
    uint8_t    *p = clips_read(path, &n);
    outcome     where;
    clip        c;
    (void)state;
    for (uint64_t at = 1; at < n; at += n / 40) {
        memset(&c, 0, sizeof c);
        c.source = (clips_source){.p = p, .n = n, .fail_at = at};
        assert_int_equal(clip_use(&c, "video", NULL, &where), WEFT_E_IO);
        assert_non_null(strstr(c.err.message, "could not be read at byte"));
        clip_shut(&c);
    }
    memset(&c, 0, sizeof c);
    c.source = (clips_source){.p = p, .n = n};
    assert_int_equal(clip_try(&c, "video", NULL), WEFT_OK);
    for (uint64_t k = 1; k <= 2; k++) { /* the list of times, the rows */
        fake_host_fail_at(&c.host, k, 0);
        assert_int_equal(clip_read_once(&c, 0), WEFT_E_NOMEM);
    }
    fake_host_fail_at(&c.host, 0, 0);
    assert_int_equal(clip_read_once(&c, 0), WEFT_OK);
    atomic_store(&c.host.cancelled, 1);
    assert_int_equal(clip_read_once(&c, 2000000), WEFT_E_CANCELLED);
    clip_shut(&c);
    free(p);
}

static int64_t read_file(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const clips_source *s = ctx;
    if (offset >= s->n)
        return 0;
    n = n < s->n - offset ? n : s->n - offset;
    memcpy(dst, s->p + offset, n);
    return (int64_t)n;
}

static int64_t file_length(void *ctx)
{
    return (int64_t)((const clips_source *)ctx)->n;
}

static int32_t always(const weft_host *h)
{
    (void)h;
    return 1;
}

/* Opens and closes while the host's nth request for memory fails (0: none). */
static weft_status open_starved(fake_host *host, uint64_t nth, clips_source *source,
                                const char *kind, weft_error *err)
{
    weft_source s = {WEFT_HDR(weft_source), source, read_file, file_length};
    void       *dec = NULL;
    fake_host_fail_at(host, nth, 0);
    weft_status st = clips_decoder()->open(&host->host, &s, kind, NULL, &dec, err);
    fake_host_fail_at(host, 0, 0);
    clips_decoder()->close(dec);
    assert_int_equal(host->blocks_live, 0);
    return st;
}

static void opening_may_fail_at_every_request(void **state)
{
    static const char *const kinds[] = {"video", "audio", "image"};
    static const char *const names[] = {"s-fast.mp4", "s.m4a", "s.webp"};
    fake_host                host;
    (void)state;
    for (int i = 0; i < 3; i++) {
        clips_source source = {.fail_at = 0};
        weft_error   err = {.hdr = WEFT_HDR(weft_error)};
        uint8_t     *p = clips_read(made(names[i]), &source.n);
        source.p = p;
        fake_host_init(&host, NULL, 0);
        uint64_t nth = 1;
        while (open_starved(&host, nth, &source, kinds[i], &err) == WEFT_E_NOMEM)
            nth++;
        assert_true(nth > 2); /* the decoder, its queue, and a block of sound */
        assert_int_equal(open_starved(&host, 0, &source, kinds[i], &err), WEFT_OK);
        host.host.cancelled = always;
        assert_int_equal(open_starved(&host, 0, &source, kinds[i], &err), WEFT_E_CANCELLED);
        fake_host_deinit(&host);
        free(p);
    }
}

static void limits_are_the_callers(void **state)
{
    static const char *const options[] = {"--max-pixels", "--max-side", "--max-decoded-bytes",
                                          "--max-frames"};
    static const char *const names[] = {"s-fast.mp4", "s.gif"};
    (void)state;
    for (int i = 0; i < 16; i++) {
        weft_limits lim = clips_wide;
        int         video = i % 8 < 4, k = i % 4;
        uint64_t    one = i < 8; /* else every limit is 0, which forbids */
        outcome     where;
        clip        c;
        if (!video && k == 3)
            continue;
        memset(&c, 0, sizeof c);
        lim.max_pixels = k == 0 ? one * (128 * 32 - 1) : lim.max_pixels;
        lim.max_side = k == 1 ? one * 127 : lim.max_side;
        lim.max_decoded_bytes = k == 2 ? one * (128 * 32 * 3 - 1) : lim.max_decoded_bytes;
        lim.max_frames = k == 3 ? one : lim.max_frames;
        c.source.p = c.bytes = clips_read(made(names[!video]), &c.source.n);
        weft_status st = clip_use(&c, video ? "video" : "image", &lim, &where);
        if (k == 3 && one != 0) {
            int64_t     times[2] = {0, 1}, at[2];
            weft_tensor t = clip_tensor(&c, 2, NULL);
            assert_int_equal(st, WEFT_OK);
            st = clips_decoder()->read_frames(c.dec, times, 2, &t, at, &c.err);
        }
        assert_int_equal(st, WEFT_E_LIMIT);
        if (strstr(c.err.message, options[k]) == NULL)
            fail_msg("\"%s\" does not name %s", c.err.message, options[k]);
        clip_shut(&c);
    }
}

/* ---- pipes ---- */

static void start_pipe(clip *c, const uint8_t *p, uint64_t n)
{
    memset(c, 0, sizeof *c);
    c->source = (clips_source){.p = p, .n = n, .is_pipe = 1, .kept = (uint64_t)64 << 20};
    if (clip_try(c, "video", NULL) != WEFT_OK)
        fail_msg("%s", c->err.message);
}

static void check_number(clip *c, int number)
{
    int64_t  at;
    uint8_t *px = clip_frame(c, number * (int64_t)100000, &at);
    assert_int_equal(bars_of(px, c->info.width, c->info.height), number);
    free(px);
}

static void short_pipes_are_files(void **state)
{
    static const char *const names[] = {"s.mp4", "s.mkv", "s.avi"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t n;
        uint8_t *p = clips_read(made(names[i]), &n);
        clip     c;
        start_pipe(&c, p, n);
        for (int k = 9; k >= 0; k -= 3)
            check_number(&c, k);
        clip_shut(&c);
        free(p);
    }
}

/* A Matroska file with 65 MiB of padding in front: the host keeps less. */
static void long_pipes_go_forwards(void **state)
{
    uint64_t n, head, padding = (uint64_t)65 << 20;
    uint8_t *p = clips_read(made("s.mkv"), &n), *q = calloc(1, n + padding);
    clip     c;
    (void)state;
    for (head = 0; memcmp(p + head, "\x18\x53\x80\x67", 4) != 0; head++)
        assert_true(head + 4 < n);
    memcpy(q, p, head);
    q[head] = 0xec; /* Void, and its length in 8 bytes */
    for (int i = 0; i < 8; i++)
        q[head + 8 - (uint64_t)i] = (uint8_t)(((uint64_t)1 << 56 | (padding - 9)) >> (8 * i));
    memcpy(q + head + padding, p + head, n - head);
    start_pipe(&c, q, n + padding);
    assert_int_equal(c.info.duration_us, 3000000);
    check_number(&c, 0);
    check_number(&c, 4);
    check_number(&c, 27);
    assert_int_equal(clip_read_once(&c, 0), WEFT_E_UNSUPPORTED);
    assert_non_null(strstr(c.err.message, "pipe"));
    clip_shut(&c);
    free(q);
    free(p);
}

/* ---- memory ---- */

/* What malloc has given out in the process, FFmpeg's included. */
static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static size_t memory_of(const char *path)
{
    clip c;
    clip_start(&c, path, "video");
    size_t before = in_use();
    for (int i = 0; i <= 16; i++)
        assert_int_equal(clip_read_once(&c, c.info.duration_us * i / 16), WEFT_OK);
    size_t after = in_use();
    clip_shut(&c);
    return after > before ? after - before : 0;
}

/* Twenty times the length, and one group of pictures of hours: an index grows, nothing else. What
 * sanitizers count differs: there the figures are 0. */
static void memory_is_flat_with_the_length(void **state)
{
    const char *brief = clips_make("brief.mkv", BARS("1", "300") X264);
    const char *film = clips_make("long.mkv", BARS("1", "6000") X264);
    const char *group = clips_make("group.mkv", BARS("1", "6000") X264 "-g 100000 -sc_threshold 0");
    size_t      least = memory_of(brief);
    (void)state;
    assert_true(memory_of(film) < least + (1u << 20));
    /* packets are read ahead up to 4096: bounded, whatever the length */
    assert_true(memory_of(group) < least + (8u << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_memory_sources_and_patience_are_reported),
        cmocka_unit_test(opening_may_fail_at_every_request),
        cmocka_unit_test(limits_are_the_callers),
        cmocka_unit_test(short_pipes_are_files),
        cmocka_unit_test(long_pipes_go_forwards),
        cmocka_unit_test(memory_is_flat_with_the_length),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
