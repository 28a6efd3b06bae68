/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks slowly into a pipe is heard: its decoder is chosen as soon as what has come decides.
 * The writer says the beginning and nothing more until it is told that the decoder has opened. */
#include "moods.h"

#include <pthread.h>

#define MOST 65536
#define PATIENCE 20000 /* naps of a millisecond, so that a failure ends */

typedef struct speaker {
    char       head[MOST];
    size_t     n;
    int        fd;
    bool       in_time;
    atomic_int opened;
} speaker;

static void say(int fd, const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t wrote = write(fd, bytes + at, n - at);
        assert_true(wrote > 0);
        at += (size_t)wrote;
    }
}

static void *speak(void *ctx)
{
    speaker *s = ctx;
    say(s->fd, s->head, s->n);
    for (int i = 0; i < PATIENCE && atomic_load(&s->opened) == 0; i++)
        nap();
    s->in_time = atomic_load(&s->opened) != 0;
    memset(s->head, '.', sizeof s->head); /* dots are no rows */
    say(s->fd, s->head, sizeof s->head);
    say(s->fd, "abcd", 4);
    close(s->fd);
    return NULL;
}

static void listen(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    (void)done, (void)total, (void)unit;
    if (strcmp(what, "open") == 0)
        atomic_store(&((speaker *)ctx)->opened, 1);
}

static int32_t count(void *ctx, const weft_part_result *part)
{
    (void)part;
    ++*(int32_t *)ctx;
    return 0;
}

/* The mood's letter, and so many bytes with it at first. */
static void hears(char mood, size_t n)
{
    static speaker    s;
    weft_progress     progress = {listen, &s};
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    pthread_t         thread;
    int               end[2], in = dup(0);
    int32_t           parts = 0;
    weft_sampling     p = greedy(2);
    weft_long_request rq = {
        .hdr = WEFT_HDR(weft_long_request), .path = "-", .on_part = count, .ctx = &parts};
    moods_open(&r, "model=" MOODS_MODEL, NULL, &progress);
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    s = (speaker){.n = n, .fd = end[1]};
    memset(s.head, '.', n);
    memcpy(s.head, "MOOD", 4);
    s.head[4] = mood;
    assert_int_equal(pthread_create(&thread, NULL, speak, &s), 0);
    rig_check(weft_run_long(r.e, &rq, &p, NULL, &err), &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(s.in_time);
    assert_int_equal(parts, 2);
    assert_true(in < 0 ? close(0) == 0 : dup2(in, 0) == 0);
    close(end[0]);
    close(in);
    rig_close(&r);
}

static void test_a_decoder_that_is_certain(void **state)
{
    (void)state;
    hears('q', 16);
}

static void test_a_magic_number(void **state)
{
    (void)state;
    hears('n', 4096);
}

/* What comes at once, or is over early, is read as before. */
static void test_a_short_pipe(void **state)
{
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    int               end[2], in = dup(0);
    int32_t           parts = 0;
    weft_sampling     p = greedy(2);
    weft_long_request rq = {
        .hdr = WEFT_HDR(weft_long_request), .path = "-", .on_part = count, .ctx = &parts};
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, NULL, NULL);
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    say(end[1], "MOODnabcdef", 11);
    close(end[1]);
    rig_check(weft_run_long(r.e, &rq, &p, NULL, &err), &err);
    assert_int_equal(parts, 3);
    assert_true(in < 0 ? close(0) == 0 : dup2(in, 0) == 0);
    close(end[0]);
    close(in);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_decoder_that_is_certain),
        cmocka_unit_test(test_a_magic_number),
        cmocka_unit_test(test_a_short_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
