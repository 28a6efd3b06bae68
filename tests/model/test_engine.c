/* SPDX-License-Identifier: Apache-2.0 */
/* weft.h as a program uses it: engines side by side, cancelling, callbacks, and items that outlive
 * their owners. */
#include "expect.h"

#include <pthread.h>
#include <unistd.h>

#define TEXT "model=" FIXTURE("llama-untied")
#define VISION "model=" FIXTURE("mllama-1tile")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")
#define PICTURE FIXTURE("images/rgb8.png")
#define DEMO WEFT_SOURCE_DIR "/models/demo/text"
#define NEW 24

static const char *const text_pairs[] = {TEXT, "threads=2", NULL};
static const char *const vision_pairs[] = {VISION, "threads=2", NULL};

static const int32_t text_script[] = {40, 0};
static const int32_t media_script[] = {20, -1, 30, -2, 10, 0};

/* ---- two engines ---- */

/* A token of each in turn is what each gives alone. */
static void test_in_turn(void **state)
{
    rig        a, b;
    told       alone[2], turn[2] = {{.n = 0}, {.n = 0}};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_open(&a, text_pairs, NULL);
    generate(&a, text_script, NEW, &alone[0]);
    rig_close(&a);
    rig_open(&b, vision_pairs, PARITY);
    generate(&b, media_script, NEW, &alone[1]);
    rig_close(&b);
    rig_open(&a, text_pairs, NULL);
    rig_open(&b, vision_pairs, PARITY);
    weft_sequence *s[2] = {rig_sequence(&a, text_script), rig_sequence(&b, media_script)};
    weft_sampling  one = greedy(1);
    for (int32_t i = 0; i < NEW; i++)
        for (int k = 0; k < 2; k++)
            rig_check(weft_generate(s[k], &one, take, &turn[k], NULL, &err), &err);
    for (int k = 0; k < 2; k++) {
        same_ids(&alone[k], &turn[k]);
        weft_sequence_destroy(&s[k]);
    }
    rig_close(&a);
    rig_close(&b);
}

typedef struct worker {
    rig            r;
    const int32_t *script;
    told           want, got;
} worker;

static void *work(void *ctx)
{
    worker *w = ctx;
    for (int i = 0; i < 4; i++)
        generate(&w->r, w->script, NEW, &w->got);
    return NULL;
}

static void test_two_threads(void **state)
{
    static worker w[2];
    pthread_t     thread[2];
    (void)state;
    rig_open(&w[0].r, text_pairs, NULL);
    rig_open(&w[1].r, vision_pairs, PARITY);
    w[0].script = text_script;
    w[1].script = media_script;
    for (int k = 0; k < 2; k++)
        generate(&w[k].r, w[k].script, NEW, &w[k].want);
    for (int k = 0; k < 2; k++)
        assert_int_equal(pthread_create(&thread[k], NULL, work, &w[k]), 0);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(pthread_join(thread[k], NULL), 0);
        same_ids(&w[k].want, &w[k].got);
        rig_close(&w[k].r);
    }
}

static void *open_and_close(void *ctx)
{
    for (int i = 0; i < 5; i++) {
        weft_settings *s = settings_of(ctx);
        weft_engine   *e = open_engine(s);
        weft_engine_close(&e);
        weft_settings_destroy(&s);
    }
    return NULL;
}

/* Plugins are loaded, set up and let go by two engines at once. */
static void test_opened_on_two_threads(void **state)
{
    pthread_t thread[2];
    (void)state;
    assert_int_equal(
        pthread_create(&thread[0], NULL, open_and_close, (void *)(uintptr_t)text_pairs), 0);
    assert_int_equal(
        pthread_create(&thread[1], NULL, open_and_close, (void *)(uintptr_t)vision_pairs), 0);
    for (int k = 0; k < 2; k++)
        assert_int_equal(pthread_join(thread[k], NULL), 0);
}

/* ---- cancelling ---- */

typedef struct canceller {
    weft_engine *e;
    atomic_int  *after; /* cancels when this is not 0 */
    atomic_int   done;
} canceller;

static void *cancel_after(void *ctx)
{
    canceller *c = ctx;
    while (atomic_load(c->after) == 0)
        nap();
    weft_engine_cancel(c->e);
    atomic_store(&c->done, 1);
    return NULL;
}

static void test_cancel_decode(void **state)
{
    rig             r;
    told            want, got = {.n = 0};
    weft_error      err = WF_ERROR_INIT;
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling   p = greedy(NEW);
    pthread_t       thread;
    (void)state;
    rig_open(&r, vision_pairs, PARITY);
    generate(&r, media_script, NEW, &want);
    canceller      c = {.e = r.e, .after = &got.said};
    weft_sequence *s = rig_sequence(&r, media_script);
    got.wait_for = &c.done; /* so that the cancel falls into the first token */
    assert_int_equal(pthread_create(&thread, NULL, cancel_after, &c), 0);
    refused(weft_generate(s, &p, take, &got, &g, &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(g.n_new, 1);
    /* The sequence goes on where it was, and the engine serves others. */
    p = greedy(NEW - 1);
    rig_check(weft_generate(s, &p, take, &got, &g, &err), &err);
    same_ids(&want, &got);
    generate(&r, media_script, NEW, &got);
    same_ids(&want, &got);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* What an engine's progress told. */
typedef struct events {
    int32_t      weights, encoding, prefill, bad;
    uint64_t     last_weights, total_weights;
    weft_engine *cancel; /* at the second chunk of a prefill */
} events;

static void note(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    events *e = ctx;
    e->bad += total != 0 && done > total;
    if (strcmp(what, "weights") == 0 && strcmp(unit, "bytes") == 0) {
        e->bad += done < e->last_weights;
        e->last_weights = done;
        e->total_weights = total;
        e->weights++;
    }
    e->encoding += strcmp(what, "encoding") == 0;
    if (strcmp(what, "prefill") == 0) {
        e->prefill++;
        e->bad += strcmp(unit, "tokens") != 0;
        if (done > 0 && e->cancel != NULL)
            weft_engine_cancel(e->cancel);
    }
}

/* A rig whose engine tells e. */
static void open_noting(rig *r, const char *const *pairs, events *e)
{
    weft_error    err = WF_ERROR_INIT;
    weft_progress progress = {note, e};
    memset(r, 0, sizeof *r);
    memset(e, 0, sizeof *e);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, 0, &progress, &r->e, &err), &err);
}

static void test_cancel_prefill(void **state)
{
    const char   *pairs[] = {TEXT, "prefill_chunk=8", NULL};
    rig           r;
    events        e;
    weft_error    err = WF_ERROR_INIT;
    weft_sampling p = greedy(4);
    told          want, got = {.n = 0};
    (void)state;
    open_noting(&r, pairs, &e);
    generate(&r, text_script, 4, &want);
    assert_int_equal(e.prefill, 5); /* 40 tokens in chunks of 8 */
    weft_sequence *s = rig_sequence(&r, text_script);
    e.cancel = r.e;
    refused(weft_generate(s, &p, take, &got, NULL, &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    assert_int_equal(got.n, 0);
    assert_int_equal(s->n_done, 8);
    e.cancel = NULL;
    rig_check(weft_generate(s, &p, take, &got, NULL, &err), &err);
    same_ids(&want, &got);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* A cancel that came while nothing ran is forgotten by the next call that starts work. */
static void test_cancel_between(void **state)
{
    rig               r;
    told              got;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    (void)state;
    rig_open(&r, vision_pairs, NULL);
    weft_engine_cancel(r.e);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    weft_engine_cancel(r.e);
    rig_check(weft_item_encode(item, &err), &err);
    weft_engine_cancel(r.e);
    generate(&r, text_script, 2, &got);
    weft_item_release(&item);
    rig_close(&r);
}

static void *cancel_until(void *ctx)
{
    canceller *c = ctx;
    while (atomic_load(&c->done) == 0) { /* one that comes before the call began does not count */
        weft_engine_cancel(c->e);
        nap();
    }
    return NULL;
}

/* A pipe that nobody writes to: the wait for it ends with a cancel. */
static void test_cancel_a_pipe(void **state)
{
    rig               r;
    pthread_t         thread;
    int               end[2], in = dup(0);
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST("-");
    (void)state;
    rig_open(&r, vision_pairs, NULL);
    canceller c = {.e = r.e};
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_until, &c), 0);
    weft_status status = weft_item_open(r.e, &rq, &item, &err);
    atomic_store(&c.done, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    refused(status, &err, WEFT_E_CANCELLED, 130, "cancelled");
    assert_null(item);
    assert_true(in < 0 ? close(0) == 0 : dup2(in, 0) == 0);
    close(end[0]);
    close(end[1]);
    close(in);
    rig_close(&r);
}

/* ---- callbacks ---- */

static void test_progress(void **state)
{
    rig               r;
    events            e;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    (void)state;
    open_noting(&r, vision_pairs, &e);
    assert_true(e.weights > 0 && e.last_weights > 0 && e.last_weights <= e.total_weights);
    assert_int_equal(e.encoding + e.prefill, 0);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    assert_int_equal(e.encoding, 0); /* opening prepares, it does not encode */
    rig_check(weft_item_encode(item, &err), &err);
    rig_check(weft_item_encode(item, &err), &err);
    assert_int_equal(e.encoding, 1);
    weft_sequence *s = rig_sequence(&r, text_script);
    weft_sampling  p = greedy(2);
    rig_check(weft_generate(s, &p, NULL, NULL, NULL, &err), &err);
    assert_int_equal(e.prefill, 1);
    assert_int_equal(e.bad, 0);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    rig_close(&r);
}

/* The callback's tokens are the sequence's, and its "enough" ends the generation. */
static void test_tokens(void **state)
{
    rig             r;
    told            got = {.n = 0, .stop_after = 5};
    weft_error      err = WF_ERROR_INIT;
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling   p = greedy(NEW);
    (void)state;
    rig_open(&r, text_pairs, NULL);
    weft_sequence *s = rig_sequence(&r, text_script);
    rig_check(weft_generate(s, &p, take, &got, &g, &err), &err);
    assert_int_equal(got.n, 5);
    assert_int_equal(g.n_prompt, 40);
    assert_int_equal(g.n_new, 5);
    assert_int_equal(g.stopped, 0);
    assert_true(g.sum_logprob < 0);
    assert_int_equal(weft_sequence_length(s), 45);
    for (int i = 0; i < 5; i++)
        assert_int_equal(s->toks[40 + i].id, got.ids[i]);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* With a tokenizer: pieces of text make the whole text, and the stop token comes last. */
static void test_text(void **state)
{
    const char *pairs[] = {"model=" DEMO, NULL};
    rig         r;
    told        got = {.n = 0};
    weft_error  err = WF_ERROR_INIT;
    char        whole[1024];
    uint64_t    n = 0;
    (void)state;
    if (access(DEMO "/model.safetensors", R_OK) != 0) {
        print_message("skipped: the demo model is not there\n");
        skip();
    }
    rig_open(&r, pairs, NULL);
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling   p = greedy(TOLD_MAX - 4);
    weft_prompt     prompt = {.hdr = WEFT_HDR(weft_prompt), .user = "a large red apple"};
    weft_sequence  *s = rig_sequence(&r, (const int32_t[]){0});
    rig_check(weft_sequence_feed_prompt(s, &prompt, &err), &err);
    rig_check(weft_generate(s, &p, take, &got, &g, &err), &err);
    rig_check(weft_detokenize(r.e, got.ids, (uint64_t)got.n, whole, sizeof whole, &n, &err), &err);
    assert_int_equal(got.bytes, n);
    assert_memory_equal(got.text, whole, n);
    assert_int_equal(got.n, g.n_new);
    assert_int_equal(got.n_stop, g.stopped);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* ---- lifetimes ---- */

/* Sequences hold their items: the caller may let go of one as soon as it is fed. */
static void test_item_released(void **state)
{
    rig               r;
    told              want, got = {.n = 0};
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item, *again;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    weft_sequence    *s, *fork;
    weft_sampling     p = greedy(NEW);
    (void)state;
    rig_open(&r, vision_pairs, NULL);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    rig_check(weft_item_open(r.e, &rq, &again, &err), &err);
    assert_ptr_equal(item, again); /* the same content is one item */
    weft_item_release(&again);
    r.items[0] = item;
    generate(&r, (const int32_t[]){5, -1, 9, 0}, NEW, &want);
    s = rig_sequence(&r, (const int32_t[]){5, -1, 9, 0});
    weft_item_release(&item);
    assert_null(item);
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    weft_sequence_destroy(&s);
    assert_non_null(r.e->items.list);
    rig_check(weft_generate(fork, &p, take, &got, NULL, &err), &err);
    same_ids(&want, &got);
    rig_check(weft_sequence_truncate(fork, 5, &err),
              &err); /* the last one to hold the item lets go of it */
    assert_null(r.e->items.list);
    int64_t used = r.e->kv.pool.n_used;
    weft_sequence_destroy(&fork);
    assert_true(r.e->kv.pool.n_used <= used);
    rig_close(&r);
}

/* NULL objects are let go of without a word. */
static void test_nothing(void **state)
{
    weft_item     *item = NULL;
    weft_sequence *s = NULL;
    weft_engine   *e = NULL;
    weft_settings *settings = NULL;
    (void)state;
    weft_item_release(&item);
    weft_sequence_destroy(&s);
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
}

/* A decoder's option that does not exist fails before any file is opened: none may be closed. */
static void test_standard_input_stays_open(void **state)
{
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    int               kept = dup(0), end[2];
    (void)state;
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    rig_open(&r, vision_pairs, NULL);
    rig_check(weft_settings_set_pair(r.settings, "weft.png.nothing=1", &err), &err);
    refused(weft_item_open(r.e, &rq, &item, &err), &err, WEFT_E_INVALID, 2, "no option nothing");
    assert_int_not_equal(dup2(0, end[0]), -1);
    assert_true(kept < 0 ? close(0) == 0 : dup2(kept, 0) == 0);
    close(kept);
    close(end[0]);
    close(end[1]);
    rig_close(&r);
}

/* ---- memory ---- */

static uint64_t memory_free;

static weft_status little_memory(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err)
{
    (void)d;
    (void)err;
    *free = *total = memory_free;
    return WEFT_OK;
}

static weft_status with_memory(rig *r, uint64_t bytes, weft_error *err)
{
    const wf_device_fns *own = r->e->device->fns;
    wf_device_fns        little = *own;
    little.memory = little_memory;
    memory_free = bytes;
    r->e->device->fns = &little;
    weft_status status = wf_engine_check_memory(r->e, err);
    r->e->device->fns = own;
    return status;
}

/* Keys and values are counted in the pages that the pool has, which sites may make wider than the
 * text core's, and something is left for what else runs, where there is no encoder too. */
static void test_memory(void **state)
{
    static const char *const pairs[] = {TEXT, "device=async-test", NULL};
    rig                      r;
    char                     said[40];
    weft_error               err = WF_ERROR_INIT;
    (void)state;
    rig_open(&r, pairs, NULL);
    wf_kv_pool *p = &r.e->kv.pool;
    assert_false(r.e->device->reads_host);
    p->page_bytes *= 4; /* as a site of four times as many heads would have it */
    const uint64_t keys = (uint64_t)(r.e->context + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS *
                          (uint64_t)r.e->config.n_layers * (uint64_t)p->page_bytes;
    snprintf(said, sizeof said, "take %llu and", (unsigned long long)keys);
    assert_int_equal(with_memory(&r, keys / 2, &err), WEFT_E_NOMEM);
    assert_non_null(strstr(err.message, said));
    assert_int_equal(with_memory(&r, keys, &err), WEFT_E_NOMEM);
    assert_int_equal(with_memory(&r, keys + keys / 16, &err), WEFT_OK);
    assert_true(p->is_devices);
    assert_true((uint64_t)p->max_pages * (uint64_t)p->page_bytes >= keys);
    assert_true((uint64_t)p->max_pages * (uint64_t)p->page_bytes < keys + keys / 16);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_turn),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_opened_on_two_threads),
        cmocka_unit_test(test_cancel_decode),
        cmocka_unit_test(test_cancel_prefill),
        cmocka_unit_test(test_cancel_between),
        cmocka_unit_test(test_cancel_a_pipe),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_standard_input_stays_open),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_item_released),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
