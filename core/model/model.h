/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of the text core (the Llama model) in the memory of a device. */
#ifndef WF_MODEL_H
#define WF_MODEL_H

#include "core/model/config.h"
#include "core/model/load.h"
#include "core/model/price.h"

typedef struct wf_layer_weights {
    float    *norm_attn, *norm_ffn; /* [d_model] */
    wf_weight qkv[3]; /* [(n_heads + 2 n_kv_heads) * head_dim, d_model]: q, k, v rows, in parts */
    /* The low-rank update: A of those of q, k and v that it is of, one below the other [n_updated *
     * update_rank, d_model]; and their B [rows, update_rank], n 0: not of this one. */
    wf_weight update_a, update_b[3];
    float    *qkv_bias;   /* [(n_heads + 2 n_kv_heads) * head_dim], or NULL */
    wf_weight o;          /* [d_model, n_heads * head_dim] */
    wf_weight gate_up[2]; /* [2 d_ffn, d_model]: gate rows, then up rows, in parts */
    wf_weight down;       /* [d_model, d_ffn] */
} wf_layer_weights;

typedef struct wf_model {
    wf_config         config;
    wf_device        *device;
    wf_buffers        buffers;
    wf_weight         embed, head;     /* [vocab, d_model]; the same memory when tied */
    wf_layer_weights *layers;          /* [n_layers] */
    float            *norm_out;        /* [d_model], divided by the core's logits_divisor */
    float            *embedding_scale; /* [1]; NULL: it is 1 */
    float            *inv_freq;        /* [head_dim / 2] */
} wf_model;

/* The type of K/V beside weights of a format: bf16 where those are bf16 or smaller, else f32. */
static inline int32_t wf_kv_dtype_for(int32_t format)
{
    return format == WF_F32 || format == WF_F16 ? WF_F32 : WF_BF16;
}

/* Checks every tensor's name and shape first, then reads them. map NULL: a plain Llama directory.
 * On failure *out is NULL. */
weft_status wf_model_load(wf_loader *l, const wf_config *c, const weft_text_map *map,
                          wf_model **out, weft_error *err);
void        wf_model_free(wf_model **m);
/* Whether p has all that wf_model_load() would read, in its shapes, by the headers of the files;
 * the message names what is missing. */
weft_status wf_model_check(weft_package *p, const wf_config *c, const weft_text_map *map,
                           weft_error *err);
/* Adds what wf_model_load() would take of the device's memory. p: the directory, with or without
 * its weights. */
void wf_model_price(wf_price *price, const wf_config *c, const weft_text_map *map, weft_package *p);
/* Tells the names of the tensors that wf_model_load() makes linear weights of. table: as
 * wf_linear_format. */
typedef void (*wf_linear_fn)(void *ctx, const char *name, bool table);
void wf_model_linears(const wf_config *c, const weft_text_map *map, wf_linear_fn fn, void *ctx);
/* The names of the embedding table and of a weight of the first layer: what the type of the text
 * core is said by. name [WF_NAME_BYTES]. */
void wf_model_embed_name(const weft_text_map *map, char *name);
void wf_model_layer_name(const weft_text_map *map, char *name);

#endif
