/* SPDX-License-Identifier: Apache-2.0 */
/* A step: rows of many sequences become the tables of one batch, one upload, one forward pass. */
#include "core/sequence/step.h"

#include <math.h>
#include <string.h>

#include "core/base/exponential.h"
#include "core/base/mem.h"

/* One forward pass over n parts of the step, which fit the tables together. logits is where the
 * rows of this pass begin in the caller's array. */
static weft_status run_parts(wf_stepper *st, wf_step_part **parts, int32_t n, float *logits,
                             float *hidden, int32_t *n_best, weft_error *err)
{
    wf_tables_use use;
    weft_status   status =
        wf_tables_fill(&st->tables, parts, n, st->config->d_model, st->queue, &use, err);
    if (status == WEFT_OK) {
        use.batch.logits = logits;
        use.batch.hidden = hidden;
        status = wf_decoder_run(st->decoder, &use.batch, err);
    }
    weft_status waited = wf_queue_wait(st->queue, status == WEFT_OK ? err : NULL);
    *n_best = use.batch.n_best;
    wf_tables_done(&use);
    return status == WEFT_OK ? waited : status;
}

weft_status wf_step_prepare(weft_sequence *s, int64_t n_rows, weft_error *err)
{
    int64_t     end = s->n_done + n_rows;
    weft_status status = WEFT_OK;
    for (int32_t k = 0; k < s->n_items && s->items[k].pos < end && status == WEFT_OK; k++)
        status = wf_item_project(s->items[k].item, err);
    return status == WEFT_OK ? wf_sequence_reserve(s, end, err) : status;
}

/* Adds to the n items of list those that a part's rows see and that have not been encoded, each
 * once. Returns how many items list then has. */
static uint32_t add_waiting(const wf_step_part *part, weft_item **list, uint32_t n)
{
    const weft_sequence *s = part->seq;
    int64_t              end = s->n_done + part->n_rows;
    for (int32_t k = 0; k < s->n_items && s->items[k].pos < end && n < WF_ENCODE_BATCH; k++) {
        bool known = s->items[k].item->encoded != 0;
        for (uint32_t i = 0; i < n && !known; i++)
            known = list[i] == s->items[k].item;
        if (!known)
            list[n++] = s->items[k].item;
    }
    return n;
}

/* Encodes the media that the rows of all parts wait for, so that an encoder gets as many items in a
 * call as there are. */
static void encode_waiting(const wf_step_part *parts, int32_t n_parts)
{
    weft_item *list[WF_ENCODE_BATCH];
    uint32_t   n = 0;
    for (int32_t i = 0; i < n_parts; i++)
        n = add_waiting(&parts[i], list, n);
    wf_items_encode_ahead(list, n);
}

/* Gives every part its status so far; ready gets those that can run. Returns how many they are. */
static int32_t prepare(wf_stepper *st, wf_step_part *parts, int32_t n_parts, wf_step_part **ready)
{
    int32_t  n = 0;
    uint64_t now = wf_kv_tick(st->budget);
    for (int32_t i = 0; i < n_parts; i++)
        wf_sequence_use(parts[i].seq, now);
    encode_waiting(parts, n_parts);
    for (int32_t i = 0; i < n_parts; i++) {
        wf_step_part *p = &parts[i];
        p->why = (weft_error)WF_ERROR_INIT;
        p->status = wf_step_prepare(p->seq, p->n_rows, &p->why);
        if (p->status == WEFT_OK)
            ready[n++] = p;
        else
            wf_sequence_trim(p->seq); /* gives back pages that other parts may need */
    }
    return n;
}

static weft_status unsound(const wf_stepper *st, bool is_nan, weft_error *err)
{
    return wf_fail(err, WEFT_E_NUMERIC, "%s: the logits hold %s: the model's weights are damaged",
                   st->model, is_nan ? "NaN" : "infinity");
}

/* Refuses the n logits at v where one is NaN or infinite: only damaged weights give such. */
static weft_status check_logits(const wf_stepper *st, const float *v, int64_t n, weft_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return unsound(st, isnan(v[i]), err);
    return WEFT_OK;
}

/* What a pass gives in place of logits: for each output row its n_best likeliest tokens, in the
 * order of the parts. */
typedef struct bests {
    wf_row_best *rows;
    int32_t      n_best, reserved;
    int64_t      at;       /* the first row of the part that is looked at */
    int64_t      n_logits; /* rows of the pass whose logits came back whole; they stand first */
} bests;

/* The likeliest tokens of a part's n_out rows. */
static weft_status take_best(const wf_stepper *st, const bests *b, wf_step_part *p)
{
    for (int64_t i = 0; i < p->n_out; i++) {
        const wf_row_best *r = wf_row_best_at(b->rows, b->n_best, b->at + i);
        if (r->unsound != 0)
            return unsound(st, r->unsound > 0, &p->why);
        if (p->likeliest == NULL) {
            memcpy(p->tokens->best, r->best, sizeof p->tokens->best);
            p->tokens->sum = r->sum;
            p->tokens->row = b->n_logits + b->at;
            continue;
        }
        p->likeliest[i].id = r->best[0].id;
        p->likeliest[i].logprob = wf_log_probability(r->best[0].x, r->best[0].x, r->sum);
    }
    return WEFT_OK;
}

/* The part's rows have run: the sequence advances over them if their logits are sound. Rows without
 * logits need no look of their own, since a later row that has logits attends to them. */
static void finish_part(const wf_stepper *st, wf_step_part *p, const float *logits, const bests *b)
{
    int64_t vocab = st->config->vocab;
    if (p->n_out > 0)
        p->status = wf_part_is_whole(p)
                        ? check_logits(st, logits + p->first_out * vocab, p->n_out * vocab, &p->why)
                        : take_best(st, b, p);
    if (p->status != WEFT_OK) {
        wf_sequence_trim(p->seq);
        return;
    }
    wf_sequence_advance(p->seq, p->seq->n_done + p->n_rows);
    if (p->n_out > 0)
        wf_sequence_offer(p->seq);
}

/* Fails a part that does not fit the tables even alone. */
static void too_many_blocks(wf_step_part *p)
{
    p->status = wf_fail(&p->why, WEFT_E_LIMIT,
                        "a sequence shows more blocks of media than a step has room for "
                        "(--kv-bytes raises it)");
    wf_sequence_trim(p->seq);
}

/* Runs as many of the first parts as fit one pass. *done gets their number. *first_out counts the
 * rows whose logits come back whole, over all passes. */
static weft_status run_pass(wf_stepper *st, wf_step_part **parts, int32_t n, float *logits,
                            float *hidden, int32_t *done, int64_t *first_out, weft_error *err)
{
    int64_t before = *first_out, vocab = st->config->vocab;
    *done = wf_tables_fit(&st->tables, parts, n);
    if (*done == 0) {
        too_many_blocks(parts[(*done)++]);
        return WEFT_OK;
    }
    for (int32_t i = 0; i < *done; i++) {
        parts[i]->first_out = *first_out;
        *first_out += wf_part_is_whole(parts[i]) ? parts[i]->n_out : 0;
    }
    bests       b = {.rows = st->tables.best, .n_logits = *first_out - before};
    float      *mine = logits != NULL ? logits + before * vocab : NULL;
    weft_status status = run_parts(st, parts, *done, mine, hidden, &b.n_best, err);
    for (int32_t i = 0; i < *done && status == WEFT_OK; i++) {
        finish_part(st, parts[i], logits, &b);
        b.at += wf_part_is_whole(parts[i]) ? 0 : parts[i]->n_out;
    }
    return status;
}

static void fail_rest(wf_step_part **parts, int32_t n, const weft_error *why)
{
    for (int32_t i = 0; i < n; i++) {
        parts[i]->status = why->code;
        parts[i]->why = *why;
        wf_sequence_trim(parts[i]->seq);
    }
}

/* Decides whether logits may stay on the device. They are overwritten by the next pass, and by the
 * next max_out rows of the same pass; where either comes before a part's logits were asked for, all
 * logits are downloaded. */
static void keep_or_fetch(const wf_stepper *st, wf_step_part **parts, int32_t n)
{
    int64_t outs = 0;
    for (int32_t i = 0; i < n; i++)
        outs += parts[i]->n_out;
    bool kept = outs <= st->decoder->max_out && wf_tables_fit(&st->tables, parts, n) == n;
    for (int32_t i = 0; i < n; i++)
        parts[i]->whole = !kept && parts[i]->tokens != NULL;
}

weft_status wf_step_logits(wf_stepper *st, const wf_best_tokens *tokens, float *logits,
                           weft_error *err)
{
    weft_status status = wf_decoder_logits(st->decoder, tokens->row, logits, err);
    weft_status waited = wf_queue_wait(st->queue, status == WEFT_OK ? err : NULL);
    return status == WEFT_OK ? waited : status;
}

/* Runs all parts in as many passes as the room in the tables asks for, which is one unless there
 * are very many or very long sequences. */
static weft_status run_ready(wf_stepper *st, wf_step_part **ready, int32_t n, float *logits,
                             float *hidden, weft_error *err)
{
    int64_t     first_out = 0, context = ready[0]->seq->of->context;
    weft_error  why = WF_ERROR_INIT;
    weft_status status =
        wf_tables_reserve(&st->tables, st->device, st->sites, st->decoder->max_rows, context,
                          st->budget->pool.max_pages, &why);
    int32_t done = 0, part = 0;
    if (status == WEFT_OK)
        keep_or_fetch(st, ready, n);
    for (; done < n && status == WEFT_OK; done += part) {
        status = run_pass(st, ready + done, n - done, logits, hidden, &part, &first_out, &why);
        if (status != WEFT_OK)
            break;
    }
    if (status == WEFT_OK)
        return WEFT_OK;
    fail_rest(ready + done, n - done, &why);
    return done > 0 ? WEFT_OK : wf_fail(err, status, "%s", why.message);
}

weft_status wf_step_run(wf_stepper *st, wf_step_part *parts, int32_t n_parts, float *logits,
                        float *hidden, weft_error *err)
{
    wf_step_part **ready = wf_zalloc_n((size_t)n_parts + 1, sizeof(*ready));
    if (ready == NULL)
        return wf_fail_nomem(err, (uint64_t)n_parts * sizeof(*ready), "a step's parts");
    int32_t     n = prepare(st, parts, n_parts, ready);
    weft_status status = n > 0 ? run_ready(st, ready, n, logits, hidden, err) : WEFT_OK;
    wf_free(ready);
    return status;
}

weft_status wf_step_one(wf_stepper *st, weft_sequence *seq, int64_t n_rows, int64_t n_out,
                        float *logits, float *hidden, weft_error *err)
{
    wf_step_part part = {.seq = seq, .n_rows = n_rows, .n_out = n_out};
    weft_status  status = wf_step_run(st, &part, 1, logits, hidden, err);
    if (status != WEFT_OK || part.status == WEFT_OK)
        return status;
    wf_fail(err, part.status, "%s", part.why.message);
    return wf_fail_stage(err, part.status, part.why.stage);
}

void wf_stepper_free(wf_stepper *st)
{
    wf_tables_free(&st->tables);
    memset(st, 0, sizeof *st);
}
