/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins declared to the core: sites, streams and markers (docs/GLOSSARY.md). All plugins
 * declare theirs first; then the list is frozen, which sorts and numbers it, and after that the
 * weights are loaded.
 *
 * A stream is a name that joins encoder outputs to the sites that read them. The sites at one layer
 * run in the order that they declare. Two equal orders are an error, so the order in which plugins
 * are loaded never matters. */
#ifndef WF_HOOKS_H
#define WF_HOOKS_H

#include "core/model/load.h"
#include "core/model/price.h"
#include "weft/hooks.h"

/* What a branch of a cross-attention layer is multiplied with before it is added to the hidden
 * state. */
typedef struct wf_gate {
    const float *each; /* device [d_model]: one value a channel; NULL: scale for all */
    float        scale;
    int32_t      reserved;
} wf_gate;

typedef struct wf_site {
    char      *name, *stream_name, *owner; /* owner: plugin id */
    uint32_t   kind;
    int32_t    layer, order;
    int32_t    stream, index; /* the stream's number; this site's place among those of the stream */
    weft_xattn x;             /* strings owned by `strings` */
    char      *strings[13];
    float     *norm_in, *norm_q, *norm_k, *norm_ffn;
    wf_weight  gate_up[2];          /* [2 d_ffn, d_model]: gate rows, then up rows, in parts */
    wf_weight  q, kv, o, down;      /* kv [2 n_kv_heads head_dim, d_src]: k rows, then v rows */
    wf_gate    gate_attn, gate_ffn; /* as multiplied: tanh already applied */
} wf_site;

typedef struct wf_stream {
    char    *name;
    int32_t  n_sites; /* cross-attention sites: pages of an item's run */
    int32_t  d_src;   /* width that the sites read; 0: soft tokens only (then d_model) */
    uint32_t visibility;
    int32_t  soft; /* its items' rows stand in the text */
} wf_stream;

typedef struct wf_marker {
    char    *token, *before, *after, *embedding_weight, *owner;
    int32_t  stream, token_id;    /* id as resolved when the model was opened */
    int32_t  before_id, after_id; /* of the enclosing tokens; -1: the tokenizer has none such */
    int64_t  embedding_row;
    uint32_t visibility, flags;
    int32_t  end_id, reserved; /* with WEFT_MARKER_ENDS */
    float   *embedding;        /* device [d_model]; NULL: the core's own row */
} wf_marker;

typedef struct wf_hooks {
    wf_site   *sites;
    wf_stream *streams;
    wf_marker *markers;
    int32_t    n_sites, n_streams, n_markers, frozen;
    wf_buffers buffers;
} wf_hooks;

void wf_hooks_init(wf_hooks *h, wf_device *d);
void wf_hooks_free(wf_hooks *h);

/* Checks a declaration of the plugin `owner` against the core's shape, and copies it. */
weft_status wf_hooks_add_site(wf_hooks *h, const char *owner, int32_t n_layers,
                              const weft_hook_site *s, weft_error *err);
weft_status wf_hooks_add_marker(wf_hooks *h, const char *owner, const weft_marker *m,
                                weft_error *err);
/* Sorts the sites by layer and order, and numbers them within their streams. CONFLICT where two
 * orders are equal; INVALID where a marker's stream has no site. */
weft_status wf_hooks_freeze(wf_hooks *h, weft_error *err);
/* sites_load.c: loads the weights of what `owner` declared, from l's package. */
weft_status wf_hooks_load(wf_hooks *h, const char *owner, int32_t d_model, wf_loader *l,
                          weft_error *err);

/* Tells the names of the tensors that wf_hooks_load() makes linear weights of for `owner`, and of
 * the tables that its markers have rows of. */
void wf_hooks_linears(const wf_hooks *h, const char                             *owner,
                      void (*fn)(void *ctx, const char *name, bool table), void *ctx);
/* Adds what wf_hooks_load() would take of the device's memory for `owner`; p: the directory of its
 * weights, NULL: it has none. */
void wf_hooks_price(wf_price *price, const wf_hooks *h, const char *owner, int32_t d_model,
                    weft_package *p);

/* Refuses an item whose marker wants `token` around it: the tokenizer has none such. NOTFOUND, at
 * stage MODEL. */
weft_status wf_marker_fail_without(const wf_marker *m, const char *token, weft_error *err);
int32_t     wf_hooks_stream(const wf_hooks *h, const char *name); /* -1: nobody reads it */
/* The number of parameters of all declared cross-attention layers. */
uint64_t wf_hooks_parameters(const wf_hooks *h, int32_t d_model);
/* The plugin whose sites change rows that see no media, so that text is not the text core's alone;
 * NULL: none. */
const char *wf_hooks_blind_owner(const wf_hooks *h);
/* The bytes of the largest K/V page that a declared site needs. */
int64_t wf_hooks_page_bytes(const wf_hooks *h, int32_t kv_dtype);

#endif
