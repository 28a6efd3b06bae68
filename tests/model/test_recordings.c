/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings beside each other and beside other requests: each gives the parts that it gives alone;
 * one that fails, is cancelled or has said enough ends alone. */
#include "moods.h"

#define MOST 5

typedef struct heard {
    int32_t     parts, enough_at, ended;
    int32_t     ids[16][8], n[16];
    weft_status status;
    weft_error  why;
    weft_job   *cancels; /* at its second part */
} heard;

static int32_t on_part(void *ctx, const weft_part_result *part)
{
    heard *h = ctx;
    assert_true(h->parts < 16 && part->n_ids <= 8 && part->index == h->parts);
    assert_int_equal(part->start_us, 2 * h->parts);
    h->n[h->parts] = (int32_t)part->n_ids;
    memcpy(h->ids[h->parts++], part->ids, (size_t)part->n_ids * sizeof *part->ids);
    if (h->parts == 2 && h->cancels != NULL)
        weft_job_cancel(h->cancels);
    return h->parts == h->enough_at;
}

static void on_done(void *ctx, const weft_long_result *result)
{
    heard *h = ctx;
    h->ended++;
    h->status = result->status;
    h->why = *result->error;
}

static weft_long_request request(const char *path, heard *h)
{
    return (weft_long_request){.hdr = WEFT_HDR(weft_long_request),
                               .path = path,
                               .flags = WEFT_PROMPT_CHAT,
                               .on_part = on_part,
                               .ctx = h};
}

/* Files of their own rows; rows[i] of at most 16 parts. */
static void make_file(char mood, const char *rows, int32_t i, char *path, size_t cap)
{
    const char *made = mood_file(mood, rows);
    snprintf(path, cap, "%s-%d", made, i);
    assert_int_equal(rename(made, path), 0);
}

static void same_parts(const heard *a, const heard *b)
{
    assert_int_equal(a->parts, b->parts);
    for (int32_t i = 0; i < a->parts; i++) {
        assert_int_equal(a->n[i], b->n[i]);
        assert_memory_equal(a->ids[i], b->ids[i], (size_t)a->n[i] * sizeof(int32_t));
    }
}

static void run(weft_scheduler *s)
{
    weft_error err = WF_ERROR_INIT;
    int32_t    left = 1, steps = 0;
    for (; left > 0; steps++) {
        assert_true(steps < 2000);
        rig_check(weft_scheduler_step(s, &left, &err), &err);
    }
}

static void test_beside_each_other(void **state)
{
    static const char *const rows[MOST] = {"abcdefgh", "xy", "hgfedcbaabcdefg", "ab", "abcdef"};
    rig                      r;
    weft_error               err = WF_ERROR_INIT;
    weft_sampling            p = greedy(4);
    static heard             alone[MOST], h[MOST];
    char                     path[MOST][96];
    told                     text, want;
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, "kv_bytes=1M", NULL);
    memset(alone, 0, sizeof alone);
    memset(h, 0, sizeof h);
    for (int32_t i = 0; i < MOST; i++) {
        make_file(i == 3 ? 'f' : 'n', rows[i], i, path[i], sizeof path[i]);
        weft_long_request rq = request(path[i], &alone[i]);
        alone[i].why = (weft_error)WF_ERROR_INIT;
        alone[i].status = weft_run_long(r.e, &rq, &p, NULL, &alone[i].why);
    }
    assert_int_equal(alone[0].parts, 4);
    refused(alone[3].status, &alone[3].why, WEFT_E_CORRUPT, 3, "bad mood");
    generate(&r, (const int32_t[]){20, 0}, 20, &want);

    weft_scheduler *s;
    rig_check(weft_scheduler_create(r.e, NULL, &s, &err), &err);
    for (int32_t i = 0; i < MOST; i++) {
        weft_long_request rq = request(path[i], &h[i]);
        rig_check(weft_scheduler_add_long(s, &rq, &p, on_done, NULL, &err), &err);
    }
    weft_sampling    q = greedy(20);
    weft_sequence   *seq = rig_sequence(&r, (const int32_t[]){20, 0});
    weft_job_request rq = {WEFT_HDR(weft_job_request), seq, &q, take, NULL, &text};
    text = (told){.n = 0};
    rig_check(weft_scheduler_add(s, &rq, NULL, &err), &err);
    run(s);
    same_ids(&want, &text);
    for (int32_t i = 0; i < MOST; i++) {
        assert_int_equal(h[i].ended, 1);
        assert_int_equal(h[i].status, i == 3 ? WEFT_E_CORRUPT : WEFT_OK);
        same_parts(&alone[i], &h[i]);
        unlink(path[i]);
    }
    weft_scheduler_destroy(&s);
    weft_sequence_destroy(&seq);
    rig_close(&r);
}

/* One is cancelled at the second part of another, one says that it has enough, one is not there,
 * and one is still at work when the scheduler goes. */
static void test_ends(void **state)
{
    rig           r;
    weft_error    err = WF_ERROR_INIT;
    weft_sampling p = greedy(3);
    static heard  h[5];
    char          path[96];
    weft_job     *jobs[5];
    (void)state;
    memset(h, 0, sizeof h);
    moods_open(&r, "model=" MOODS_MODEL, "threads=1", NULL);
    make_file('n', "abcdefghabcdefgh", 9, path, sizeof path);
    weft_scheduler *s;
    rig_check(weft_scheduler_create(r.e, NULL, &s, &err), &err);
    for (int32_t i = 0; i < 4; i++) {
        weft_long_request rq = request(i == 2 ? "/nowhere" : path, &h[i]);
        rig_check(weft_scheduler_add_long(s, &rq, &p, on_done, &jobs[i], &err), &err);
    }
    h[0].cancels = jobs[1];
    h[3].enough_at = 3;
    run(s);
    assert_true(h[0].status == WEFT_OK && h[0].parts == 8);
    refused(h[1].status, &h[1].why, WEFT_E_CANCELLED, 130, "cancelled");
    assert_true(h[1].parts >= 1 && h[1].parts < 8);
    refused(h[2].status, &h[2].why, WEFT_E_NOTFOUND, 3, "/nowhere");
    assert_true(h[3].status == WEFT_OK && h[3].parts == 3);
    weft_long_request rq = request(path, &h[4]);
    rig_check(weft_scheduler_add_long(s, &rq, &p, on_done, &jobs[4], &err), &err);
    for (int i = 0; i < 4; i++)
        rig_check(weft_scheduler_step(s, NULL, &err), &err);
    weft_scheduler_destroy(&s);
    assert_int_equal(h[4].ended, 1);
    assert_int_equal(h[4].status, WEFT_E_CANCELLED);
    for (int32_t i = 0; i < 5; i++) {
        assert_int_equal(h[i].ended, 1);
        weft_job_release(&jobs[i]);
    }
    unlink(path);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_each_other),
                                       cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
