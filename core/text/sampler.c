/* SPDX-License-Identifier: Apache-2.0 */
/* From logits to one token. All three filters keep a head of the tokens sorted by falling logit, so
 * one heap serves them: it is popped until the first filter says stop. */
#include "core/text/sampling.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

/* NaN fails every comparison, so it is out of range too. */
static weft_status range_check(const char *option, float v, float low, float high, weft_error *err)
{
    if (v >= low && v <= high)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID, "%s is %g and must be from %g to %g", option, (double)v,
                   (double)low, (double)high);
}

static weft_status params_check(const wf_sampler_params *p, weft_error *err)
{
    weft_status status = range_check("--temperature", p->temperature, 0.0f, 100.0f, err);
    if (status == WEFT_OK)
        status = range_check("--top-p", p->top_p, 0.0f, 1.0f, err);
    if (status == WEFT_OK)
        status = range_check("--min-p", p->min_p, 0.0f, 1.0f, err);
    if (status == WEFT_OK)
        status = range_check("--repetition-penalty", p->repetition_penalty, 0.01f, 100.0f, err);
    if (status == WEFT_OK && p->top_k < 0)
        status = wf_fail(err, WEFT_E_INVALID, "--top-k is %d and must be 0 or more", p->top_k);
    return status;
}

weft_status wf_sampler_create(const wf_sampler_params *params, int32_t vocab, wf_sampler **out,
                              weft_error *err)
{
    *out = NULL;
    weft_status status = params_check(params, err);
    if (status != WEFT_OK)
        return status;
    if (vocab < 1)
        return wf_fail(err, WEFT_E_INVALID, "a vocabulary of %d tokens cannot be sampled", vocab);
    wf_sampler *s = wf_zalloc(sizeof(*s));
    if (s == NULL)
        return wf_fail_nomem(err, sizeof(*s), "a sampler");
    s->p = *params;
    s->vocab = vocab;
    s->seen = wf_zalloc_n((size_t)vocab / 64 + 1, sizeof(*s->seen));
    s->candidates = wf_zalloc_n((size_t)vocab, sizeof(*s->candidates));
    if (s->seen == NULL || s->candidates == NULL) {
        wf_sampler_destroy(&s);
        return wf_fail_nomem(err, (uint64_t)vocab * sizeof(wf_logit), "a sampler");
    }
    *out = s;
    return WEFT_OK;
}

void wf_sampler_destroy(wf_sampler **s)
{
    if (*s == NULL)
        return;
    wf_free((*s)->seen);
    wf_free((*s)->candidates);
    wf_free(*s);
    *s = NULL;
}

void wf_sampler_accept(wf_sampler *s, int32_t id)
{
    if (id >= 0 && id < s->vocab)
        s->seen[id / 64] |= (uint64_t)1 << (id % 64);
}

/* Two of the four words of Philox 4x32-10, counter (position, 0), key seed: uniform in [0, 1). */
double wf_sampler_uniform(uint64_t seed, uint64_t position)
{
    uint32_t c[4] = {(uint32_t)position, (uint32_t)(position >> 32), 0, 0};
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int32_t round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t c0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, c2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[0] = c0;
        c[1] = (uint32_t)b;
        c[2] = c2;
        c[3] = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (double)(((uint64_t)c[0] << 32 | c[1]) >> 11) * 0x1p-53;
}

static weft_status logits_check(const float *logits, int32_t n, weft_error *err)
{
    float max = -INFINITY;
    for (int32_t i = 0; i < n; i++) {
        if (!(logits[i] < INFINITY))
            return wf_fail(err, WEFT_E_NUMERIC, "the logit of token %d is %s", i,
                           isnan(logits[i]) ? "not a number" : "infinite");
        max = logits[i] > max ? logits[i] : max;
    }
    if (max == -INFINITY)
        return wf_fail(err, WEFT_E_NUMERIC, "no token has a logit above minus infinity");
    return WEFT_OK;
}

/* Natural logarithm of the probability of id. */
static float log_probability(const float *logits, int32_t n, int32_t id)
{
    double sum = 0.0;
    float  max = logits[0];
    for (int32_t i = 1; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (int32_t i = 0; i < n; i++)
        sum += wf_exp_same((double)logits[i] - (double)max);
    return wf_log_probability(logits[id], max, sum);
}

/* Fills the candidates: every token that is possible, after the penalty, by rising id. Returns the
 * likeliest, of equals the first. */
static wf_logit candidates_fill(wf_sampler *s, const float *logits, int32_t *n)
{
    wf_logit best = {-INFINITY, 0};
    *n = 0;
    for (int32_t i = 0; i < s->vocab; i++) {
        wf_logit c = {logits[i], i};
        if (logits[i] == -INFINITY)
            continue;
        if (wf_is_seen(s, i))
            c.logit = wf_penalised(c.logit, s->p.repetition_penalty);
        if (c.logit > best.logit)
            best = c;
        s->candidates[(*n)++] = c;
    }
    return best;
}

static void sift_down(wf_logit *heap, int32_t n, int32_t at)
{
    wf_logit moved = heap[at];
    for (int32_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && wf_is_before(heap[child + 1], heap[child]))
            child++;
        if (!wf_is_before(heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The next in order moves behind the n - 1 that remain. */
static wf_logit pop(wf_logit *heap, int32_t n)
{
    wf_logit first = heap[0];
    heap[0] = heap[n - 1];
    sift_down(heap, n - 1, 0);
    heap[n - 1] = first;
    return first;
}

/* Sum of the weights that top-p takes its share of: those that top-k leaves. Their tokens are then
 * sorted behind *left of the heap; with top-k off nothing moves. */
static double top_k_apply(const wf_sampler *s, const wf_draw *d, wf_logit *heap, int32_t n,
                          int32_t *left)
{
    double total = 0.0;
    *left = n;
    if (s->p.top_k == 0) {
        for (int32_t i = 0; i < n; i++)
            total += wf_weight(d, heap[i].logit);
        return total;
    }
    while (*left > 0 && (n - *left < s->p.top_k || heap[0].logit == heap[*left].logit))
        total += wf_weight(d, pop(heap, (*left)--).logit);
    return total;
}

/* Filters the n candidates of d->list, which is heap, by taking from their sorted order. */
static void filters_apply(const wf_sampler *s, wf_draw *d, wf_logit *heap, int32_t n)
{
    int32_t left;
    for (int32_t i = n / 2; i-- > 0;)
        sift_down(heap, n, i);
    double  all = top_k_apply(s, d, heap, n, &left);
    int32_t last = s->p.top_k == 0 ? 0 : left, at = n;
    d->total = 0.0;
    while (at > last) {
        if (s->p.top_k == 0)
            pop(heap, at);
        double w = wf_weight(d, heap[at - 1].logit);
        /* The first always stays: its share before is 0 and its weight 1. */
        if ((s->p.top_p < 1.0f && d->total / all > (double)s->p.top_p) || w < (double)s->p.min_p)
            break;
        d->total += w;
        at--;
    }
    d->begin = at;
    d->end = n;
    d->step = -1;
}

int32_t wf_draw_one(const wf_draw *d, double u)
{
    double  target = u * d->total, sum = 0.0;
    int32_t count = d->end - d->begin, at = d->step > 0 ? d->begin : d->end - 1, last = at;
    for (int32_t i = 0; i < count; i++, at += d->step) {
        double w = wf_weight(d, d->list[at].logit);
        sum += w;
        if (w > 0.0)
            last = at; /* rounding must not lead to a token of no weight */
        if (sum > target)
            break;
    }
    return d->list[last].id;
}

static int32_t sample(const wf_sampler *s, int32_t n, float max, int64_t position)
{
    wf_draw d = {s->candidates, 0, n, 1, 0.0, max, s->p.temperature};
    if (s->p.top_k > 0 || s->p.top_p < 1.0f || s->p.min_p > 0.0f)
        filters_apply(s, &d, s->candidates, n);
    else
        for (int32_t i = 0; i < n; i++)
            d.total += wf_weight(&d, s->candidates[i].logit);
    return wf_draw_one(&d, wf_sampler_uniform(s->p.seed, (uint64_t)position));
}

weft_status wf_sampler_pick(wf_sampler *s, const float *logits, int64_t position, int32_t *id,
                            float *logprob, weft_error *err)
{
    int32_t     n;
    weft_status status = logits_check(logits, s->vocab, err);
    if (status != WEFT_OK)
        return status;
    wf_logit best = candidates_fill(s, logits, &n);
    *id = s->p.temperature > 0.0f ? sample(s, n, best.logit, position) : best.id;
    if (logprob != NULL)
        *logprob = log_probability(logits, s->vocab, *id);
    return WEFT_OK;
}
