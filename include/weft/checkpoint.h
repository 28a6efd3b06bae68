/* SPDX-License-Identifier: Apache-2.0 */
/* weft/checkpoint.h: a plugin that knows a directory whose text core is wrapped in something
 * larger.
 *
 * The core knows LlamaForCausalLM and nothing else. The manifest's `architectures=` line says which
 * values of config.json's "architectures" a plugin claims; two claimants are an error. */
#ifndef WEFT_CHECKPOINT_H
#define WEFT_CHECKPOINT_H

#include "package.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_TEXT_QKV_BIAS 1u /* q_proj, k_proj and v_proj of every layer have a bias (Qwen2) */

#define WEFT_UPDATE_Q 1u /* the projections that a low-rank update is of */
#define WEFT_UPDATE_K 2u
#define WEFT_UPDATE_V 4u

typedef struct weft_text_map {
    weft_hdr hdr;
    const char
        *config_path; /* "text_config": where config.json keeps the core's numbers; "": the top */
    const char *defaults;  /* JSON object: values of keys that config.json may leave out; NULL:
                              Llama's.  tie_word_embeddings in it counts before config.json's */
    const char    *prefix; /* "language_model.model." */
    const char    *head;   /* "language_model.lm_head.weight" */
    const int32_t *layers; /* the file's layer number of each self-attention block, in order */
    int32_t        n_layers;
    int32_t
        extra_rows; /* 0: none; else rows of further words, whose ids follow the vocabulary's: */
    const char *extra_embedding,
        *extra_head; /* [extra_rows, d_model] tables of their embeddings and logits */
    /* Numbers that a Llama does not have; 0: as a Llama. Source: transformers models/granite. */
    float    embedding_scale; /* the stream before layer 0 times this, soft rows too */
    float    attention_scale; /* q k^T times this, in place of 1 / sqrt(head_dim) */
    float    residual_scale;  /* h += this * attention, h += this * feed-forward */
    float    logits_divisor;  /* logits = W h / this */
    uint32_t flags, reserved; /* WEFT_TEXT_*; 0 */
    /* A low-rank update (LoRA) of some projections in every layer, which the rows of a sequence
     * take while an item of update_stream stands in it, and the rows of no other sequence:
     *   y = W x + update_scale * B (A x)
     * A [update_rank, d_model] and B [rows of the projection, update_rank] are update_prefix
     * "layers.{i}.self_attn.q_proj.lora_A.weight" and so on, and lie in update_file, a weight file
     * beside the others. update_rank 0: there is none. Source: arXiv 2106.09685; peft. */
    const char *update_file, *update_prefix, *update_stream;
    int32_t     update_rank;
    float       update_scale;
    uint32_t    update_of, reserved2; /* WEFT_UPDATE_*; 0 */
} weft_text_map;

#define WEFT_C_CHECKPOINT "weft.checkpoint/1"
typedef struct weft_checkpoint {
    weft_hdr hdr;
    /* Where in p the text core is. *out is zero on entry but for its size: config_path, prefix and
     * head are required, layers where n_layers is not 0; what it points to lives until deinit.
     * NOTFOUND: this directory has no text core, its encoder alone can be verified. Called once for
     * a directory that the manifest's architectures= line claims. Required. [setup] */
    weft_status (*text_map)(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err);
} weft_checkpoint;

#ifdef __cplusplus
}
#endif
#endif
