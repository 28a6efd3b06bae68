/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails in turn over what a program does with weft: opening a model with plugins,
 * describing a picture, transcribing a recording, requests with media beside each other, looking at
 * plugins and models, comparing with a reference. Each time there is a status with a sentence,
 * nothing leaks (the sanitizer build sees to that), and what was open answers as before. */
#include "moods.h"

#include "core/base/mem.h"

#define PICTURE FIXTURE("images/rgb8.png")
#define TIED FIXTURE("llama-tied")
#define MLLAMA FIXTURE("mllama-1tile")

/* What is open while the allocations fail, and what came of the run. */
typedef struct world {
    weft_settings *settings;
    weft_engine   *e; /* NULL: the run opens its own */
    char           path[80];
    uint64_t       sum;
    weft_status    status; /* of a request that was told */
    weft_error     why;
} world;

static void add(world *w, uint64_t v)
{
    w->sum = w->sum * 31 + v + 1;
}

static int32_t on_token(void *ctx, const weft_token *t)
{
    add(ctx, (uint64_t)(uint32_t)t->id);
    return 0;
}

static int32_t on_part(void *ctx, const weft_part_result *part)
{
    add(ctx, (uint64_t)part->index);
    for (uint64_t i = 0; i < part->n_ids; i++)
        add(ctx, (uint64_t)(uint32_t)part->ids[i]);
    return 0;
}

/* ---- the runs ---- */

static weft_status open_all(world *w, weft_error *err)
{
    weft_engine     *e;
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_status      status = weft_engine_open(w->settings, 0, NULL, &e, err);
    if (status != WEFT_OK)
        return status;
    status = weft_engine_describe(e, &d, err);
    add(w, (uint64_t)d.n_sites);
    weft_engine_close(&e);
    return status;
}

static weft_status describe(world *w, weft_error *err)
{
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    weft_sampling     p = greedy(2);
    weft_sequence    *s = NULL;
    weft_item        *item = NULL;
    weft_prompt       prompt = {.hdr = WEFT_HDR(weft_prompt),
                                .flags = WEFT_PROMPT_CHAT,
                                .n_items = 1,
                                .task = "describe",
                                .items = &item};
    weft_status       status = weft_item_open(w->e, &rq, &item, err);
    if (status == WEFT_OK)
        status = weft_sequence_create(w->e, &s, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(s, &prompt, err);
    if (status == WEFT_OK)
        status = weft_generate(s, &p, on_token, w, NULL, err);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    return status;
}

static weft_long_request recording(world *w)
{
    return (weft_long_request){.hdr = WEFT_HDR(weft_long_request),
                               .path = w->path,
                               .flags = WEFT_PROMPT_CHAT,
                               .on_part = on_part,
                               .ctx = w};
}

static weft_status transcribe(world *w, weft_error *err)
{
    const weft_long_request rq = recording(w);
    weft_sampling           p = greedy(2);
    return weft_run_long(w->e, &rq, &p, NULL, err);
}

static void keep(world *w, weft_status status, const weft_error *why)
{
    if (status != WEFT_OK && w->status == WEFT_OK) {
        w->status = status;
        w->why = *why;
    }
}

static void on_done(void *ctx, const weft_job_result *r)
{
    keep(ctx, r->status, r->error);
}

static void on_long(void *ctx, const weft_long_result *r)
{
    keep(ctx, r->status, r->error);
}

/* Steps until all are done. A step that failed is tried again, a few times: where memory stays
 * away, the requests end with their scheduler. */
static void step_all(world *w, weft_scheduler *s)
{
    int32_t left = 1;
    for (int failed = 0; left > 0 && failed < 5;) {
        weft_error  why = WF_ERROR_INIT;
        weft_status status = weft_scheduler_step(s, &left, &why);
        keep(w, status, &why);
        failed += status != WEFT_OK;
    }
}

/* A sequence with an item of the file, and its request. */
static weft_status add_item(world *w, weft_scheduler *s, weft_sequence **seq, weft_item **item,
                            weft_error *err)
{
    const int32_t     id = 5;
    weft_sampling     p = greedy(2);
    weft_item_request file = WEFT_ITEM_REQUEST(w->path);
    weft_job_request  rq = {WEFT_HDR(weft_job_request), NULL, &p, on_token, on_done, w};
    weft_status       status = weft_item_open(w->e, &file, item, err);
    if (status == WEFT_OK)
        status = weft_sequence_create(w->e, seq, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_item(*seq, *item, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_ids(*seq, &id, 1, err);
    rq.sequence = *seq;
    return status == WEFT_OK ? weft_scheduler_add(s, &rq, NULL, err) : status;
}

/* Each request counts for itself: where memory is short items may go through their encoder singly
 * that else go together, and which request answers first is then another. */
static weft_status requests(world *w, weft_error *err)
{
    world                   of[3] = {*w, *w, *w};
    const weft_long_request rq = recording(&of[2]);
    weft_sampling           p = greedy(2);
    weft_sequence          *seq[2] = {NULL, NULL};
    weft_item              *item[2] = {NULL, NULL};
    weft_scheduler         *s;
    weft_status             status = weft_scheduler_create(w->e, NULL, &s, err);
    if (status != WEFT_OK)
        return status;
    for (int i = 0; i < 2 && status == WEFT_OK; i++)
        status = add_item(&of[i], s, &seq[i], &item[i], err);
    if (status == WEFT_OK)
        status = weft_scheduler_add_long(s, &rq, &p, on_long, NULL, err);
    step_all(w, s);
    weft_scheduler_destroy(&s);
    for (int i = 0; i < 3; i++) {
        add(w, of[i].sum);
        keep(w, of[i].status, &of[i].why);
    }
    for (int i = 0; i < 2; i++) {
        weft_sequence_destroy(&seq[i]);
        weft_item_release(&item[i]);
    }
    if (status != WEFT_OK || w->status == WEFT_OK)
        return status;
    *err = w->why;
    return w->status;
}

static void count_text(void *ctx, const char *key, const char *value)
{
    (void)value;
    add(ctx, strlen(key));
}

static void count_plugin(void *ctx, const weft_plugin_info *p)
{
    add(ctx, p->id != NULL ? strlen(p->id) : 0);
}

static weft_status inspect(world *w, weft_error *err)
{
    weft_engine     *e;
    weft_site_info   site = {.hdr = WEFT_HDR(weft_site_info)};
    weft_marker_info marker = {.hdr = WEFT_HDR(weft_marker_info)};
    weft_status status = weft_plugin_inspect(w->settings, WEFT_MOODS_PLUGIN, count_text, w, err);
    if (status == WEFT_OK)
        status = weft_plugins_each(w->settings, count_plugin, w, err);
    if (status == WEFT_OK)
        status = weft_engine_open(w->settings, WEFT_OPEN_CONFIG, NULL, &e, err);
    if (status != WEFT_OK)
        return status;
    for (uint32_t i = 0; weft_engine_site(e, i, &site); i++)
        add(w, (uint64_t)site.layer);
    for (uint32_t i = 0; weft_engine_marker(e, i, &marker); i++)
        add(w, strlen(marker.token));
    status = weft_engine_plugins(e, count_plugin, w, err);
    weft_engine_close(&e);
    return status;
}

static void count_row(void *ctx, const weft_verify_row *row)
{
    add(ctx, (uint64_t)row->passed);
}

static weft_status verify(world *w, weft_error *err)
{
    const weft_verify_request rq = {
        .hdr = WEFT_HDR(weft_verify_request), .on_row = count_row, .ctx = w};
    int32_t passed = 0;
    return weft_verify(w->e, &rq, &passed, err);
}

/* ---- the walk ---- */

typedef struct walk {
    const char *name;
    weft_status (*run)(world *w, weft_error *err);
    const char *pairs[5];
    bool        open; /* an engine is open all the time */
    uint64_t stride; /* every so manieth allocation: test_no_memory walks over each of an opening */
} walk;

static const walk walks[] = {
    {"open with plugins", open_all, {"model=" MLLAMA, "plugin=" WEFT_MOODS_PLUGIN}, false, 13},
    {"describe", describe, {"kv_bytes=64M"}, true, 1},
    {"transcribe", transcribe, {"model=" MOODS_MODEL, "plugin=" WEFT_MOODS_PLUGIN}, true, 1},
    {"requests with media", requests, {"model=" MOODS_MODEL, "plugin=" WEFT_MOODS_PLUGIN}, true, 1},
    {"inspect", inspect, {"model=" MLLAMA, "plugin=" WEFT_MOODS_PLUGIN}, false, 13},
    {"verify", verify, {"model=" MLLAMA}, true, 1},
    {"verify a text", verify, {"model=" TIED}, true, 1},
};

static weft_status run(const walk *c, world *w, weft_error *err)
{
    w->sum = 0;
    w->status = WEFT_OK;
    weft_status status = c->run(w, err);
    if (w->e != NULL) /* nothing is taken from a run before */
        wf_blocks_free(&w->e->blocks);
    return status;
}

static void open_world(const walk *c, world *w)
{
    const char *pairs[8] = {"threads=1"};
    for (int i = 0; i < 5 && c->pairs[i] != NULL; i++)
        pairs[i + 1] = c->pairs[i];
    memset(w, 0, sizeof *w);
    w->settings = settings_of(pairs);
    w->e = c->open ? open_engine(w->settings) : NULL;
    snprintf(w->path, sizeof w->path, "%s", mood_file('n', "abcd"));
}

static void close_world(world *w)
{
    unlink(w->path);
    weft_engine_close(&w->e);
    weft_settings_destroy(&w->settings);
}

/* The i-th allocation fails: OK where it cost only something that can be done without, which then
 * changes nothing, else a sentence. */
static void fail_one(const walk *c, world *w, uint64_t i, bool forever, uint64_t right)
{
    weft_error why = WF_ERROR_INIT;
    wf_mem_fail_at(i, forever);
    weft_status status = run(c, w, &why);
    wf_mem_fail_at(0, false);
    if (status != WEFT_OK && (why.message[0] == '\0' || weft_exit_code(&why) != 6))
        fail_msg("%s: allocation %llu: %s (%s)", c->name, (unsigned long long)i,
                 weft_status_name(status), why.message);
    if (status == WEFT_OK && w->status == WEFT_OK && !forever && w->sum != right)
        fail_msg("%s: allocation %llu: OK, and something else", c->name, (unsigned long long)i);
}

static void test_walk(void **state)
{
    const walk *c = *state;
    weft_error  err = WF_ERROR_INIT;
    world       w;
    open_world(c, &w);
    rig_check(run(c, &w, &err), &err); /* what is made once is there */
    uint64_t before = wf_mem_count(), right;
    rig_check(run(c, &w, &err), &err);
    const uint64_t n = wf_mem_count() - before;
    right = w.sum;
    assert_true(n > 10 && right != 0);
    for (uint64_t i = 1, k = 1; i <= n; i += c->stride, k++) {
        fail_one(c, &w, i, false, right);
        if (k % 8 == 0)
            fail_one(c, &w, i, true, right);
        if (k % 16 != 0)
            continue;
        rig_check(run(c, &w, &err), &err);
        assert_true(w.sum == right);
    }
    rig_check(run(c, &w, &err), &err);
    assert_true(w.sum == right);
    close_world(&w);
    print_message("%s: %llu of %llu allocations failed in turn\n", c->name,
                  (unsigned long long)((n - 1) / c->stride + 1), (unsigned long long)n);
}

int main(void)
{
    struct CMUnitTest tests[sizeof walks / sizeof *walks];
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        tests[i] =
            (struct CMUnitTest){walks[i].name, test_walk, NULL, NULL, (void *)(uintptr_t)&walks[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
