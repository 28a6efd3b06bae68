/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass alone, for several sequences at once. */
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/engine.h"

/* Several sequences on their way to the logits of their last tokens. */
typedef struct together {
    weft_engine          *e;
    weft_sequence *const *s;
    uint32_t              n, n_left; /* n_left: those that have rows to run and have not failed */
    wf_step_part         *parts;     /* of one step */
    uint32_t             *of_part;   /* which sequence a part is of */
    bool                 *failed;
    float                *scratch; /* logits of one step */
    weft_status           status;  /* of the first that failed */
} together;

/* Rows of all sequences, as many as one step takes. */
static int32_t fill_parts(together *r)
{
    int64_t room = r->e->prefill_chunk;
    int32_t n_parts = 0;
    for (uint32_t i = 0; i < r->n && room > 0; i++) {
        int64_t left = r->s[i]->n - r->s[i]->n_done, take = left < room ? left : room;
        if (take == 0 || r->failed[i])
            continue;
        r->of_part[n_parts] = i;
        r->parts[n_parts++] =
            (wf_step_part){.seq = r->s[i], .n_rows = take, .n_out = take == left ? 1 : 0};
        room -= take;
    }
    return n_parts;
}

/* One step; a sequence whose part fails takes no more part, and the first failure is told. */
static weft_status step_round(together *r, float *logits, weft_error *err)
{
    size_t      vocab = (size_t)r->e->config.vocab;
    int32_t     n_parts = fill_parts(r);
    weft_status status = wf_step_run(&r->e->stepper, r->parts, n_parts, r->scratch, NULL, err);
    for (int32_t i = 0; i < n_parts && status == WEFT_OK; i++) {
        const wf_step_part *p = &r->parts[i];
        uint32_t            k = r->of_part[i];
        if (p->status != WEFT_OK && r->status == WEFT_OK) {
            r->status = wf_fail(err, p->status, "%s", p->why.message);
            wf_fail_stage(err, r->status, p->why.stage);
        }
        r->failed[k] = p->status != WEFT_OK;
        if (p->status == WEFT_OK && p->n_out == 1)
            memcpy(logits + k * vocab, r->scratch + (size_t)p->first_out * vocab,
                   vocab * sizeof *logits);
        r->n_left -= r->failed[k] || p->n_out == 1;
    }
    return status;
}

static weft_status round_open(together *r, weft_error *err)
{
    size_t rows = r->n < (uint32_t)r->e->prefill_chunk ? r->n : (size_t)r->e->prefill_chunk;
    size_t vocab = (size_t)r->e->config.vocab;
    r->parts = wf_zalloc_n(r->n + 1u, sizeof *r->parts);
    r->of_part = wf_zalloc_n(r->n + 1u, sizeof *r->of_part);
    r->failed = wf_zalloc_n(r->n + 1u, sizeof *r->failed);
    r->scratch = wf_zalloc_n(rows * vocab + 1, sizeof *r->scratch);
    if (r->parts == NULL || r->of_part == NULL || r->failed == NULL || r->scratch == NULL)
        return wf_fail_nomem(err, rows * vocab * sizeof *r->scratch, "a step's logits");
    return WEFT_OK;
}

static weft_status check_sequences(const weft_engine *e, weft_sequence *const *s, uint32_t n,
                                   weft_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (s[i]->of != &e->sequences || s[i]->n_done == s[i]->n)
            return wf_fail(err, WEFT_E_INVALID, "sequence %u has nothing to run", i);
        for (uint32_t k = 0; k < i; k++)
            if (s[k] == s[i])
                return wf_fail(err, WEFT_E_INVALID, "sequence %u is given twice", i);
    }
    return WEFT_OK;
}

weft_status weft_step(weft_engine *e, weft_sequence *const *s, uint32_t n, float *logits,
                      weft_error *err)
{
    together    r = {.e = e, .s = s, .n = n, .n_left = n};
    weft_status status = check_sequences(e, s, n, err);
    if (status != WEFT_OK)
        return status;
    wf_mark before = wf_scope_begin(&e->scope);
    status = round_open(&r, err);
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++)
        wf_sequence_reuse(s[i]);
    while (status == WEFT_OK && r.n_left > 0) {
        status = wf_scope_check(&e->scope, err);
        if (status == WEFT_OK)
            status = step_round(&r, logits, err);
    }
    wf_scope_end(&e->scope, &before);
    wf_free(r.parts);
    wf_free(r.of_part);
    wf_free(r.failed);
    wf_free(r.scratch);
    return status == WEFT_OK ? r.status : status;
}
