/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins declared to the core. */
#include "core/model/sites.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/kv/pages.h"
#include "core/model/sites_check.h"

#define MAX_STREAMS 32

void wf_hooks_init(wf_hooks *h, wf_device *d)
{
    memset(h, 0, sizeof *h);
    h->buffers.device = d;
}

void wf_hooks_free(wf_hooks *h)
{
    for (int32_t i = 0; i < h->n_sites; i++) {
        wf_free(h->sites[i].name);
        wf_free(h->sites[i].stream_name);
        wf_free(h->sites[i].owner);
        for (size_t k = 0; k < sizeof h->sites[i].strings / sizeof *h->sites[i].strings; k++)
            wf_free(h->sites[i].strings[k]);
    }
    for (int32_t i = 0; i < h->n_streams; i++)
        wf_free(h->streams[i].name);
    for (int32_t i = 0; i < h->n_markers; i++) {
        wf_free(h->markers[i].token);
        wf_free(h->markers[i].before);
        wf_free(h->markers[i].after);
        wf_free(h->markers[i].embedding_weight);
        wf_free(h->markers[i].owner);
    }
    wf_free(h->sites);
    wf_free(h->streams);
    wf_free(h->markers);
    wf_buffers_free(&h->buffers);
}

static weft_status copy_string(const char *s, char **out, weft_error *err)
{
    if (s == NULL)
        return WEFT_OK;
    *out = wf_strdup(s);
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, strlen(s) + 1, "a hook's names");
}

int32_t wf_hooks_stream(const wf_hooks *h, const char *name)
{
    for (int32_t i = 0; name != NULL && i < h->n_streams; i++)
        if (strcmp(h->streams[i].name, name) == 0)
            return i;
    return -1;
}

static void *grow(void *p, int32_t n, size_t each)
{
    uint8_t *g = wf_realloc(p, (size_t)(n + 1) * each);
    if (g != NULL)
        memset(g + (size_t)n * each, 0, each);
    return g;
}

static weft_status stream_of(wf_hooks *h, const char *name, int32_t *out, weft_error *err)
{
    *out = wf_hooks_stream(h, name);
    if (*out >= 0)
        return WEFT_OK;
    if (h->n_streams == MAX_STREAMS)
        return wf_fail(err, WEFT_E_LIMIT, "more than %d streams are declared", MAX_STREAMS);
    wf_stream *g = grow(h->streams, h->n_streams, sizeof *g);
    if (g == NULL)
        return wf_fail_nomem(err, sizeof *g, "a stream");
    h->streams = g;
    *out = h->n_streams++;
    return copy_string(name, &g[*out].name, err);
}

/* The site's own copy of x's strings. */
static weft_status copy_xattn(wf_site *site, const weft_xattn *x, weft_error *err)
{
    const char **field[] = {
        &site->x.w_q,    &site->x.w_k,    &site->x.w_v,       &site->x.w_o,      &site->x.norm_in,
        &site->x.norm_q, &site->x.norm_k, &site->x.gate_attn, &site->x.norm_ffn, &site->x.w_gate,
        &site->x.w_up,   &site->x.w_down, &site->x.gate_ffn,
    };
    weft_status status = WEFT_OK;
    site->x = *x;
    for (size_t i = 0; i < sizeof field / sizeof *field && status == WEFT_OK; i++) {
        const char *from = *field[i];
        *field[i] = NULL;
        status = copy_string(from, &site->strings[i], err);
        *field[i] = site->strings[i];
    }
    return status;
}

weft_status wf_hooks_add_site(wf_hooks *h, const char *owner, int32_t n_layers,
                              const weft_hook_site *s, weft_error *err)
{
    weft_status status = wf_site_check(h, owner, n_layers, s, err);
    if (status != WEFT_OK)
        return status;
    wf_site *g = grow(h->sites, h->n_sites, sizeof *g);
    if (g == NULL)
        return wf_fail_nomem(err, sizeof *g, "a hook site");
    h->sites = g;
    wf_site *site = &g[h->n_sites++];
    site->kind = s->kind;
    site->layer = s->layer;
    site->order = s->order;
    if ((status = copy_string(s->name, &site->name, err)) != WEFT_OK ||
        (status = copy_string(s->stream, &site->stream_name, err)) != WEFT_OK ||
        (status = copy_string(owner, &site->owner, err)) != WEFT_OK ||
        (status = stream_of(h, s->stream, &site->stream, err)) != WEFT_OK)
        return status;
    return s->kind == WEFT_HOOK_XATTN ? copy_xattn(site, s->xattn, err) : WEFT_OK;
}

weft_status wf_hooks_add_marker(wf_hooks *h, const char *owner, const weft_marker *m,
                                weft_error *err)
{
    weft_status status = wf_marker_check(h, owner, m, err);
    if (status != WEFT_OK)
        return status;
    wf_marker *g = grow(h->markers, h->n_markers, sizeof *g);
    if (g == NULL)
        return wf_fail_nomem(err, sizeof *g, "a marker");
    h->markers = g;
    wf_marker *k = &g[h->n_markers++];
    k->token_id = m->token_id;
    k->before_id = k->after_id = -1;
    k->embedding_row = m->embedding_row;
    k->visibility = m->visibility;
    k->flags = m->flags;
    k->end_id = m->end_id;
    if ((status = copy_string(m->token, &k->token, err)) != WEFT_OK ||
        (status = copy_string(m->before, &k->before, err)) != WEFT_OK ||
        (status = copy_string(m->after, &k->after, err)) != WEFT_OK ||
        (status = copy_string(m->embedding_weight, &k->embedding_weight, err)) != WEFT_OK ||
        (status = copy_string(owner, &k->owner, err)) != WEFT_OK)
        return status;
    return stream_of(h, m->stream, &k->stream, err);
}

weft_status wf_marker_fail_without(const wf_marker *m, const char *token, weft_error *err)
{
    weft_status status = wf_fail(err, WEFT_E_NOTFOUND,
                                 "the tokenizer has no token \"%s\", which %s wants beside its %s",
                                 token, m->owner, m->token);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

static int by_layer_and_order(const void *a, const void *b)
{
    const wf_site *x = a, *y = b;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static weft_status number_site(wf_hooks *h, wf_site *s, weft_error *err)
{
    wf_stream *t = &h->streams[s->stream];
    if (s->kind != WEFT_HOOK_XATTN) {
        t->soft = 1;
        return WEFT_OK;
    }
    if (t->d_src != 0 && t->d_src != s->x.d_src)
        return wf_fail(err, WEFT_E_CONFLICT, "sites of stream %s read rows of %d and of %d",
                       t->name, t->d_src, s->x.d_src);
    t->d_src = s->x.d_src;
    s->index = t->n_sites++;
    return WEFT_OK;
}

static weft_status check_markers(wf_hooks *h, weft_error *err)
{
    for (int32_t i = 0; i < h->n_markers; i++) {
        wf_stream *t = &h->streams[h->markers[i].stream];
        bool       read = false;
        for (int32_t k = 0; k < h->n_sites; k++)
            read = read || h->sites[k].stream == h->markers[i].stream;
        if (!read || (t->visibility != 0 && t->visibility != h->markers[i].visibility))
            return wf_fail_stage(
                err,
                wf_fail(err, WEFT_E_INVALID,
                        "%s: marker %s and the sites of stream %s do not fit together",
                        h->markers[i].owner, h->markers[i].token, t->name),
                WEFT_STAGE_PLUGIN);
        t->visibility = h->markers[i].visibility;
    }
    return WEFT_OK;
}

weft_status wf_hooks_freeze(wf_hooks *h, weft_error *err)
{
    if (h->n_sites > 0)
        qsort(h->sites, (size_t)h->n_sites, sizeof *h->sites, by_layer_and_order);
    for (int32_t i = 0; i < h->n_sites; i++) {
        const wf_site *a = &h->sites[i > 0 ? i - 1 : 0], *b = &h->sites[i];
        if (i > 0 && a->layer == b->layer && a->order == b->order)
            return wf_fail(err, WEFT_E_CONFLICT,
                           "%s (%s) and %s (%s) are both at layer %d with order %d: orders at one "
                           "layer must differ; the plugins' documents say where theirs come from",
                           a->name, a->owner, b->name, b->owner, b->layer, b->order);
        weft_status status = number_site(h, &h->sites[i], err);
        if (status != WEFT_OK)
            return status;
    }
    h->frozen = 1;
    return check_markers(h, err);
}

uint64_t wf_hooks_parameters(const wf_hooks *h, int32_t d_model)
{
    uint64_t n = 0, d = (uint64_t)d_model;
    for (int32_t i = 0; i < h->n_sites; i++) {
        const weft_xattn *x = &h->sites[i].x;
        if (h->sites[i].kind != WEFT_HOOK_XATTN)
            continue;
        uint64_t q = (uint64_t)x->n_heads * (uint64_t)x->head_dim;
        uint64_t kv = (uint64_t)x->n_kv_heads * (uint64_t)x->head_dim;
        uint64_t gate = (x->flags & WEFT_XATTN_GATE_EACH) != 0 ? d : 1;
        n += 2 * q * d + 2 * kv * (uint64_t)x->d_src + d + (x->gate_attn != NULL ? gate : 0);
        n += (x->flags & WEFT_XATTN_QK_NORM) != 0 ? 2 * (uint64_t)x->head_dim : 0;
        n += x->d_ffn > 0 ? 3 * (uint64_t)x->d_ffn * d + d + (x->gate_ffn != NULL ? gate : 0) : 0;
    }
    return n;
}

const char *wf_hooks_blind_owner(const wf_hooks *h)
{
    for (int32_t i = 0; i < h->n_sites; i++)
        if (h->sites[i].kind == WEFT_HOOK_XATTN && h->sites[i].x.blind_rows != WEFT_BLIND_SKIP)
            return h->sites[i].owner;
    return NULL;
}

int64_t wf_hooks_page_bytes(const wf_hooks *h, int32_t kv_dtype)
{
    int64_t widest = 0;
    for (int32_t i = 0; i < h->n_sites; i++) {
        const weft_xattn *x = &h->sites[i].x;
        if (h->sites[i].kind != WEFT_HOOK_XATTN)
            continue;
        int64_t bytes = wf_kv_page_bytes(h->buffers.device, kv_dtype, x->n_kv_heads, x->head_dim);
        widest = bytes > widest ? bytes : widest;
    }
    return widest;
}
