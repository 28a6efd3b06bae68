/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the text core. Prompts are of random tokens and no two are the same, so that nothing is
 * taken from K/V of another. */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#define PROMPT 16 /* tokens before those that are timed */
#define ANSWER 17 /* tokens of a run: the time from the first to the last is that of 16 */
#define DEEP_ANSWER 9
#define BATCH_STEPS 4
#define BATCH_MOST 32

static weft_status feed_random(bench *b, weft_sequence *s, int32_t n, int32_t vocab,
                               weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < n && status == WEFT_OK; i++) {
        b->seed = b->seed * 1664525u + 1013904223u; /* Numerical Recipes, 7.1 */
        int32_t id = (int32_t)((b->seed >> 4) % (uint32_t)vocab);
        status = weft_sequence_feed_ids(s, &id, 1, err);
    }
    return status;
}

/* What a row of the text core is measured with. */
typedef struct text_run {
    bench             *b;
    const bench_row   *row;
    const bench_shape *shape;
    weft_engine_info   info;
    weft_sequence     *s; /* kept between runs */
    weft_sequence     *batch[BATCH_MOST];
    float             *logits;
    double             first, last; /* when those tokens came */
    int32_t            n_tokens, answer;
} text_run;

static weft_status begin(bench *b, const bench_row *r, text_run *t, bench_sample *out,
                         weft_error *err)
{
    const bench_shape *s = bench_row_shape(b, r);
    weft_status        status = bench_open(b, s, r->format, 1, err);
    *t = (text_run){.b = b, .row = r, .shape = s, .info.hdr = WEFT_HDR(weft_engine_info)};
    if (status == WEFT_OK)
        status = weft_engine_describe(b->engine, &t->info, err);
    if (status != WEFT_OK)
        return status;
    out->isa = t->info.isa;
    out->threads = t->info.n_threads;
    out->layers = t->info.n_layers;
    out->peak = weft_bench_peak(b->engine);
    return WEFT_OK;
}

/* Bytes that a step reads: all weights as they are held but an embedding that is not the head, of
 * which a row is read, and the keys and values of depth tokens. */
static double step_bytes(const text_run *t, double depth, double sequences)
{
    const weft_engine_info *i = &t->info;
    double                  table = (double)i->vocab * i->d_model;
    double                  weights =
        (double)i->weight_bytes * (1 - (i->tied ? 0 : table / (double)i->core_parameters));
    return weights + sequences * depth * (double)i->kv_bytes / i->context;
}

/* The same of the whole shape, at the bytes that a parameter has here. */
static double full_step_bytes(const text_run *t, double depth, double sequences)
{
    const bench_shape *s = t->shape;
    double             each = (double)t->info.weight_bytes / (double)t->info.core_parameters;
    double read = bench_parameters(s, s->n_layers) - (s->tied ? 0 : (double)s->vocab * s->d_model);
    double kv = (double)t->info.kv_bytes / t->info.context * s->n_layers / t->info.n_layers;
    return each * read + sequences * depth * kv;
}

static int32_t on_token(void *ctx, const weft_token *token)
{
    text_run *t = ctx;
    (void)token;
    t->last = bench_now();
    if (t->n_tokens++ == 0)
        t->first = t->last;
    return 0;
}

/* Seconds of a token of an answer to what was fed to s. */
static weft_status answer(text_run *t, weft_sequence *s, double *seconds, weft_error *err)
{
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling   greedy = {.hdr = WEFT_HDR(weft_sampling),
                              .top_p = 1,
                              .repetition_penalty = 1,
                              .max_new_tokens = t->answer};
    t->n_tokens = 0;
    weft_status status = weft_generate(s, &greedy, on_token, t, &g, err);
    if (status == WEFT_OK && t->n_tokens < 2) {
        strcpy(err->message, "the context is too short for what is measured");
        status = err->code = WEFT_E_LIMIT;
    }
    if (status == WEFT_OK)
        *seconds = (t->last - t->first) / (t->n_tokens - 1);
    return status;
}

/* ---- generation ---- */

static weft_status once_generation(void *ctx, double *seconds, weft_error *err)
{
    text_run      *t = ctx;
    weft_sequence *s;
    weft_status    status = weft_sequence_create(t->b->engine, &s, err);
    if (status == WEFT_OK)
        status = feed_random(t->b, s, PROMPT, t->info.vocab, err);
    if (status == WEFT_OK)
        status = answer(t, s, seconds, err);
    weft_sequence_destroy(&s);
    return status;
}

weft_status bench_generation(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    text_run    t;
    double      depth = PROMPT + ANSWER / 2.0;
    weft_status status = begin(b, r, &t, out, err);
    t.answer = ANSWER;
    if (status == WEFT_OK)
        status = bench_repeat(b, once_generation, &t, out, err);
    if (status != WEFT_OK)
        return status;
    out->bytes = step_bytes(&t, depth, 1);
    out->full_bytes = full_step_bytes(&t, depth, 1);
    out->amount = 1;
    out->unit = "tokens/s";
    return WEFT_OK;
}

/* ---- prefill ---- */

static weft_status once_prefill(void *ctx, double *seconds, weft_error *err)
{
    text_run      *t = ctx;
    weft_sequence *s;
    weft_status    status = weft_sequence_create(t->b->engine, &s, err);
    if (status == WEFT_OK)
        status = feed_random(t->b, s, (int32_t)t->row->argument, t->info.vocab, err);
    double start = bench_now();
    if (status == WEFT_OK)
        status = weft_step(t->b->engine, &s, 1, t->logits, err);
    *seconds = bench_now() - start;
    weft_sequence_destroy(&s);
    return status;
}

static weft_status logits_alloc(text_run *t, size_t sequences, weft_error *err)
{
    t->logits = calloc((size_t)t->info.vocab * sequences, sizeof *t->logits);
    if (t->logits != NULL)
        return WEFT_OK;
    strcpy(err->message, "out of memory for logits");
    return err->code = WEFT_E_NOMEM;
}

weft_status bench_prefill(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    text_run    t;
    weft_status status = begin(b, r, &t, out, err);
    if (status == WEFT_OK)
        status = logits_alloc(&t, 1, err);
    if (status == WEFT_OK)
        status = bench_repeat(b, once_prefill, &t, out, err);
    free(t.logits);
    out->flop = bench_prefill_flop(t.shape, out->layers, r->argument);
    out->full_flop = bench_prefill_flop(t.shape, t.shape->n_layers, r->argument);
    out->amount = r->argument;
    out->unit = "tokens/s";
    return status;
}

/* ---- generation behind a long text ---- */

static weft_status once_deep(void *ctx, double *seconds, weft_error *err)
{
    text_run   *t = ctx;
    weft_status status = weft_sequence_truncate(t->s, (int64_t)t->row->argument, err);
    if (status == WEFT_OK)
        status = feed_random(t->b, t->s, 1, t->info.vocab, err);
    return status == WEFT_OK ? answer(t, t->s, seconds, err) : status;
}

weft_status bench_decode(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    text_run    t;
    weft_status status = begin(b, r, &t, out, err);
    t.answer = DEEP_ANSWER;
    if (status == WEFT_OK)
        status = logits_alloc(&t, 1, err);
    if (status == WEFT_OK)
        status = weft_sequence_create(b->engine, &t.s, err);
    if (status == WEFT_OK)
        status = feed_random(b, t.s, (int32_t)r->argument, t.info.vocab, err);
    if (status == WEFT_OK)
        status = weft_step(b->engine, &t.s, 1, t.logits, err);
    if (status == WEFT_OK)
        status = bench_repeat(b, once_deep, &t, out, err);
    weft_sequence_destroy(&t.s);
    free(t.logits);
    if (status != WEFT_OK)
        return status;
    out->bytes = step_bytes(&t, r->argument, 1);
    out->full_bytes = full_step_bytes(&t, r->argument, 1);
    out->amount = 1;
    out->unit = "tokens/s";
    return WEFT_OK;
}

/* ---- several sequences in one step ---- */

static weft_status once_batch(void *ctx, double *seconds, weft_error *err)
{
    text_run   *t = ctx;
    uint32_t    n = (uint32_t)t->row->argument;
    weft_status status = WEFT_OK;
    *seconds = 0;
    for (int step = 0; step < BATCH_STEPS && status == WEFT_OK; step++) {
        for (uint32_t i = 0; i < n && status == WEFT_OK; i++)
            status = feed_random(t->b, t->batch[i], 1, t->info.vocab, err);
        double start = bench_now();
        if (status == WEFT_OK)
            status = weft_step(t->b->engine, t->batch, n, t->logits, err);
        *seconds += (bench_now() - start) / BATCH_STEPS;
    }
    return status;
}

static weft_status batch_begin(text_run *t, weft_error *err)
{
    uint32_t    n = (uint32_t)t->row->argument;
    weft_status status = logits_alloc(t, n, err);
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        status = weft_sequence_create(t->b->engine, &t->batch[i], err);
        if (status == WEFT_OK)
            status = feed_random(t->b, t->batch[i], PROMPT, t->info.vocab, err);
    }
    return status == WEFT_OK ? weft_step(t->b->engine, t->batch, n, t->logits, err) : status;
}

weft_status bench_batch(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    text_run    t;
    double      n = r->argument, depth = PROMPT;
    weft_status status = begin(b, r, &t, out, err);
    if (status == WEFT_OK)
        status = batch_begin(&t, err);
    if (status == WEFT_OK)
        status = bench_repeat(b, once_batch, &t, out, err);
    for (int i = 0; i < BATCH_MOST; i++)
        weft_sequence_destroy(&t.batch[i]);
    free(t.logits);
    if (status != WEFT_OK)
        return status;
    out->bytes = step_bytes(&t, depth, n);
    out->full_bytes = full_step_bytes(&t, depth, n);
    out->flop = n * bench_token_flop(t.shape, out->layers, depth);
    out->full_flop = n * bench_token_flop(t.shape, t.shape->n_layers, depth);
    out->amount = n;
    out->unit = "tokens/s";
    return WEFT_OK;
}

/* ---- loading ---- */

static weft_status once_load(void *ctx, double *seconds, weft_error *err)
{
    text_run *t = ctx;
    bench_close(t->b);
    double      start = bench_now();
    weft_status status = bench_open(t->b, t->shape, t->row->format, 1, err);
    *seconds = bench_now() - start;
    return status;
}

/* GB of weights as stored, a second; against reading a file out of the page cache. */
weft_status bench_load(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    text_run    t;
    weft_status status = begin(b, r, &t, out, err);
    double      stored = 2.0 * (double)t.info.core_parameters;
    out->isa = NULL;
    out->peak = "read.file";
    if (status == WEFT_OK)
        status = bench_repeat(b, once_load, &t, out, err);
    out->flop = out->full_flop = stored;
    out->amount = stored * 1e-9;
    out->unit = "GB/s";
    return status;
}
