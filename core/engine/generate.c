/* SPDX-License-Identifier: Apache-2.0 */
/* One generation, or one recording: a scheduler with one request. */
#include "core/engine/scheduler.h"

#include "core/base/sized.h"

typedef struct single {
    int32_t (*on_token)(void *ctx, const weft_token *t);
    void           *ctx;
    weft_generation g;
    weft_status     status;
    weft_error      why;
} single;

static int32_t pass_token(void *ctx, const weft_token *t)
{
    single *k = ctx;
    return k->on_token != NULL ? k->on_token(k->ctx, t) : 0;
}

static void keep_end(void *ctx, const weft_job_result *result)
{
    single *k = ctx;
    k->g = *result->generation;
    k->status = result->status;
    k->why = *result->error;
}

static weft_status run_single(weft_scheduler *one, const weft_job_request *rq, weft_error *err)
{
    int32_t     left = 1;
    weft_status status = weft_scheduler_add(one, rq, NULL, err);
    while (status == WEFT_OK && left > 0)
        status = weft_scheduler_step(one, &left, err);
    return status;
}

static weft_status generate(weft_sequence *s, const weft_sampling                     *p,
                            int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                            weft_generation *out, weft_error *err)
{
    single k = {.on_token = on_token, .ctx = ctx, .g = {.hdr = WEFT_HDR(weft_generation)}};
    weft_job_request rq = {WEFT_HDR(weft_job_request), s, p, pass_token, keep_end, &k};
    weft_scheduler  *one;
    weft_status      status = weft_scheduler_create(s->of->engine, NULL, &one, err);
    if (status != WEFT_OK)
        return status;
    status = run_single(one, &rq, err);
    weft_scheduler_destroy(&one);
    if (status == WEFT_OK && k.status != WEFT_OK) {
        status = wf_fail(err, k.status, "%s", k.why.message);
        wf_fail_stage(err, status, k.why.stage);
    }
    wf_give_sized(out, &k.g, sizeof k.g);
    return status;
}

weft_status weft_generate(weft_sequence *s, const weft_sampling                     *p,
                          int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                          weft_generation *out, weft_error *err)
{
    wf_scope   *scope = &s->of->engine->scope;
    wf_mark     before = wf_scope_begin(scope);
    weft_status status = generate(s, p, on_token, ctx, out, err);
    wf_scope_end(scope, &before);
    return status;
}

/* A recording on its own; the request's callbacks get the caller's own context. */
typedef struct recording {
    weft_long_request rq; /* the caller's, as much as there is of it */
    weft_item_info   *info;
    weft_status       status;
    weft_error        why;
} recording;

static int32_t pass_part(void *ctx, const weft_part_result *part)
{
    recording *k = ctx;
    return k->rq.on_part(k->rq.ctx, part);
}

static void pass_time(void *ctx, int64_t done_us, int64_t total_us)
{
    recording *k = ctx;
    k->rq.on_time(k->rq.ctx, done_us, total_us);
}

static void keep_long(void *ctx, const weft_long_result *result)
{
    recording *k = ctx;
    k->status = result->status;
    k->why = *result->error;
    if (result->info != NULL)
        wf_give_sized(k->info, result->info, sizeof *result->info);
}

static weft_status run_long(weft_scheduler *one, recording *k, const weft_sampling *p,
                            weft_error *err)
{
    weft_long_request rq = k->rq;
    int32_t           left = 1;
    rq.on_part = rq.on_part != NULL ? pass_part : NULL;
    rq.on_time = rq.on_time != NULL ? pass_time : NULL;
    rq.ctx = k;
    weft_status status = weft_scheduler_add_long(one, &rq, p, keep_long, NULL, err);
    while (status == WEFT_OK && left > 0)
        status = weft_scheduler_step(one, &left, err);
    return status;
}

weft_status weft_run_long(weft_engine *e, const weft_long_request *rq, const weft_sampling *p,
                          weft_item_info *info, weft_error *err)
{
    recording       k = {.info = info};
    weft_scheduler *one;
    wf_take_sized(&k.rq, sizeof k.rq, _Alignof(weft_long_request), rq);
    weft_status status = weft_scheduler_create(e, NULL, &one, err);
    if (status != WEFT_OK)
        return status;
    wf_mark before = wf_scope_begin(&e->scope);
    status = run_long(one, &k, p, err);
    weft_scheduler_destroy(&one);
    wf_scope_end(&e->scope, &before);
    if (status == WEFT_OK && k.status != WEFT_OK) {
        status = wf_fail(err, k.status, "%s", k.why.message);
        wf_fail_stage(err, status, k.why.stage);
    }
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
        .repeat_stop = (int32_t)wf_settings_i64(s, "repeat_stop"),
    };
    wf_give_sized(out, &from, sizeof from);
}
