/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of core and plugin host fails in turn, once and for ever, over opening a model,
 * one text step and one picture: a status each time, nothing leaked (the sanitizer build sees to
 * that), and the same process succeeds after. */
#include "rig.h"

#include "core/base/mem.h"
#include "core/base/tensor.h"

typedef struct scenario {
    const char *name, *model, *parity;
    int32_t     script[4];
} scenario;

static const scenario scenarios[] = {
    {"text", "model=" FIXTURE("llama-tied"), NULL, {5, 0}},
    {"picture",
     "model=" FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity.safetensors"),
     {3, -1, 2, 0}},
};

static weft_status feed(weft_engine *e, weft_item *item, const int32_t *script, weft_sequence *s,
                        weft_error *err)
{
    weft_status status = WEFT_OK;
    (void)e;
    for (; *script != 0 && status == WEFT_OK; script++) {
        int32_t ids[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        status = *script > 0 ? weft_sequence_feed_ids(s, ids, (uint64_t)*script, err)
                             : weft_sequence_feed_item(s, item, err);
    }
    return status;
}

static weft_status step(weft_engine *e, weft_item *item, const scenario *c, weft_error *err)
{
    weft_sequence *s;
    weft_status    status = weft_sequence_create(e, &s, err);
    if (status != WEFT_OK)
        return status;
    float *logits = malloc((size_t)e->config.vocab * sizeof *logits);
    status = feed(e, item, c->script, s, err);
    if (status == WEFT_OK)
        status = weft_step(e, &s, 1, logits, err);
    free(logits);
    weft_sequence_destroy(&s);
    return status;
}

/* The item's tensors are read outside of what may fail. */
static weft_status with_item(weft_engine *e, const scenario *c, const wf_tensor_set *set,
                             weft_error *err)
{
    weft_item  *items[RIG_ITEMS] = {NULL};
    uint32_t    n = 0;
    weft_status status = set->n > 0 ? wf_items_from_tensors(&e->items, &e->modalities, set, items,
                                                            RIG_ITEMS, &n, err)
                                    : WEFT_OK;
    if (status == WEFT_OK)
        status = step(e, items[0], c, err);
    for (uint32_t i = 0; i < n; i++)
        weft_item_release(&items[i]);
    return status;
}

static weft_status whole(const scenario *c, weft_settings *settings, const wf_tensor_set *set,
                         weft_error *err)
{
    weft_engine *e;
    weft_status  status = weft_engine_open(settings, 0, NULL, &e, err);
    if (status != WEFT_OK)
        return status;
    status = with_item(e, c, set, err);
    weft_engine_close(&e);
    return status;
}

/* Reads the picture's tensors with a rig and keeps its file open for the walk. */
static void tensors_of(const scenario *c, rig *r, weft_tensor *t, const char **names,
                       wf_tensor_set *set)
{
    const char              *pairs[] = {c->model, "threads=1", NULL};
    static const char *const wanted[] = {"aspect_ratio_ids", "num_tiles", "pixel_values"};
    rig_open(r, pairs, c->parity);
    *set = (wf_tensor_set){"parity", t, names, (uint32_t)r->n_data, 0};
    for (int32_t i = 0; i < r->n_data;
         i++) { /* the file's tensors are sorted by name, and so are these */
        const wf_st_tensor *f = wf_st_find(&r->file, wanted[i]);
        names[i] = wanted[i];
        bool       f32 = f->dtype == WF_ST_F32;
        weft_dtype dt = {f32 ? WEFT_DT_FLOAT : WEFT_DT_INT, f32 ? 32 : 64, 1};
        t[i] = wf_tensor_view(r->data[i], dt, f->rank, f->shape);
    }
}

static void walk(const scenario *c, weft_settings *settings, const wf_tensor_set *set, bool forever)
{
    uint64_t   before = wf_mem_count(), n;
    weft_error err = WF_ERROR_INIT;
    rig_check(whole(c, settings, set, &err), &err);
    n = wf_mem_count() - before;
    for (uint64_t i = 1; i <= n; i++) {
        weft_error why = WF_ERROR_INIT;
        wf_mem_fail_at(i, forever);
        weft_status status = whole(c, settings, set, &why);
        wf_mem_fail_at(0, false);
        /* A refused allocation may cost only an extra (a decoder, a cached block): then the run
         * succeeds. */
        if (status != WEFT_OK && (why.message[0] == '\0' || weft_exit_code(&why) != 6))
            fail_msg("%s: allocation %llu: %s (%s)", c->name, (unsigned long long)i,
                     weft_status_name(status), why.message);
    }
    rig_check(whole(c, settings, set, &err), &err);
    print_message("%s: %llu allocations failed in turn\n", c->name, (unsigned long long)n);
}

static void test_walk(void **state)
{
    const scenario *c = *state;
    const char     *pairs[] = {c->model, "threads=1", NULL};
    weft_tensor     t[8];
    const char     *names[8];
    wf_tensor_set   set;
    rig             r;
    tensors_of(c, &r, t, names, &set);
    weft_settings *settings = settings_of(pairs);
    walk(c, settings, &set, false);
    walk(c, settings, &set, true);
    weft_settings_destroy(&settings);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"text", test_walk, NULL, NULL, (void *)(uintptr_t)&scenarios[0]},
        {"picture", test_walk, NULL, NULL, (void *)(uintptr_t)&scenarios[1]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
