/* SPDX-License-Identifier: Apache-2.0 */
/* Prefill in chunks, then one token at a time. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/base/sized.h"
#include "core/base/time.h"
#include "core/engine/engine.h"
#include "core/text/sampler.h"
#include "core/text/text_out.h"

/* Everything fed to s but not run, in chunks; logits [vocab] of the last token. */
static weft_status prefill(weft_sequence *s, float *logits, weft_error *err)
{
    weft_engine *e = s->of->engine;
    int64_t      start;
    weft_status  status = WEFT_OK;
    wf_sequence_reuse(s);
    start = s->n_done;
    while (s->n_done < s->n && status == WEFT_OK) {
        int64_t left = s->n - s->n_done;
        int64_t rows = left < e->prefill_chunk ? left : e->prefill_chunk;
        wf_progress_tell(&e->progress, "prefill", (uint64_t)(s->n_done - start),
                         (uint64_t)(s->n - start), "tokens");
        status = wf_scope_check(&e->scope, err);
        if (status == WEFT_OK)
            status = wf_step_one(&e->stepper, s, rows, rows == left ? 1 : 0, logits, NULL, err);
    }
    return status;
}

/* One generation in progress. */
typedef struct run {
    weft_sequence *s;
    wf_sampler    *sampler;
    float         *logits;
    wf_text_out    text;
    int32_t (*on_token)(void *ctx, const weft_token *t);
    void *ctx;
    bool  enough; /* the callback said so */
} run;

static weft_status token_bytes(run *r, int32_t id, const char **text, uint64_t *n, weft_error *err)
{
    char         small[256];
    char        *bytes = small;
    uint64_t     need = 0;
    weft_engine *e = r->s->of->engine;
    weft_status  status = wf_text_decode(&e->text, &id, 1, small, sizeof small, &need, err);
    if (status == WEFT_OK && need > sizeof small) {
        if ((bytes = wf_alloc((size_t)need)) == NULL)
            return wf_fail_nomem(err, need, "a token's text");
        uint64_t cap = need;
        status = wf_text_decode(&e->text, &id, 1, bytes, cap, &need, err);
        need = need < cap ? need : cap;
    }
    if (status == WEFT_OK)
        status = wf_text_out_push(&r->text, bytes, need, text, n, err);
    if (bytes != small)
        wf_free(bytes);
    return status;
}

static weft_status tell(run *r, int32_t id, bool stop, float logprob, weft_error *err)
{
    weft_token t = {
        .hdr = WEFT_HDR(weft_token), .id = id, .is_stop = stop, .text = "", .logprob = logprob};
    weft_status status = WEFT_OK;
    if (stop)
        status = wf_text_out_flush(&r->text, &t.text, &t.text_bytes, err);
    else if (r->s->of->engine->text.tokens.vt != NULL)
        status = token_bytes(r, id, &t.text, &t.text_bytes, err);
    if (status == WEFT_OK && r->on_token != NULL)
        r->enough = r->on_token(r->ctx, &t) != 0;
    return status;
}

static weft_status decode_one(run *r, weft_generation *out, weft_error *err)
{
    weft_engine *e = r->s->of->engine;
    int32_t      id = 0;
    float        logprob = 0;
    weft_status  status = wf_sampler_pick(r->sampler, r->logits, r->s->n, &id, &logprob, err);
    if (status != WEFT_OK)
        return status;
    out->stopped = wf_text_is_stop(&e->text, id);
    out->sum_logprob += (double)logprob;
    status = tell(r, id, out->stopped != 0, logprob, err);
    if (status != WEFT_OK || out->stopped)
        return status;
    wf_sampler_accept(r->sampler, id);
    status = weft_sequence_feed_ids(r->s, &id, 1, err);
    out->n_new++;
    return status;
}

static weft_status decode_all(run *r, int32_t max_new, weft_generation *out, weft_error *err)
{
    weft_engine *e = r->s->of->engine;
    weft_status  status = WEFT_OK;
    while (status == WEFT_OK && out->n_new < max_new && !r->enough) {
        if (r->s->n >= e->context)
            break;
        status = decode_one(r, out, err);
        if (status != WEFT_OK || out->stopped || r->enough || out->n_new == max_new)
            break;
        status = wf_scope_check(&e->scope, err);
        if (status == WEFT_OK)
            status = wf_step_one(&e->stepper, r->s, 1, 1, r->logits, NULL, err);
    }
    if (status == WEFT_OK && !out->stopped) { /* nothing of a half character is lost */
        const char *text;
        uint64_t    n;
        status = wf_text_out_flush(&r->text, &text, &n, err);
        weft_token t = {.hdr = WEFT_HDR(weft_token), .id = -1, .text = text, .text_bytes = n};
        if (status == WEFT_OK && n > 0 && r->on_token != NULL)
            (void)r->on_token(r->ctx, &t);
    }
    return status;
}

static weft_status run_open(run *r, const weft_sampling *p, weft_error *err)
{
    wf_sampler_params sp = {p->temperature,        p->top_k, p->top_p, p->min_p,
                            p->repetition_penalty, p->seed};
    uint64_t          vocab = (uint64_t)r->s->of->engine->config.vocab;
    weft_status status = wf_sampler_create(&sp, r->s->of->engine->config.vocab, &r->sampler, err);
    if (status != WEFT_OK)
        return status;
    for (int64_t i = 0; i < r->s->n; i++)
        if (r->s->toks[i].item < 0)
            wf_sampler_accept(r->sampler, r->s->toks[i].id);
    r->logits = wf_alloc_aligned(vocab * sizeof *r->logits);
    return r->logits != NULL ? WEFT_OK : wf_fail_nomem(err, vocab * sizeof *r->logits, "logits");
}

weft_status wf_generate(weft_sequence *s, const weft_sampling                     *sampling,
                        int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                        weft_generation *out, weft_error *err)
{
    WF_TAKE(weft_sampling, taken, sampling);
    const weft_sampling *p = &taken;
    run                  r = {.s = s, .on_token = on_token, .ctx = ctx};
    weft_generation      g = {.hdr = WEFT_HDR(weft_generation)};
    double               start = wf_now_s();
    if (s->n == s->n_done)
        return wf_fail(err, WEFT_E_STATE, "nothing was fed since the last generation");
    /* Without a tokenizer there is no text, and no stop token. */
    (void)wf_engine_text(s->of->engine, NULL);
    weft_status status = run_open(&r, p, err);
    g.n_prompt = (int32_t)s->n;
    if (status == WEFT_OK)
        status = prefill(s, r.logits, err);
    g.n_cached = s->n_cached;
    g.prefill_s = wf_now_s() - start;
    start = wf_now_s();
    if (status == WEFT_OK)
        status = decode_all(&r, p->max_new_tokens, &g, err);
    g.decode_s = wf_now_s() - start;
    wf_sampler_destroy(&r.sampler);
    wf_free_aligned(r.logits);
    wf_text_out_free(&r.text);
    wf_give_sized(out, &g, sizeof g);
    return status;
}

weft_status weft_generate(weft_sequence *s, const weft_sampling                     *p,
                          int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                          weft_generation *out, weft_error *err)
{
    wf_scope   *scope = &s->of->engine->scope;
    wf_mark     before = wf_scope_begin(scope);
    weft_status status = wf_generate(s, p, on_token, ctx, out, err);
    wf_scope_end(scope, &before);
    return status;
}

void weft_sampling_from_settings(const weft_settings *s, weft_sampling *out)
{
    const weft_sampling from = {
        .hdr = WEFT_HDR(weft_sampling),
        .temperature = (float)wf_settings_f64(s, "temperature"),
        .top_p = (float)wf_settings_f64(s, "top_p"),
        .min_p = (float)wf_settings_f64(s, "min_p"),
        .repetition_penalty = (float)wf_settings_f64(s, "repetition_penalty"),
        .top_k = (int32_t)wf_settings_i64(s, "top_k"),
        .max_new_tokens = (int32_t)wf_settings_i64(s, "max_new_tokens"),
        .seed = (uint64_t)wf_settings_i64(s, "seed"),
    };
    wf_give_sized(out, &from, sizeof from);
}
