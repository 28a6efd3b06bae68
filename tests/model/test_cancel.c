/* SPDX-License-Identifier: Apache-2.0 */
/* A cancel reaches the call in progress wherever that is, through every call nested in it, and
 * nothing of it is left for the next one. */
#include "moods.h"

#include <fcntl.h>
#include <pthread.h>

#define ROWS "abcdefgh" /* four parts of two rows */
#define PROBED 65536    /* bytes that are waited for before a decoder is chosen */

/* Cancels at the n-th time (1 is the first) that `what` is heard from the engine or its plugins. */
typedef struct ear {
    const char  *what;
    int32_t      n, parts;
    weft_engine *e;
    bool         elsewhere; /* another thread cancels, soon after */
    atomic_int   heard;
} ear;

static void listen(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    ear *k = ctx;
    (void)done, (void)total, (void)unit;
    if (k->what == NULL || strcmp(what, k->what) != 0 || --k->n != 0)
        return;
    atomic_store(&k->heard, 1);
    if (!k->elsewhere)
        weft_engine_cancel(k->e);
}

static void *cancel_when_heard(void *ctx)
{
    ear *k = ctx;
    while (atomic_load(&k->heard) == 0)
        nap();
    nap();
    weft_engine_cancel(k->e);
    return NULL;
}

static int32_t on_part(void *ctx, const weft_part_result *part)
{
    ear *k = ctx;
    (void)part;
    k->parts++;
    listen(k, "part", 0, 0, "");
    return 0;
}

static void on_time(void *ctx, int64_t done_us, int64_t total_us)
{
    ear *k = ctx;
    (void)done_us, (void)total_us;
    listen(k, "time", 0, 0, "");
}

static weft_status run_long(ear *k, const char *path, int32_t max_new, weft_error *err)
{
    weft_sampling     p = greedy(max_new);
    weft_long_request rq = {.hdr = WEFT_HDR(weft_long_request),
                            .path = path,
                            .flags = WEFT_PROMPT_CHAT,
                            .on_part = on_part,
                            .on_time = on_time,
                            .ctx = k};
    k->parts = 0;
    p.temperature = 100; /* the stop token is one of 2000 */
    return weft_run_long(k->e, &rq, &p, NULL, err);
}

static void open_ear(rig *r, ear *k)
{
    weft_progress progress = {listen, k};
    memset(k, 0, sizeof *k);
    moods_open(r, "model=" MOODS_MODEL, NULL, &progress);
    k->e = r->e;
}

/* At whatever place of whichever part it comes, a long recording ends there; the next call runs to
 * the end. */
static void test_long_at_every_place(void **state)
{
    static const struct {
        const char *what;
        int32_t     parts; /* told when it is cancelled at the second time */
    } cases[] = {{"cut", 1},    {"plan", 1},    {"preprocess", 1}, {"encoding", 1},
                 {"encode", 1}, {"prefill", 1}, {"part", 2},       {"time", 2}};
    rig        r;
    ear        k;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_ear(&r, &k);
    const char *path = mood_file('n', ROWS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        k.what = cases[i].what;
        k.n = 2;
        weft_status status = run_long(&k, path, 2, &err);
        if (status != WEFT_E_CANCELLED || k.parts != cases[i].parts)
            fail_msg("cancelled at %s: %s after %d parts", k.what, weft_status_name(status),
                     k.parts);
        refused(status, &err, WEFT_E_CANCELLED, 130, "cancelled");
        k.what = NULL;
        rig_check(run_long(&k, path, 2, &err), &err);
        assert_int_equal(k.parts, 4);
    }
    unlink(path);
    rig_close(&r);
}

/* While tokens come: the recording would go on for thousands of them. */
static void test_long_while_decoding(void **state)
{
    rig        r;
    ear        k;
    pthread_t  thread;
    weft_error err = WF_ERROR_INIT;
    char       rows[65];
    (void)state;
    memset(rows, 'x', sizeof rows - 1);
    rows[sizeof rows - 1] = '\0';
    open_ear(&r, &k);
    k.what = "prefill";
    k.n = 1;
    k.elsewhere = true;
    const char *path = mood_file('n', rows);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_heard, &k), 0);
    refused(run_long(&k, path, 300, &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(k.parts < 32);
    unlink(path);
    rig_close(&r);
}

/* A live recording that says nothing more: the wait for it ends, and what was told stays told. */
static void test_long_from_a_pipe(void **state)
{
    rig        r;
    ear        k;
    pthread_t  thread;
    int        end[2], in = dup(0);
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_ear(&r, &k);
    k.what = "cut"; /* the second of them waits for bytes that do not come */
    k.n = 2;
    k.elsewhere = true;
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    static char spoken[PROBED + 2];
    memset(spoken, '.', sizeof spoken);
    memcpy(spoken, "MOODn", 5);
    memcpy(spoken + PROBED, "ab", 2);
    assert_true(fcntl(end[1], F_SETPIPE_SZ, 2 * PROBED) >= 2 * PROBED);
    assert_int_equal(write(end[1], spoken, sizeof spoken), sizeof spoken);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_heard, &k), 0);
    alarm(60); /* a wait that nothing ended would be for ever */
    refused(run_long(&k, "-", 2, &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    alarm(0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(k.parts, 1);
    assert_true(in < 0 ? close(0) == 0 : dup2(in, 0) == 0);
    close(end[0]);
    close(end[1]);
    close(in);
    rig_close(&r);
}

/* A callback that cancels, and then makes calls of its own. */
typedef struct nested {
    weft_engine *e;
    weft_item   *item;
    int32_t      said;
} nested;

static int32_t cancel_and_call(void *ctx, const weft_token *t)
{
    nested    *k = ctx;
    weft_error err = WF_ERROR_INIT;
    (void)t;
    if (k->said++ == 0) {
        weft_engine_cancel(k->e);
        rig_check(weft_item_encode(k->item, &err), &err); /* which is done, so it is no work */
    }
    return 0;
}

static void test_a_nested_call_clears_nothing(void **state)
{
    rig           r;
    ear           k;
    nested        in = {.said = 0};
    weft_error    err = WF_ERROR_INIT;
    weft_sampling p = greedy(8);
    (void)state;
    open_ear(&r, &k);
    in.e = r.e;
    mood_item(r.e, 'n', "ab", &in.item);
    rig_check(weft_item_encode(in.item, &err), &err);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){5, 0});
    refused(weft_generate(s, &p, cancel_and_call, &in, NULL, &err), &err, WEFT_E_CANCELLED, 130,
            "cancelled");
    assert_int_equal(in.said, 1);
    rig_check(weft_generate(s, &p, cancel_and_call, &in, NULL, &err), &err);
    weft_sequence_destroy(&s);
    weft_item_release(&in.item);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_at_every_place),
        cmocka_unit_test(test_long_while_decoding),
        cmocka_unit_test(test_long_from_a_pipe),
        cmocka_unit_test(test_a_nested_call_clears_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
