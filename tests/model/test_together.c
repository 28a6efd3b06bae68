/* SPDX-License-Identifier: Apache-2.0 */
/* Items of every modality that comes with weft, more than one call of an encoder takes, in
 * sequences that are stepped at once, and in requests of a scheduler: each item's outputs, and the
 * logits behind it, have the bytes that they have alone. Their sizes differ: pictures of one tile
 * and of several, recordings and clips of other lengths. */
#include "expect.h"

#include <unistd.h>

#include "core/media/item.h"

#define N (WF_ENCODE_BATCH + 3)
#define SAMPLES WEFT_SOURCE_DIR "/models/demo/samples/"
#define PICTURE(name) FIXTURE("images/" name)

typedef struct world {
    const char *name;
    const char *pairs[6];         /* of settings; "@FILE": a configuration */
    const char *encoder;          /* the plugin whose encoder it is */
    const char *file;             /* NULL: pictures; else parts of this one */
    int64_t     from_us, more_us; /* the i-th part ends at from_us + i * more_us */
} world;

static const char *const pictures[N] = {PICTURE("rgb8.png"),
                                        PICTURE("rgb8-200x1.png"),
                                        PICTURE("grey8.png"),
                                        PICTURE("large-420.jpg"),
                                        PICTURE("size-17x33.jpg"),
                                        PICTURE("size-1x9.jpg"),
                                        PICTURE("rgba8.png"),
                                        PICTURE("size-8x8.jpg"),
                                        PICTURE("palette8.png"),
                                        PICTURE("grey4.png"),
                                        PICTURE("rgb8-interlaced-5x3.png"),
                                        PICTURE("cmyk-adobe.jpg"),
                                        PICTURE("rgb8-interlaced-9x8.png"),
                                        PICTURE("size-16x16.jpg"),
                                        PICTURE("quality-5.jpg"),
                                        PICTURE("size-2x1.jpg"),
                                        PICTURE("grey2.png"),
                                        PICTURE("quality-100.jpg"),
                                        PICTURE("baseline-444.jpg")};

static const world worlds[] = {
    {"pictures", {"model=" FIXTURE("mllama-edge")}, "weft.vision", NULL, 0, 0},
    {"pictures of the demo", {NULL}, "weft.vision", NULL, 0, 0},
    {"pictures, async",
     {"model=" FIXTURE("mllama-edge"), "device=async-test"},
     "weft.vision",
     NULL,
     0,
     0},
    {"Idefics", {"model=" FIXTURE("idefics/float")}, "weft.idefics", NULL, 0, 0},
    {"Idefics, async",
     {"model=" FIXTURE("idefics/float"), "device=async-test"},
     "weft.idefics",
     NULL,
     0,
     0},
    {"clips", {NULL}, "weft.video", SAMPLES "5.mp4", 150000, 90000},
    {"speech", {NULL}, "weft.speech", SAMPLES "6.wav", 250000, 33000},
    {"speech, async", {"device=async-test"}, "weft.speech", SAMPLES "6.wav", 250000, 33000},
    {"Ultravox",
     {"@" FIXTURE("ultravox/v05/weft.ini")},
     "weft.ultravox",
     SAMPLES "6.wav",
     250000,
     33000},
    {"Ultravox, projector of before",
     {"@" FIXTURE("ultravox/v041/weft.ini"), "device=async-test"},
     "weft.ultravox",
     SAMPLES "6.wav",
     250000,
     33000},
};

/* What came of an item: its outputs, one behind the other, and the logits of the last token. */
typedef struct outcome {
    uint8_t *outputs;
    uint64_t bytes;
    float   *logits;
} outcome;

/* Calls of the encoder, and items that they were about in all: told with -vv. */
static struct {
    const char *plugin;
    int32_t     calls;
} counted;

static void count(void *ctx, int32_t level, const char *utf8)
{
    (void)ctx, (void)level;
    size_t n = strlen(counted.plugin);
    counted.calls += strncmp(utf8, counted.plugin, n) == 0 && strncmp(utf8 + n, ": encode", 8) == 0;
}

static weft_settings *settings_in(const world *w)
{
    const char *pairs[8] = {"threads=2"};
    for (int i = 0; i < 6 && w->pairs[i] != NULL; i++)
        pairs[i + 1] = w->pairs[i];
    return settings_of(pairs);
}

/* False where no decoder of such files is built here. */
static bool open_item(const world *w, weft_engine *e, int32_t i, weft_item **out)
{
    weft_error        err = WF_ERROR_INIT;
    weft_item_request rq = WEFT_ITEM_REQUEST(w->file != NULL ? w->file : pictures[i]);
    if (w->file != NULL)
        rq.end_us = w->from_us + i * w->more_us;
    weft_status status = weft_item_open(e, &rq, out, &err);
    if (status == WEFT_E_NOTFOUND && strstr(err.message, "decoder") != NULL)
        return false;
    rig_check(status, &err);
    return true;
}

static weft_sequence *feed(weft_engine *e, weft_item *item, int32_t i)
{
    weft_error     err = WF_ERROR_INIT;
    const int32_t  before[] = {5, 9 + i}, after[] = {7, 11};
    weft_sequence *s;
    rig_check(weft_sequence_create(e, &s, &err), &err);
    rig_check(weft_sequence_feed_ids(s, before, 2, &err), &err);
    rig_check(weft_sequence_feed_item(s, item, &err), &err);
    rig_check(weft_sequence_feed_ids(s, after, 2, &err), &err);
    return s;
}

/* The outputs of an item that has been encoded. */
static void take_outputs(weft_item *item, outcome *o)
{
    weft_error err = WF_ERROR_INIT;
    float     *copies[WF_MAX_OUTPUTS] = {NULL};
    uint64_t   at = 0;
    assert_true(item->encoded);
    for (uint32_t k = 0; k < item->plan.n_outputs; k++)
        o->bytes += wf_spec_bytes(&item->plan.outputs[k].spec);
    o->outputs = malloc((size_t)o->bytes);
    for (uint32_t k = 0; k < item->plan.n_outputs; k++) {
        copies[k] = (float *)(void *)(o->outputs + at);
        at += wf_spec_bytes(&item->plan.outputs[k].spec);
    }
    rig_check(wf_item_encode(item, copies, &err), &err);
}

/* One after the other: nothing else waits when an item is encoded. */
static bool run_alone(const world *w, outcome *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *settings = settings_in(w);
    weft_engine   *e = open_engine(settings);
    bool           there = true;
    for (int32_t i = 0; i < N && there; i++) {
        weft_item *item;
        there = open_item(w, e, i, &item);
        if (!there)
            break;
        weft_sequence *s = feed(e, item, i);
        out[i].logits = malloc((size_t)e->config.vocab * sizeof(float));
        rig_check(weft_step(e, &s, 1, out[i].logits, &err), &err);
        take_outputs(item, &out[i]);
        weft_sequence_destroy(&s);
        weft_item_release(&item);
    }
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
    return there;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    rig_check(result->status, result->error);
    ++*(int32_t *)ctx;
}

/* The sequences as requests of one scheduler, each for a token. */
static void schedule(weft_engine *e, weft_sequence *const *s)
{
    weft_error      err = WF_ERROR_INIT;
    weft_sampling   p = greedy(1);
    weft_scheduler *scheduler;
    int32_t         ended = 0, left = N;
    rig_check(weft_scheduler_create(e, NULL, &scheduler, &err), &err);
    for (int32_t i = 0; i < N; i++) {
        weft_job_request rq = {WEFT_HDR(weft_job_request), s[i], &p, NULL, on_done, &ended};
        rig_check(weft_scheduler_add(scheduler, &rq, NULL, &err), &err);
    }
    while (left > 0)
        rig_check(weft_scheduler_step(scheduler, &left, &err), &err);
    assert_int_equal(ended, N);
    weft_scheduler_destroy(&scheduler);
}

/* All items in one engine: encoded by a scheduler, or by the step that gives the logits. */
static void run_together(const world *w, bool scheduled, outcome *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *settings = settings_in(w);
    weft_engine   *e = open_engine(settings);
    const size_t   vocab = (size_t)e->config.vocab;
    float         *logits = malloc(N * vocab * sizeof *logits);
    weft_item     *items[N];
    weft_sequence *s[N];
    for (int32_t i = 0; i < N; i++) {
        assert_true(open_item(w, e, i, &items[i]));
        for (int32_t k = 0; k < i; k++)
            if (items[i] == items[k]) /* what differs is not one item */
                fail_msg("%d and %d are one item", i, k);
        s[i] = feed(e, items[i], i);
    }
    counted.calls = 0;
    if (scheduled)
        schedule(e, s);
    for (int32_t i = 0; i < N && scheduled; i++) {
        assert_true(items[i]->encoded);
        weft_sequence_destroy(&s[i]);
        s[i] = feed(e, items[i], i);
    }
    rig_check(weft_step(e, s, N, logits, &err), &err);
    assert_in_range(counted.calls, 2, N / 2); /* not each alone, and not all at once */
    for (int32_t i = 0; i < N; i++) {
        out[i].logits = malloc(vocab * sizeof *logits);
        memcpy(out[i].logits, logits + (size_t)i * vocab, vocab * sizeof *logits);
        take_outputs(items[i], &out[i]);
        weft_sequence_destroy(&s[i]);
        weft_item_release(&items[i]);
    }
    free(logits);
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
}

static int32_t vocab_of(const world *w)
{
    weft_settings *settings = settings_in(w);
    weft_engine   *e = open_engine(settings);
    int32_t        vocab = e->config.vocab;
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
    return vocab;
}

static void drop(outcome *o)
{
    for (int32_t i = 0; i < N; i++) {
        free(o[i].outputs);
        free(o[i].logits);
    }
}

static void same_as(const world *w, const outcome *alone, bool scheduled)
{
    const size_t logits = (size_t)vocab_of(w) * sizeof(float);
    outcome      together[N] = {{NULL, 0, NULL}};
    run_together(w, scheduled, together);
    for (int32_t i = 0; i < N; i++) {
        assert_int_equal(together[i].bytes, alone[i].bytes);
        if (memcmp(together[i].outputs, alone[i].outputs, (size_t)alone[i].bytes) != 0)
            fail_msg("the outputs of item %d", i);
        if (memcmp(together[i].logits, alone[i].logits, logits) != 0)
            fail_msg("the logits behind item %d", i);
    }
    drop(together);
}

static void test_world(void **state)
{
    const world *w = *state;
    outcome      alone[N] = {{NULL, 0, NULL}};
    char         path[512];
    snprintf(path, sizeof path, WEFT_BUILD_DIR "/plugins/weft-%s.so", strchr(w->encoder, '.') + 1);
    if (access(path, F_OK) != 0) /* its library is not built here */
        skip();
    counted.plugin = w->encoder;
    weft_set_log(count, NULL);
    if (!run_alone(w, alone))
        skip();
    same_as(w, alone, false);
    same_as(w, alone, true);
    drop(alone);
}

int main(void)
{
    struct CMUnitTest tests[sizeof worlds / sizeof *worlds];
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++)
        tests[i] = (struct CMUnitTest){worlds[i].name, test_world, NULL, NULL,
                                       (void *)(uintptr_t)&worlds[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
