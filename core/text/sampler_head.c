/* SPDX-License-Identifier: Apache-2.0 */
/* The pick from the likeliest tokens alone, where these prove what the pick from all would be.
 *
 * The filters walk the tokens in falling order and stop; the draw looks at none behind that. So the
 * head of the order is enough where they stop within it. Two things reach beyond:
 *
 *  - A penalty moves seen tokens down the order. Of 1 or more, it never lifts a token, so that
 *    whatever the head does not hold stays at or below the head's last logit: what is above that
 *    after the penalty is the true head. Of less than 1 it could lift any: nothing is proven.
 *  - top-p without top-k takes its share of the weight of all tokens. Its sum is not known to the
 *    bit, but between two bounds; the filter's verdict is proven where both bounds give it. */
#include "core/text/sampling.h"

#include <math.h>

/* Without a filter the draw is among all tokens, by rising id. */
static bool is_filtered(const wf_sampler_params *p)
{
    return p->top_k > 0 || p->top_p < 1.0f || p->min_p > 0.0f;
}

int32_t wf_sampler_head(const wf_sampler *s, int32_t most)
{
    const wf_sampler_params *p = &s->p;
    if (p->repetition_penalty < 1.0f)
        return 0;
    if (p->temperature <= 0.0f)
        return p->repetition_penalty == 1.0f ? 1 : most;
    return is_filtered(p) && (s->vocab <= most || p->top_k < most) ? most : 0;
}

/* The head in the order of the draw. */
typedef struct ordered {
    wf_logit *list;     /* the sampler's */
    int32_t   n;        /* of the head */
    int32_t   proven;   /* the first so many are the first of the whole row */
    bool      complete; /* there are no others */
} ordered;

static void insert(wf_logit *list, int32_t n, wf_logit c)
{
    for (; n > 0 && wf_is_before(c, list[n - 1]); n--)
        list[n] = list[n - 1];
    list[n] = c;
}

static ordered order(const wf_sampler *s, const wf_head *h)
{
    ordered o = {.list = s->candidates, .complete = h->n >= s->vocab};
    for (int32_t i = 0; i < h->n; i++) {
        wf_logit c = h->best[i];
        if (c.id < 0 || c.logit == -INFINITY) {
            o.complete = true;
            break;
        }
        if (wf_is_seen(s, c.id))
            c.logit = wf_penalised(c.logit, s->p.repetition_penalty);
        insert(o.list, o.n++, c);
    }
    o.proven = o.n;
    if (s->p.repetition_penalty == 1.0f || o.complete)
        return o;
    while (o.proven > 0 && !(o.list[o.proven - 1].logit > h->best[h->n - 1].logit))
        o.proven--;
    return o;
}

/* How much the tokens beyond the head weigh, for the draw: m of them, each at most as likely as the
 * head's last, whose weights at temperature 1 have the sum r of the model's own. With w = e^y, y
 * the distance of a logit to the greatest and y' that of the head's last, each of them weighs
 *     w^(1/T) = w e^(y (1/T - 1)):  r e^(y' (1/T - 1)) bounds the sum from above at T <= 1, from
 *                                   below at T > 1;
 * and by Jensen's inequality m (r / m)^(1/T) bounds it from the other side. */
static double beyond(double r, double m, double last, double temperature, bool above)
{
    double power = 1.0 / temperature;
    if (r <= 0.0 || m <= 0.0)
        return 0.0;
    if (above == (temperature <= 1.0))
        return r * exp(last * (power - 1.0));
    return m * pow(fmin(1.0, r / m), power);
}

/* Two bounds of the sum of all weights as wf_sampler_pick computes it. */
typedef struct bounds {
    double low, high;
} bounds;

/* Sums of doubles in any order and wf_exp_same are right to `slack`, generously. */
static bounds total_bounds(const wf_sampler *s, const wf_head *h, const ordered *o,
                           const wf_draw *d)
{
    double slack = 1e-9 + (double)s->vocab * 0x1p-50, known = 0.0, r = h->sum;
    double max = (double)h->best[0].logit, last = (double)h->best[o->n - 1].logit - max;
    double m = o->complete ? 0.0 : (double)(s->vocab - o->n), t = (double)s->p.temperature;
    for (int32_t i = 0; i < o->n; i++) {
        known += wf_weight(d, o->list[i].logit);
        r -= wf_exp_same((double)h->best[i].logit - max);
    }
    double high = beyond(r + slack * h->sum, m, last, t, true), low = 0.0;
    if (s->p.repetition_penalty == 1.0f)
        low = beyond(r - slack * h->sum, m, last, t, false);
    else /* they are as likely as that at most, beside a greatest that may have come down */
        high *= exp((max - (double)d->max) / t);
    return (bounds){(known + low) * (1.0 - slack), (known + high) * (1.0 + slack)};
}

/* How many of the order top-k leaves: so many, and those equal to the last of them. 0: not known.
 */
static int32_t top_k_count(const wf_sampler *s, const ordered *o)
{
    int32_t n = s->p.top_k;
    while (n < o->proven && o->list[n].logit == o->list[n - 1].logit)
        n++;
    if (n >= o->proven && !o->complete)
        return 0;
    return n < o->proven ? n : o->proven;
}

/* What wf_sampler_pick's filters leave of the order becomes *d. */
static bool filters_apply(const wf_sampler *s, const ordered *o, int32_t n, bounds all, wf_draw *d)
{
    double p = (double)s->p.top_p;
    for (d->end = 0; d->end < n; d->end++) {
        double w = wf_weight(d, o->list[d->end].logit);
        bool   reached = s->p.top_p < 1.0f && d->total / all.low > p;
        if (s->p.top_p < 1.0f && reached != (d->total / all.high > p))
            return false;
        if (reached || w < (double)s->p.min_p)
            return true;
        d->total += w;
    }
    return s->p.top_k > 0 || o->complete;
}

/* The tokens that can be drawn, with the sum of their weights. */
static bool draw_of(const wf_sampler *s, const wf_head *h, const ordered *o, wf_draw *d)
{
    int32_t n = o->proven;
    bounds  all = {1.0, 1.0};
    *d = (wf_draw){o->list, 0, 0, 1, 0.0, o->list[0].logit, s->p.temperature};
    if (s->p.top_k == 0 && s->p.top_p < 1.0f)
        all = total_bounds(s, h, o, d);
    if (s->p.top_k > 0) {
        n = top_k_count(s, o);
        all.low = 0.0;
        for (int32_t i = 0; i < n; i++)
            all.low += wf_weight(d, o->list[i].logit);
        all.high = all.low;
    }
    return n > 0 && filters_apply(s, o, n, all, d);
}

static float logit_of(const wf_head *h, int32_t id)
{
    int32_t i = 0;
    while (h->best[i].id != id)
        i++;
    return h->best[i].logit;
}

bool wf_sampler_pick_head(wf_sampler *s, const wf_head *head, int64_t position, int32_t *id,
                          float *logprob)
{
    wf_draw d;
    if (s->p.repetition_penalty < 1.0f || (s->p.temperature > 0.0f && !is_filtered(&s->p)))
        return false;
    ordered o = order(s, head);
    if (o.proven == 0)
        return false;
    int32_t found = o.list[0].id;
    if (s->p.temperature > 0.0f) {
        if (!draw_of(s, head, &o, &d))
            return false;
        found = wf_draw_one(&d, wf_sampler_uniform(s->p.seed, (uint64_t)position));
    }
    *id = found;
    if (logprob != NULL)
        *logprob = wf_log_probability(logit_of(head, found), head->best[0].logit, head->sum);
    return true;
}
