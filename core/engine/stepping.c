/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler and the text of weft_generate, for programs that call weft_step themselves. */
#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/engine/scheduler.h"

weft_status weft_sampler_create(const weft_sequence *s, const weft_sampling *p, weft_sampler **out,
                                weft_error *err)
{
    WF_TAKE(weft_sampling, q, p);
    wf_sampler_params params = {q.temperature,        q.top_k, q.top_p, q.min_p,
                                q.repetition_penalty, q.seed};
    *out = NULL;
    weft_status status = wf_sampler_create(&params, s->of->config->vocab, out, err);
    for (int64_t i = 0; i < s->n && status == WEFT_OK; i++)
        if (s->toks[i].item < 0)
            wf_sampler_accept(*out, s->toks[i].id);
    return status;
}

void weft_sampler_destroy(weft_sampler **s)
{
    wf_sampler_destroy(s);
}

weft_status weft_sampler_pick(weft_sampler *s, const float *logits, int64_t position, int32_t *id,
                              float *logprob, weft_error *err)
{
    return wf_sampler_pick(s, logits, position, id, logprob, err);
}

void weft_sampler_accept(weft_sampler *s, int32_t id)
{
    wf_sampler_accept(s, id);
}

int32_t weft_token_stops(weft_engine *e, int32_t id)
{
    (void)wf_engine_text(e, NULL);
    return wf_text_is_stop(&e->text, id);
}

weft_status weft_text_stream_create(weft_engine *e, weft_text_stream **out, weft_error *err)
{
    *out = NULL;
    weft_status status = wf_engine_text(e, err);
    if (status != WEFT_OK)
        return status;
    weft_text_stream *t = wf_zalloc(sizeof *t);
    if (t == NULL)
        return wf_fail_nomem(err, sizeof *t, "a stream of text");
    t->text = &e->text;
    *out = t;
    return WEFT_OK;
}
