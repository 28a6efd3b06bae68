/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded video adapter leaves alone, byte for byte: text, and pictures without clips. And
 * what clips share with pictures: the same bytes in any batch, in any chunks, after forks and cuts,
 * and whatever frames were encoded beside. All gates of the fixture are away from zero. And how
 * near quantised weights come (near.h). */
#include "tests/model/near.h"

#define CLIPS FIXTURE("video/picture.ini")
#define BOTH                                                                                       \
    FIXTURE("video/parity-picture.safetensors") /* item 1: the picture; item 2: the clip           \
                                                 */

/* 33 tokens, the clip, 70 tokens, the picture, the clip again, 60 tokens: 166 places. */
static const int32_t media[] = {33, -2, 70, -1, -2, 60, 0};
static const int32_t text[] = {166, 0};
static const int32_t pictures[] = {20, -1, 40, -2, 30, 0};

static const char *const levels[][3] = {
    {"cpu_mask=none", "dtype=f32", "device=cpu"},
    {"cpu_mask=max", "dtype=bf16", "device=cpu"},
    {"cpu_mask=max", "dtype=f32", "device=async-test"},
};

static const char *const *at; /* the level under test */

static void open_at(rig *r, const char *what, const char *parity)
{
    const char *pairs[6] = {what, at[0], at[1], at[2], NULL};
    rig_open(r, pairs, parity);
}

static void open_clips(rig *r)
{
    open_at(r, "@" CLIPS, BOTH);
    assert_int_equal(r->n_items, 2);
}

/* The core alone, with clips, with clips and pictures. */
static void text_is_untouched(void)
{
    static const char *const models[] = {"model=" FIXTURE("composed"),
                                         "@" FIXTURE("video/weft.ini"), "@" CLIPS};
    float                   *first = NULL;
    for (size_t i = 0; i < 3; i++) {
        rig r;
        open_at(&r, models[i], NULL);
        assert_int_equal(r.e->modalities.n, i);
        float *logits = rig_run(&r, text, 0, NULL);
        if (i > 0)
            rig_same(first, logits, 166, &r, "text");
        if (i > 0)
            free(logits);
        else
            first = logits;
        rig_close(&r);
    }
    free(first);
}

static void pictures_are_untouched(void)
{
    static const char images[] = FIXTURE("mllama-1tile/parity-2images.safetensors");
    rig               without, with;
    open_at(&without, "@" FIXTURE("composed/weft.ini"), images);
    open_at(&with, "@" CLIPS, images);
    assert_true(with.e->modalities.n == 2 && without.e->modalities.n == 1);
    float *a = rig_run(&without, pictures, 0, NULL), *b = rig_run(&with, pictures, 0, NULL);
    rig_same(a, b, 92, &with, "pictures");
    free(a);
    free(b);
    rig_close(&without);
    rig_close(&with);
}

static void rows_before_and_neighbours(void)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    open_clips(&r);
    float  *alone = rig_run(&r, text, 0, NULL), *with = rig_run(&r, media, 0, NULL);
    int64_t vocab = r.e->config.vocab, a = 0;
    rig_same(alone, with, 33, &r, "rows before a clip");
    assert_memory_not_equal(alone + 33 * vocab, with + 33 * vocab, 64);
    weft_sequence *s[2] = {rig_sequence(&r, text), rig_sequence(&r, media)};
    float         *both = malloc((size_t)(64 * vocab) * sizeof *both);
    s[0]->no_cache = s[1]->no_cache = 1;
    while (a < 166) { /* uneven to the pages, so that rows meet at every alignment */
        int64_t      n = 166 - a < 17 ? 166 - a : 17;
        wf_step_part parts[2] = {{.seq = s[0], .n_rows = n, .n_out = n},
                                 {.seq = s[1], .n_rows = n, .n_out = n}};
        rig_check(wf_step_run(&r.e->stepper, parts, 2, both, NULL, &err), &err);
        rig_same(alone + a * vocab, both, n, &r, "a text neighbour");
        rig_same(with + a * vocab, both + n * vocab, n, &r, "a clip's neighbour");
        a += n;
    }
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    free(both);
    free(alone);
    free(with);
    rig_close(&r);
}

static void chunks(void)
{
    static const int64_t sizes[] = {1, 2, 7, 16, 33};
    rig                  r;
    open_clips(&r);
    float *all = rig_run(&r, media, 0, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float *parts = rig_run(&r, media, sizes[i], NULL);
        rig_same(all, parts, 166, &r, "chunked prefill");
        free(parts);
    }
    free(all);
    rig_close(&r);
}

/* A fork that is cut back to before the clip and goes on with it again. */
static void forks_and_cuts(void)
{
    static const int32_t head[] = {33, -2, 70, 0}, fresh[] = {33, -2, 70, -1, 20, 0};
    rig                  r;
    weft_sequence       *fork;
    weft_error           err = WF_ERROR_INIT;
    open_clips(&r);
    float         *want = rig_run(&r, fresh, 0, NULL);
    int64_t        vocab = r.e->config.vocab;
    weft_sequence *s = rig_sequence(&r, head);
    s->no_cache = 1;
    free(rig_logits(&r, s, 0));
    rig_check(weft_sequence_fork(s, &fork, &err), &err);
    rig_check(weft_sequence_truncate(fork, 33, &err), &err);
    rig_check(weft_sequence_feed_item(fork, r.items[1], &err), &err);
    for (int64_t i = 34; i < s->n; i++)
        rig_check(weft_sequence_feed_ids(fork, &s->toks[i].id, 1, &err), &err);
    weft_sequence *both[2] = {s, fork};
    for (int k = 0; k < 2; k++) {
        rig_check(weft_sequence_feed_item(both[k], r.items[0], &err), &err);
        for (int64_t i = 105; i < 125; i++) {
            int32_t id = (int32_t)((uint64_t)(i * 2654435761u + 12345u) % (uint64_t)vocab);
            rig_check(weft_sequence_feed_ids(both[k], &id, 1, &err), &err);
        }
    }
    float *a = rig_logits(&r, s, 0), *b = rig_logits(&r, fork, 7);
    rig_same(want + 104 * vocab, a, 21, &r, "after a fork");
    rig_same(want + 33 * vocab, b, 92, &r, "a cut fork");
    weft_sequence_destroy(&s);
    weft_sequence_destroy(&fork);
    free(a);
    free(b);
    free(want);
    rig_close(&r);
}

/* Frame k alone (frame 0 of a clip of one frame has the same time row only for k 0, so features are
 * compared for all frames and context for the first), against the whole clip in batches of two. */
static void frames_beside_change_nothing(void)
{
    static const char *names[] = {"pixel_values_videos", "video_aspect_ratio_ids",
                                  "video_num_tiles", "video_times_us"};
    rig                r;
    weft_error         err = WF_ERROR_INIT;
    uint32_t           n = 0;
    weft_item         *one;
    float             *whole[WF_MAX_OUTPUTS] = {NULL}, *part[WF_MAX_OUTPUTS] = {NULL};
    open_at(&r, "@" FIXTURE("video/weft.ini"), FIXTURE("video/parity.safetensors"));
    const weft_plan *p = &r.items[0]->plan;
    const int64_t    frames = p->inputs[0].spec.shape[0],
                  each = (int64_t)wf_spec_numel(&p->inputs[0].spec) / frames;
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        whole[i] = malloc((size_t)wf_spec_bytes(&p->outputs[i].spec));
        part[i] = malloc((size_t)wf_spec_bytes(&p->outputs[i].spec));
    }
    rig_check(wf_item_encode(r.items[0], whole, &err), &err);
    for (int64_t k = 0; k < frames; k++, n = 0) {
        weft_tensor t[4];
        for (int i = 0; i < 4; i++) {
            t[i] = r.items[0]->input[i];
            t[i].ndim = i == 0 ? 6 : i == 3 ? 2 : 1;
            t[i].shape[0] = t[i].shape[1] = 1;
        }
        for (int i = 0; i < 4; i++)
            t[0].shape[2 + i] = p->inputs[0].spec.shape[1 + i];
        t[0].data = (float *)t[0].data + k * each;
        t[0].bytes = (uint64_t)each * sizeof(float);
        t[3].bytes = sizeof(int64_t);
        wf_tensor_set set = {"a frame", t, names, 4, 0};
        rig_check(wf_items_from_tensors(&r.e->items, &r.e->modalities, &set, &one, 1, &n, &err),
                  &err);
        assert_int_equal(n, 1);
        rig_check(wf_item_encode(one, part, &err), &err);
        for (uint32_t i = 1; i < 3; i++) {
            size_t bytes = (size_t)wf_spec_bytes(&one->plan.outputs[i].spec);
            if (i == 1 || k == 0)
                assert_memory_equal((char *)whole[i] + (size_t)k * bytes, part[i], bytes);
        }
        weft_item_release(&one);
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        free(whole[i]);
        free(part[i]);
    }
    rig_close(&r);
}

typedef struct told {
    uint64_t     done, total;
    int32_t      n;
    weft_engine *cancel; /* at the first that is heard */
} told;

static void listen(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    told *t = ctx;
    if (strcmp(what, "encoding") != 0 || strcmp(unit, "frames") != 0)
        return;
    assert_true(done > t->done && done <= total);
    t->done = done;
    t->total = total;
    t->n++;
    if (t->cancel != NULL)
        weft_engine_cancel(t->cancel);
}

/* Who waits hears of each batch, and can stop between two. */
static void progress_and_cancel(void)
{
    rig        r;
    told       t = {0, 0, 0, NULL};
    weft_error err = WF_ERROR_INIT;
    open_at(&r, "@" FIXTURE("video/weft.ini"), FIXTURE("video/parity.safetensors"));
    r.e->progress.fn = listen;
    r.e->progress.ctx = &t;
    t.cancel = r.e;
    assert_int_equal(weft_item_encode(r.items[0], &err), WEFT_E_CANCELLED);
    assert_true(t.done < 3);
    t = (told){0, 0, 0, NULL};
    rig_check(weft_item_encode(r.items[0], &err), &err);
    assert_true(t.n == 2 && t.done == 3 && t.total == 3); /* a group of two frames and one of one */
    rig_close(&r);
}

/* Each case on each level. */
#define OVER(name)                                                                                 \
    static void over_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {                              \
            at = levels[i];                                                                        \
            name();                                                                                \
        }                                                                                          \
    }
OVER(text_is_untouched)
OVER(pictures_are_untouched)
OVER(rows_before_and_neighbours)
OVER(chunks)
OVER(forks_and_cuts)
OVER(frames_beside_change_nothing)
OVER(progress_and_cancel)

static void test_near(void **state)
{
    (void)state;
    near_check("@" CLIPS, BOTH, NULL, media, NEAR_Q8_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_text_is_untouched),
        cmocka_unit_test(over_pictures_are_untouched),
        cmocka_unit_test(over_rows_before_and_neighbours),
        cmocka_unit_test(over_chunks),
        cmocka_unit_test(over_forks_and_cuts),
        cmocka_unit_test(over_frames_beside_change_nothing),
        cmocka_unit_test(over_progress_and_cancel),
        cmocka_unit_test(test_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
