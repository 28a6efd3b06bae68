/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of the Whisper encoder's weights: those of transformers 4.49
 * modeling_whisper.py. k_proj has no bias. */
#include "whisper.h"

static void ask_layer(plg_request *r, const spk_whisper_config *c, const char *p,
                      spk_whisper_layer *w)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &w->attn_norm, p, "self_attn_layer_norm", d);
    plg_ask_dense(r, &w->q, p, "self_attn.q_proj", d, d, 0, 1);
    plg_ask_dense(r, &w->k, p, "self_attn.k_proj", d, d, 0, 0);
    plg_ask_dense(r, &w->v, p, "self_attn.v_proj", d, d, 0, 1);
    plg_ask_dense(r, &w->out, p, "self_attn.out_proj", d, d, 0, 1);
    plg_ask_norm(r, &w->ffn_norm, p, "final_layer_norm", d);
    plg_ask_dense(r, &w->up, p, "fc1", c->d_ffn, d, 0, 1);
    plg_ask_dense(r, &w->down, p, "fc2", d, c->d_ffn, 0, 1);
}

void spk_whisper_ask_layers(plg_request *r, const spk_whisper_config *c, int32_t n,
                            const char *prefix, spk_whisper_layer *layers)
{
    char name[PLG_MAX_NAME];
    for (int32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%slayers.%d.", prefix, i);
        ask_layer(r, c, name, &layers[i]);
    }
}

void spk_whisper_ask(plg_request *r, const spk_whisper_config *c, const char *prefix,
                     spk_whisper_weights *to)
{
    plg_ask_dense(r, &to->conv1, prefix, "conv1", c->d, c->bins, 3, 1);
    plg_ask_dense(r, &to->conv2, prefix, "conv2", c->d, c->d, 3, 1);
    plg_ask(r, &to->positions, WEFT_USE_PLAIN, plg_shape2(c->positions, c->d), prefix,
            "embed_positions.weight");
    spk_whisper_ask_layers(r, c, c->n_layers, prefix, to->layers);
    plg_ask_norm(r, &to->norm, prefix, "layer_norm", c->d);
}
