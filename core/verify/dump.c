/* SPDX-License-Identifier: Apache-2.0 */
/* What a verification computed, written under the names and in the shapes of the reference. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/verify/verification.h"

#define MAX_NAMES (4 * WF_MAX_OUTPUTS) /* of encoders' outputs */

typedef struct dump {
    wf_st_out out[MAX_NAMES + WF_MAX_LAYERS + 8];
    char      name[WF_MAX_LAYERS + 1][24]; /* of hidden states */
    float    *joined[MAX_NAMES];
    uint64_t  n;
} dump;

/* [items, ...], or without the item axis where the file has the one item so. */
static void shape_output(const verify *v, const weft_tensor_spec *s, uint32_t n_items,
                         wf_st_out *out)
{
    const wf_st_tensor *t = wf_st_find(&v->file, out->name);
    int32_t             lead = n_items == 1 && t != NULL && t->rank == s->ndim ? 0 : 1;
    out->rank = s->ndim + lead;
    out->shape[0] = n_items;
    memcpy(out->shape + lead, s->shape, (size_t)s->ndim * sizeof *s->shape);
}

/* The outputs of this name side by side. */
static weft_status dump_output(verify *v, void *ctx, const char *name, weft_error *err)
{
    dump                   *d = ctx;
    const weft_tensor_spec *s = NULL;
    wf_st_out               out = {.name = name, .dtype = WF_ST_F32};
    uint32_t                n = 0;
    uint64_t                all = wf_verify_numel(v, name), bytes = 0, each = 0;
    float *joined = wf_mul(all, sizeof(float), &bytes) ? wf_alloc_aligned((size_t)bytes) : NULL;
    if (d->n == MAX_NAMES || joined == NULL) {
        wf_free_aligned(joined);
        return wf_fail(err, WEFT_E_LIMIT, "%s is too large or one too many to be written", name);
    }
    d->joined[d->n] = joined;
    for (uint32_t k = 0; k < v->n_items; k++) {
        int32_t o = wf_verify_output(v, k, name);
        if (o < 0)
            continue;
        s = &v->items[k]->plan.outputs[o].spec;
        each = wf_spec_numel(s);
        if ((n + 1) * each > all)
            break;
        memcpy(joined + n++ * each, v->outputs[k][o], (size_t)each * sizeof(float));
    }
    if (s == NULL || n * each != all || s->ndim >= WF_ST_MAX_RANK)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s differs in shape from item to item", name);
    shape_output(v, s, n, &out);
    out.data = joined;
    d->out[d->n++] = out;
    return WEFT_OK;
}

static void dump_core(verify *v, dump *d)
{
    int64_t n = v->n_rows, width = v->config->d_model;
    for (int32_t k = 0; k <= v->config->n_layers; k++) {
        snprintf(d->name[k], sizeof d->name[k], "hidden.%d", k);
        d->out[d->n++] =
            (wf_st_out){d->name[k], WF_ST_F32, 2, {n, width}, v->hidden + (int64_t)k * n * width};
    }
    d->out[d->n++] = (wf_st_out){"logits", WF_ST_F32, 2, {n, v->config->vocab}, v->logits};
    if (v->n_greedy > 0)
        d->out[d->n++] = (wf_st_out){"greedy", WF_ST_I64, 1, {v->n_greedy}, v->greedy};
}

weft_status wf_verify_dump(verify *v, weft_error *err)
{
    dump       *d = wf_zalloc(sizeof *d);
    weft_status status = d != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *d, "a dump");
    if (status == WEFT_OK)
        status = wf_verify_each_output(v, dump_output, d, err);
    if (status == WEFT_OK && v->seq != NULL)
        dump_core(v, d);
    if (status == WEFT_OK)
        status = wf_st_write(v->rq->dump, d->out, d->n, err);
    for (uint32_t o = 0; d != NULL && o < MAX_NAMES; o++)
        wf_free_aligned(d->joined[o]);
    wf_free(d);
    return status;
}
