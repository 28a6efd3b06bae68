/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of what plugins declared: checked, loaded, and what they will take of memory. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/sites.h"

/* A gate as it should be: [1], or one value a channel, which files also write as [1, 1, d]. */
static wf_want want_gate(const weft_xattn *x, const char *name, int32_t d, wf_loader *l)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    if ((x->flags & WEFT_XATTN_GATE_EACH) == 0)
        return (wf_want){name, 1, {1}};
    if (name != NULL && wf_package_find(l->package, name, &file, &t, NULL) == WEFT_OK &&
        t->rank == 3)
        return (wf_want){name, 3, {1, 1, d}};
    return (wf_want){name, 1, {d}};
}

static void check_weights(wf_problems *pr, const wf_site *s, int32_t d, wf_loader *l)
{
    const weft_xattn *x = &s->x;
    int64_t       q = (int64_t)x->n_heads * x->head_dim, kv = (int64_t)x->n_kv_heads * x->head_dim;
    const wf_want want[] = {
        {x->w_q, 2, {q, d}},
        {x->w_k, 2, {kv, x->d_src}},
        {x->w_v, 2, {kv, x->d_src}},
        {x->w_o, 2, {d, q}},
        {x->norm_in, 1, {d}},
        {x->norm_q, 1, {x->head_dim}},
        {x->norm_k, 1, {x->head_dim}},
        want_gate(x, x->gate_attn, d, l),
        {x->norm_ffn, 1, {d}},
        {x->w_gate, 2, {x->d_ffn, d}},
        {x->w_up, 2, {x->d_ffn, d}},
        {x->w_down, 2, {d, x->d_ffn}},
        want_gate(x, x->gate_ffn, d, l),
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (want[i].name != NULL && (i < 8 || x->d_ffn > 0))
            wf_problems_check(pr, l->package, &want[i]);
}

/* The n values of a gate on the host, as they will be multiplied. */
static weft_status read_gate(wf_loader *l, const wf_site *s, const char *name, float *out,
                             int64_t n, weft_error *err)
{
    weft_status status = wf_load_host(l, name, out, (uint64_t)n, err);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
        if (!isfinite(out[i]))
            return wf_fail(err, WEFT_E_NUMERIC, "%s: %s is %s: its file is damaged",
                           wf_package_dir(l->package), name, isnan(out[i]) ? "NaN" : "infinity");
        if ((s->x.flags & WEFT_XATTN_GATE_TANH) != 0)
            out[i] = tanhf(out[i]);
    }
    return status;
}

/* One value a channel. */
static weft_status load_gate_each(wf_hooks *h, wf_loader *l, const wf_site *s, const char *name,
                                  int32_t d, wf_gate *out, weft_error *err)
{
    uint64_t    bytes = (uint64_t)d * sizeof(float);
    float      *each = NULL, *host = wf_alloc_aligned((size_t)bytes);
    weft_status status =
        host != NULL ? read_gate(l, s, name, host, d, err) : wf_fail_nomem(err, bytes, "a gate");
    if (status == WEFT_OK)
        status = wf_load_values(l, &h->buffers, host, (uint64_t)d, &each, err);
    wf_free_aligned(host);
    out->each = each;
    return status;
}

static weft_status load_gate(wf_hooks *h, wf_loader *l, const wf_site *s, const char *name,
                             int32_t d, wf_gate *out, weft_error *err)
{
    *out = (wf_gate){.scale = 1.0f};
    if (name == NULL)
        return WEFT_OK;
    return (s->x.flags & WEFT_XATTN_GATE_EACH) != 0 ? load_gate_each(h, l, s, name, d, out, err)
                                                    : read_gate(l, s, name, &out->scale, 1, err);
}

static weft_status load_ffn(wf_hooks *h, wf_site *s, int32_t d, wf_loader *l, weft_error *err)
{
    const weft_xattn *x = &s->x;
    const char       *gate_up[] = {x->w_gate, x->w_up};
    weft_status       status = load_gate(h, l, s, x->gate_ffn, d, &s->gate_ffn, err);
    if (status == WEFT_OK)
        status = wf_load_f32(l, &h->buffers, x->norm_ffn, &s->norm_ffn, err);
    if (status == WEFT_OK)
        status = wf_load_parts(l, &h->buffers, gate_up, (int64_t[]){x->d_ffn, x->d_ffn}, 2, d,
                               s->gate_up, err);
    if (status == WEFT_OK)
        status = wf_load_linear(l, &h->buffers, &x->w_down, 1, d, x->d_ffn, &s->down, err);
    return status;
}

static weft_status load_site(wf_hooks *h, wf_site *s, int32_t d, wf_loader *l, weft_error *err)
{
    const weft_xattn *x = &s->x;
    const char       *kv[] = {x->w_k, x->w_v};
    int64_t     q = (int64_t)x->n_heads * x->head_dim, n_kv = (int64_t)x->n_kv_heads * x->head_dim;
    weft_status status = load_gate(h, l, s, x->gate_attn, d, &s->gate_attn, err);
    if (status == WEFT_OK)
        status = wf_load_f32(l, &h->buffers, x->norm_in, &s->norm_in, err);
    if (status == WEFT_OK && (x->flags & WEFT_XATTN_QK_NORM) != 0)
        status = wf_load_f32(l, &h->buffers, x->norm_q, &s->norm_q, err);
    if (status == WEFT_OK && (x->flags & WEFT_XATTN_QK_NORM) != 0)
        status = wf_load_f32(l, &h->buffers, x->norm_k, &s->norm_k, err);
    if (status == WEFT_OK)
        status = wf_load_linear(l, &h->buffers, &x->w_q, 1, q, d, &s->q, err);
    if (status == WEFT_OK)
        status = wf_load_linear(l, &h->buffers, kv, 2, 2 * n_kv, x->d_src, &s->kv, err);
    if (status == WEFT_OK)
        status = wf_load_linear(l, &h->buffers, &x->w_o, 1, d, q, &s->o, err);
    return status == WEFT_OK && x->d_ffn > 0 ? load_ffn(h, s, d, l, err) : status;
}

/* Row m->embedding_row of a [rows, d] table, as f32 on the device. */
static weft_status load_marker(wf_hooks *h, wf_marker *m, int32_t d, wf_loader *l, weft_error *err)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_status         status = wf_package_find(l->package, m->embedding_weight, &file, &t, err);
    if (status != WEFT_OK)
        return status;
    const wf_want row = {m->embedding_weight, 2, {t->rank > 0 ? t->shape[0] : 0, d}};
    if (!wf_want_fits(t, &row) || m->embedding_row < 0 || m->embedding_row >= t->shape[0])
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s has no row %lld of %d floats for %s",
                       wf_package_dir(l->package), m->embedding_weight, (long long)m->embedding_row,
                       d, m->token);
    return wf_load_table_row(l, &h->buffers, m->embedding_weight, m->embedding_row, d,
                             &m->embedding, err);
}

weft_status wf_hooks_load(wf_hooks *h, const char *owner, int32_t d_model, wf_loader *l,
                          weft_error *err)
{
    wf_problems pr = WF_PROBLEMS_INIT;
    for (int32_t i = 0; i < h->n_sites; i++)
        if (h->sites[i].kind == WEFT_HOOK_XATTN && strcmp(h->sites[i].owner, owner) == 0)
            check_weights(&pr, &h->sites[i], d_model, l);
    weft_status status = wf_problems_report(&pr, l->package, err);
    for (int32_t i = 0; i < h->n_sites && status == WEFT_OK; i++)
        if (h->sites[i].kind == WEFT_HOOK_XATTN && strcmp(h->sites[i].owner, owner) == 0)
            status = load_site(h, &h->sites[i], d_model, l, err);
    for (int32_t i = 0; i < h->n_markers && status == WEFT_OK; i++)
        if (h->markers[i].embedding_weight != NULL && strcmp(h->markers[i].owner, owner) == 0)
            status = load_marker(h, &h->markers[i], d_model, l, err);
    return status == WEFT_OK ? wf_loader_finish(l, err) : status;
}

static void price_site(wf_price *price, const wf_site *s, int32_t d_model, weft_package *p)
{
    const weft_xattn *x = &s->x;
    int64_t           d = d_model, q = (int64_t)x->n_heads * x->head_dim;
    int64_t           kv = (int64_t)x->n_kv_heads * x->head_dim;
    uint64_t          gate = (x->flags & WEFT_XATTN_GATE_EACH) != 0 ? (uint64_t)d : 0;
    wf_price_linear(price, p, x->w_q, q, d);
    wf_price_linear(price, p, x->w_k, 2 * kv, x->d_src);
    wf_price_linear(price, p, x->w_o, d, q);
    wf_price_f32(price, (uint64_t)d + (x->gate_attn != NULL ? gate : 0));
    if ((x->flags & WEFT_XATTN_QK_NORM) != 0)
        wf_price_f32(price, 2 * (uint64_t)x->head_dim);
    if (x->d_ffn <= 0)
        return;
    wf_price_parts(price, p, (const char *[]){x->w_gate, x->w_up}, (int64_t[]){x->d_ffn, x->d_ffn},
                   2, d);
    wf_price_linear(price, p, x->w_down, d, x->d_ffn);
    wf_price_f32(price, (uint64_t)d + (x->gate_ffn != NULL ? gate : 0));
}

void wf_hooks_linears(const wf_hooks *h, const char                             *owner,
                      void (*fn)(void *ctx, const char *name, bool table), void *ctx)
{
    for (int32_t i = 0; i < h->n_sites; i++) {
        const weft_xattn *x = &h->sites[i].x;
        const char       *names[] = {x->w_q, x->w_k, x->w_v, x->w_o, x->w_gate, x->w_up, x->w_down};
        size_t            n = x->d_ffn > 0 ? 7 : 4;
        if (h->sites[i].kind != WEFT_HOOK_XATTN || strcmp(h->sites[i].owner, owner) != 0)
            continue;
        for (size_t k = 0; k < n; k++)
            fn(ctx, names[k], false);
    }
    for (int32_t i = 0; i < h->n_markers; i++)
        if (h->markers[i].embedding_weight != NULL && strcmp(h->markers[i].owner, owner) == 0)
            fn(ctx, h->markers[i].embedding_weight, true);
}

void wf_hooks_price(wf_price *price, const wf_hooks *h, const char *owner, int32_t d_model,
                    weft_package *p)
{
    for (int32_t i = 0; i < h->n_sites; i++)
        if (h->sites[i].kind == WEFT_HOOK_XATTN && strcmp(h->sites[i].owner, owner) == 0)
            price_site(price, &h->sites[i], d_model, p);
    for (int32_t i = 0; i < h->n_markers; i++)
        if (h->markers[i].embedding_weight != NULL && strcmp(h->markers[i].owner, owner) == 0)
            wf_price_f32(price, (uint64_t)d_model);
}
