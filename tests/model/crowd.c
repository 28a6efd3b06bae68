/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of many kinds, and what each gives alone. */
#include "crowd.h"

uint64_t crowd_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void make_kinds(crowd *c)
{
    static const int32_t lengths[] = {1,  2,  3,  7,  17, 33,  40,  62,
                                      63, 64, 65, 66, 90, 128, 129, 140};
    uint64_t             state = 7;
    for (int32_t i = 0; i < CROWD_KINDS; i++) {
        kind    *k = &c->kinds[i];
        uint64_t draw = crowd_draw(&state);
        *k = (kind){.family = (int32_t)(draw % 3),
                    .n = lengths[draw / 3 % (sizeof lengths / sizeof *lengths)],
                    .item = i % 3 == 0 ? (int32_t)(draw >> 20) % c->n_items : -1,
                    .p = greedy((int32_t)(draw >> 12) % (CROWD_NEW - 1) + 1)};
        if (k->item < 0 && i % 3 == 0)
            k->item += c->n_items;
        k->tail = k->n > 8 ? 1 + (int32_t)(draw >> 32 & 7) : 1;
        if (i % 2 == 1) {
            k->p.temperature = 1.5f;
            k->p.top_p = 0.95f;
            k->p.repetition_penalty = 1.1f;
            k->p.seed = draw;
        }
    }
}

static void limit_pages(char *pair, size_t cap, const char *const *pairs, int32_t blocks)
{
    rig r;
    rig_open(&r, pairs, NULL);
    snprintf(pair, cap, "kv_bytes=%lld",
             (long long)(blocks * r.e->config.n_layers * r.e->kv.pool.page_bytes));
    rig_close(&r);
}

static void open_moods(crowd *c)
{
    static const struct {
        char        mood;
        const char *rows;
    } files[] = {{'n', "abc"}, {'n', "defghij"}, {'o', "abc"}, {'f', "xy"}, {'N', "xyz"}};
    for (int32_t i = 0; i < 5; i++)
        mood_item(c->r.e, files[i].mood, files[i].rows, &c->items[i]);
    c->n_items = 5;
    c->first_bad = 3;
}

void crowd_open(crowd *c, const char *const *pairs, const char *parity, int32_t blocks)
{
    const char *all[12];
    char        limit[64];
    int32_t     n = 0;
    memset(c, 0, sizeof *c);
    for (; pairs[n] != NULL; n++)
        all[n] = pairs[n];
    if (parity == NULL)
        all[n++] = "plugin=" WEFT_MOODS_PLUGIN;
    all[n] = NULL;
    if (blocks > 0) {
        limit_pages(limit, sizeof limit, all, blocks);
        all[n++] = limit;
        all[n] = NULL;
    }
    rig_open(&c->r, all, parity);
    if (parity == NULL)
        open_moods(c);
    else
        for (c->n_items = 0; c->n_items < (int32_t)c->r.n_items; c->n_items++)
            c->items[c->n_items] = c->r.items[c->n_items];
    if (parity != NULL)
        c->first_bad = c->n_items;
    make_kinds(c);
}

void crowd_close(crowd *c)
{
    for (int32_t i = 0; i < c->n_items && c->r.n_items == 0; i++)
        weft_item_release(&c->items[i]);
    rig_close(&c->r);
}

static void feed(crowd *c, weft_sequence *s, int32_t family, int32_t from, int32_t to)
{
    weft_error err = WF_ERROR_INIT;
    for (int32_t i = from; i < to; i++) {
        uint64_t state = (uint64_t)(family * 1000 + i);
        int32_t  id = (int32_t)(crowd_draw(&state) % (uint64_t)c->r.e->config.vocab);
        rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
    }
}

weft_sequence *crowd_begin(crowd *c, const kind *k, int32_t n)
{
    weft_sequence *s;
    weft_error     err = WF_ERROR_INIT;
    rig_check(weft_sequence_create(c->r.e, &s, &err), &err);
    feed(c, s, k->family, 0, n < k->n - k->tail ? n : k->n - k->tail);
    if (n == k->n)
        crowd_finish(c, k, s);
    return s;
}

void crowd_finish(crowd *c, const kind *k, weft_sequence *s)
{
    weft_error err = WF_ERROR_INIT;
    feed(c, s, k->family, (int32_t)s->n, k->n - k->tail);
    if (k->item >= 0)
        rig_check(weft_sequence_feed_item(s, c->items[k->item], &err), &err);
    feed(c, s, 10 + (int32_t)(k - c->kinds), 0, k->tail);
}

static void run_alone(crowd *c, kind *k, float *logits)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s = crowd_begin(c, k, k->n);
    weft_sampler  *sampler;
    s->no_cache = 1;
    rig_check(weft_sampler_create(s, &k->p, &sampler, &err), &err);
    for (k->n_new = 0; k->n_new < k->p.max_new_tokens; k->n_new++) {
        int32_t *id = &k->ids[k->n_new];
        k->status = weft_step(c->r.e, &s, 1, logits, &err);
        if (k->status != WEFT_OK)
            break;
        k->rows = (int32_t)s->n;
        rig_check(weft_sampler_pick(sampler, logits, s->n, id, &k->logprobs[k->n_new], &err), &err);
        weft_sampler_accept(sampler, *id);
        rig_check(weft_sequence_feed_ids(s, id, 1, &err), &err);
    }
    assert_true((k->status != WEFT_OK) == (k->item >= c->first_bad));
    weft_sampler_destroy(&sampler);
    weft_sequence_destroy(&s);
}

void crowd_alone(crowd *c)
{
    float *logits = malloc((size_t)c->r.e->config.vocab * sizeof *logits);
    for (int32_t i = 0; i < CROWD_KINDS; i++)
        run_alone(c, &c->kinds[i], logits);
    free(logits);
}

void crowd_check_pages(crowd *c)
{
    int64_t of_items = 0;
    wf_blocks_free(&c->r.e->blocks);
    for (const weft_item *it = c->r.e->items.list; it != NULL; it = it->next)
        for (uint32_t i = 0; i < it->plan.n_outputs; i++)
            if (it->kv[i].projected)
                of_items +=
                    (int64_t)it->kv[i].n_runs * c->r.e->hooks.streams[it->kv[i].stream].n_sites;
    assert_int_equal(c->r.e->kv.pool.n_used, of_items);
}
