/* SPDX-License-Identifier: Apache-2.0 */
/* The perceiver resampler, which turns groups of any number of context rows into n_latents rows
 * each. It starts from learnt rows, the latents, which attend to the context. weft.idefics uses it
 * with a picture as a group, and weft.video with several frames as a group.
 *
 *   z = latents, once a group
 *   repeat depth times, G being the group's context rows:
 *     c = LN(G; context_layer_norm);  y = LN(z; latents_layer_norm)
 *     q = y Wq^T;  k = [c; y] Wk^T;  v = [c; y] Wv^T         no biases
 *     q, k = LN over head_dim per head, where qk_norm
 *     z += softmax(q k^T / sqrt(head_dim)) v Wo^T
 *     z += c_proj(relu(fc(LN(z; ln))))                        no biases
 *   output = LN(z; layer_norm)
 *
 * The inner width n_heads * head_dim need not be d. Tensor names under a prefix: "latents"
 * [n_latents, d], "blocks.B.0.{context_layer_norm,latents_layer_norm,q_layer_norm,k_layer_norm}.
 * {weight,bias}", "blocks.B.0.{q,k,v,output}_proj.weight", "blocks.B.1.ln.{weight,bias}",
 * "blocks.B.1.{fc,c_proj}.weight", "layer_norm.{weight,bias}". Source: transformers 4.49
 * models/idefics/perceiver.py, after Flamingo (arXiv 2204.14198), which adds time embeddings to
 * the context beforehand: the caller's part. */
#ifndef VIS_RESAMPLER_H
#define VIS_RESAMPLER_H

#include "../../common/run.h"

#define VIS_RESAMPLER_MAX_DEPTH 512

typedef struct vis_resampler_config {
    int32_t d; /* width of context rows, latents and output */
    int32_t depth, n_latents, n_heads, head_dim, d_ffn;
    int32_t qk_norm; /* 1: q and k have a layer norm over each head */
    float   eps;     /* of all layer norms */
} vis_resampler_config;

typedef struct vis_resampler_block {
    plg_pair context, latents; /* norms: [d] */
    plg_pair q_norm, k_norm;   /* norms: [head_dim], where qk_norm */
    plg_pair q, k, v;          /* [n_heads * head_dim, d] */
    plg_pair o;                /* [d, n_heads * head_dim] */
    plg_pair ln;               /* norm: [d] */
    plg_pair fc, c_proj;       /* [d_ffn, d], [d, d_ffn] */
} vis_resampler_block;

typedef struct vis_resampler {
    vis_resampler_config config;
    weft_tensor          latents; /* [n_latents, d] */
    plg_pair             norm;    /* layer_norm: [d] */
    vis_resampler_block *blocks;  /* [depth] */
} vis_resampler;

/* INVALID where the sizes do not make a resampler, or are so large that arithmetic on them could
 * overflow. The message names `file`. [any] */
weft_status vis_resampler_check(const vis_resampler_config *c, const char *file, weft_error *err);

/* Allocates the blocks of a checked config; the weights are still to be asked for. On failure *r
 * holds nothing. [setup] */
weft_status vis_resampler_init(vis_resampler *r, const weft_host *h, const vis_resampler_config *c,
                               weft_error *err);
void        vis_resampler_free(vis_resampler *r, const weft_host *h); /* safe on zeroed memory */
/* Asks for every weight of an initialised *r under `prefix`. To be called from the `ask` function
 * of a plg_request (plugins/common/request.h). [setup] */
void vis_resampler_ask(plg_request *q, vis_resampler *r, const char *prefix);

/* The bytes of device memory that a run needs over n_groups groups with n_context rows in all.
 * [any] */
uint64_t vis_resampler_scratch_bytes(const vis_resampler_config *c, int64_t n_context,
                                     int64_t n_groups);

/* Enqueues the resampler. context: device f32 [n_context, d]; begin: host [n_groups + 1], rising
 * from 0 to n_context, group g being context rows begin[g] .. begin[g + 1] - 1 (at least one);
 * out: device f32, C order, [n_groups, n_latents, d] in any number of axes; scratch: at least
 * vis_resampler_scratch_bytes, not overlapping the others. A group's bytes do not depend on the
 * other groups. Once run->status is an error it does nothing; INVALID where begin or a size is
 * wrong. [encode] */
void vis_resampler_run(plg_run *run, const vis_resampler *r, const weft_tensor *context,
                       const int32_t *begin, int32_t n_groups, const weft_tensor *out,
                       const weft_tensor *scratch);

#endif
