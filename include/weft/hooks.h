/* SPDX-License-Identifier: Apache-2.0 */
/* weft/hooks.h: where a modality meets the text core. Declared by the plugin, run by the host.
 *
 * One coordinate: layer k is just before self-attention block k; n_layers is before the final
 * norm; -1 is the token embedding. */
#ifndef WEFT_HOOKS_H
#define WEFT_HOOKS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_HOOK_SOFT_TOKENS 1u /* encoder rows replace a run of placeholder embeddings */
#define WEFT_HOOK_XATTN 2u       /* a gated cross-attention block, run by the host */
#define WEFT_XATTN_QK_NORM 1u    /* RMS norm per head on q and k */
#define WEFT_XATTN_GATE_TANH 2u  /* gates pass through tanh */
#define WEFT_XATTN_GATE_EACH                                                                       \
    4u /* a gate is [d_model] (or [1, 1, d_model]), one value a channel; else [1] */
#define WEFT_BLIND_SKIP 0u /* rows that see no item are not rows of the hook: text is untouched */
#define WEFT_BLIND_FFN_ONLY                                                                        \
    1u /* such rows pass the feed-forward branch, in every sequence (Idefics): opening             \
          such a model says that text is not the text core's alone */

/* For the rows h that see at least one item, X being the rows of the items they see:
 *   h += gate_attn * w_o(softmax(q k^T / sqrt(head_dim)) v),  q = norm_q(w_q RMS(h; norm_in)),
 *                                                             k = norm_k(w_k X), v = w_v X
 *   h += gate_ffn * w_down(silu(w_gate b) * (w_up b)),        b = RMS(h; norm_ffn)
 * No rotary positions, no causal mask. Rows that see no item are not rows of the hook: they keep
 * their bytes (blind_rows). Source: Llama 3 paper section 7.2; transformers models/mllama and
 * models/idefics. Weight names are names in the plugin's package. */
typedef struct weft_xattn {
    weft_hdr    hdr;
    int32_t     n_heads, n_kv_heads, head_dim, d_src, d_ffn; /* d_ffn 0: no feed-forward */
    uint32_t    flags;                                       /* WEFT_XATTN_* */
    float       norm_eps;
    uint32_t    blind_rows;                                                    /* WEFT_BLIND_* */
    const char *w_q, *w_k, *w_v, *w_o, *norm_in, *norm_q, *norm_k, *gate_attn; /* gates NULL: 1 */
    const char *norm_ffn, *w_gate, *w_up, *w_down, *gate_ffn;
} weft_xattn;

typedef struct weft_hook_site {
    weft_hdr    hdr;
    uint32_t    kind;
    int32_t     layer, order; /* order among sites at one layer; two equal ones are a load error */
    uint32_t    reserved;
    const char *stream;      /* which encoder outputs come here */
    const weft_xattn *xattn; /* XATTN only */
    const char       *name;  /* for messages */
} weft_hook_site;

#define WEFT_VIS_UNTIL_NEXT_GROUP                                                                  \
    1u /* from its marker to the next one that is not adjacent; the last to the end */
#define WEFT_VIS_UNTIL_END 2u
#define WEFT_VIS_UNTIL_NEXT                                                                        \
    3u /* from its marker to the next one, adjacent or not; the last to the end */

#define WEFT_MARKER_LAST 1u /* a prompt without the marker gets it last, not first */
#define WEFT_MARKER_ENDS 2u /* end_id counts */

/* The place of an item in the text. */
typedef struct weft_marker {
    weft_hdr    hdr;
    const char *token;  /* "<|image|>" */
    const char *stream; /* an item whose first output has this stream stands at this marker */
    int32_t
        token_id; /* -1: the tokenizer's id for `token`, else the lowest free id from vocab on */
    uint32_t    visibility;     /* WEFT_VIS_* */
    const char *before, *after; /* special tokens that enclose the placeholders, or NULL; neighbours
                                   share one token where both are the same; an item is refused
                                   where the tokenizer lacks one */
    /* For an id beyond the vocabulary: a table of the plugin's package and the row in it; NULL: the
     * core's own row. Soft tokens need none. Such ids are never sampled. */
    const char *embedding_weight;
    int64_t     embedding_row;
    uint32_t    flags; /* WEFT_MARKER_* */
    int32_t end_id; /* with WEFT_MARKER_ENDS: rows after this token no longer see the item (Idefics:
                       eos) */
} weft_marker;

typedef struct weft_hook_sink {
    weft_hdr hdr;
    void    *ctx;
    /* Declares one site or marker. The struct, and the strings and structs that it points to, are
     * copied. INVALID, UNSUPPORTED: a field that cannot be, named; STATE: it comes outside install,
     * or is one too many. What two plugins declare against each other is found after all did.
     * Called in install, as often as there are sites and markers. [setup] */
    weft_status (*add_site)(void *ctx, const weft_hook_site *s, weft_error *err);
    weft_status (*add_marker)(void *ctx, const weft_marker *m, weft_error *err);
} weft_hook_sink;

#ifdef __cplusplus
}
#endif
#endif
