/* SPDX-License-Identifier: Apache-2.0 */
/* Which items are the same: those whose plans and inputs are, since an encoder is given no more.
 * The digest over both is what the prefix cache knows an item by. */
#include <string.h>

#include "core/media/item.h"

/* Two 64-bit sums, taken eight bytes at a time. */
typedef struct sums {
    uint64_t a, b;
} sums;

static void mix(sums *s, uint64_t word)
{
    s->a = (s->a ^ word) * 0x100000001B3u;
    s->b = (s->b + word) * 0xD6E8FEB86659FD93u;
    s->b ^= s->b >> 32;
}

static void mix_bytes(sums *s, const void *data, uint64_t n)
{
    const uint8_t *p = data;
    uint64_t       word;
    for (uint64_t k = 0; k < n; k += 8) {
        word = 0;
        memcpy(&word, p + k, n - k < 8 ? (size_t)(n - k) : 8);
        mix(s, word);
    }
}

static void mix_spec(sums *s, const weft_tensor_spec *spec)
{
    mix(s,
        (uint64_t)spec->dtype.code << 32 | (uint64_t)spec->dtype.bits << 16 | (uint64_t)spec->ndim);
    for (int32_t d = 0; d < spec->ndim; d++)
        mix(s, (uint64_t)spec->shape[d]);
}

/* Everything that a plan says except names, which are for messages alone. */
static void mix_plan(sums *s, const weft_item *item)
{
    const weft_plan *p = &item->plan;
    mix(s, (uint64_t)p->n_inputs << 32 | p->n_outputs);
    for (uint32_t i = 0; i < p->n_inputs; i++)
        mix_spec(s, &p->inputs[i].spec);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        mix_spec(s, &p->outputs[i].spec);
        mix(s, (uint64_t)(uint32_t)item->kv[i].stream);
        mix(s, (uint64_t)p->outputs[i].stream_rows);
    }
    mix(s, (uint64_t)p->n_placeholders);
    mix_bytes(s, p->carried, p->carried_bytes);
    mix_bytes(s, p->layout, strlen(p->layout));
}

void wf_item_digest(weft_item *item)
{
    sums s = {0xCBF29CE484222325u, 0x9E3779B97F4A7C15u};
    mix_plan(&s, item);
    for (uint32_t i = 0; i < item->plan.n_inputs; i++)
        mix_bytes(&s, item->input[i].data, item->input[i].bytes);
    item->digest[0] = s.a;
    item->digest[1] = s.b ^ (uint64_t)(uintptr_t)item->modality;
}

static bool same_spec(const weft_tensor_spec *a, const weft_tensor_spec *b)
{
    return a->dtype.code == b->dtype.code && a->dtype.bits == b->dtype.bits && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

static bool same_plan(const weft_item *x, const weft_item *y)
{
    const weft_plan *a = &x->plan, *b = &y->plan;
    if (a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs ||
        a->n_placeholders != b->n_placeholders ||
        memcmp(a->carried, b->carried, a->carried_bytes) != 0 ||
        strcmp(a->layout, b->layout) != 0 || a->lead_bytes != b->lead_bytes ||
        a->trail_bytes != b->trail_bytes)
        return false;
    for (uint32_t i = 0; i < a->n_inputs; i++)
        if (!same_spec(&a->inputs[i].spec, &b->inputs[i].spec))
            return false;
    for (uint32_t i = 0; i < a->n_outputs; i++)
        if (!same_spec(&a->outputs[i].spec, &b->outputs[i].spec) ||
            x->kv[i].stream != y->kv[i].stream ||
            a->outputs[i].stream_rows != b->outputs[i].stream_rows)
            return false;
    return true;
}

bool wf_item_equal(const weft_item *a, const weft_item *b)
{
    if (a->modality != b->modality || memcmp(a->digest, b->digest, sizeof a->digest) != 0 ||
        !same_plan(a, b))
        return false;
    for (uint32_t i = 0; i < a->plan.n_inputs; i++)
        if (b->input[i].data == NULL ||
            memcmp(a->input[i].data, b->input[i].data, (size_t)a->input[i].bytes) != 0)
            return false;
    return true;
}
