/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a Llama text core: config.json read once, every value range-checked. */
#ifndef WF_CONFIG_H
#define WF_CONFIG_H

#include "core/model/directory.h"
#include <math.h>
#include <stdbool.h>

#include "core/model/text_map.h"
#include "core/ops/op.h"

/* llama3 frequency scaling (transformers modeling_rope_utils.py, Meta apply_scaling); factor 1:
 * none. */
typedef struct wf_rope_scaling {
    double  factor, low_freq_factor, high_freq_factor;
    int64_t original_positions;
} wf_rope_scaling;

typedef struct wf_config {
    int32_t n_layers, d_model, d_ffn, n_heads, n_kv_heads, head_dim, vocab;
    int32_t max_positions;
    int32_t extra; /* of vocab, the last ones: rows in tables of their own (weft_text_map) */
    float   rms_eps;
    int32_t tied; /* lm_head is embed_tokens */
    double  rope_theta;
    wf_rope_scaling rope;
    /* What a text map may say; a Llama has 1, 1 / sqrt(head_dim), 1, 1 and no biases. */
    float   embedding_scale, attention_scale, residual_scale, logits_divisor;
    int32_t qkv_bias;
    /* The low-rank update; rank 0: none. n_updated: of q, k and v, those that it is of. */
    int32_t  update_rank, n_updated;
    float    update_scale;
    uint32_t update_of; /* WEFT_UPDATE_* */
} wf_config;

/* 1 / sqrt(head_dim) in f32. */
static inline float wf_attention_scale(int32_t head_dim)
{
    return (float)(1.0 / sqrt((double)head_dim));
}

/* Reads the core's numbers from p's config.json; map NULL: a plain LlamaForCausalLM directory.
 * CORRUPT or UNSUPPORTED with the key and the value; INTERNAL where the map, which was found good
 * by itself, does not fit the file. */
weft_status wf_config_read(weft_package *p, const weft_text_map *map, wf_config *out,
                           weft_error *err);

/* architectures[0] of p's config.json; NOTFOUND when there is none. Borrowed from p. */
weft_status wf_config_architecture(weft_package *p, const char **out, weft_error *err);

/* inv_freq [head_dim / 2], scaled (architecture: HF half-split RoPE). */
void wf_config_inv_freq(const wf_config *c, float *inv_freq);

/* Parameters of the core (embedding counted once when tied); UINT64_MAX when it overflows. */
uint64_t wf_config_parameters(const wf_config *c);

/* Bytes of the K and V of n_tokens over all layers, in pages of page_bytes; false on overflow. */
bool wf_config_kv_bytes(const wf_config *c, int64_t page_bytes, int64_t n_tokens, uint64_t *bytes);

#endif
