/* SPDX-License-Identifier: Apache-2.0 */
/* Wav2Vec2-BERT: the conformer block with a layer norm before the projection, relative keys instead
 * of rotary positions, and a depthwise convolution that looks back only. Source: transformers 4.49,
 * models/wav2vec2_bert/modeling_wav2vec2_bert.py.
 *
 * Where a recording has an odd number of frames, one of padding fills the last row; that row is
 * masked: zero before the first block and inside the convolution module, and never a key. (One
 * frame alone: all keys are masked alike, so the one row attends to itself.) */
#include "conformer.h"

static void attend(spk_conformer_run *f, const spk_mha *w, const weft_tensor *q,
                   const weft_tensor *k, const weft_tensor *v)
{
    void   *to = f->h.data, *from_q = q->data, *from_k = k->data, *from_v = v->data;
    void   *table = w->distance.data;
    int64_t n_keys = f->n_keys > 0 ? f->n_keys : f->n_rows;
    int64_t n_heads = f->c->n_heads, head_dim = f->c->d / n_heads;
    int64_t left = f->c->left, right = f->c->right;
    void   *args[] = {&to,     &from_q,  &from_k,   &from_v, &table,
                      &n_keys, &n_heads, &head_dim, &left,   &right};
    spk_launch(f->r, f->r->m->kernels.relative, f->n_rows * n_heads,
               (2 * n_keys + left + right) * head_dim, args);
}

static const spk_conformer_kind kind = {1, 1, 1, NULL, attend};

/* Absent keys take Wav2Vec2BertConfig's defaults. */
static weft_status config(const plg_keys *k, spk_encoder_config *c)
{
    static const plg_int_key distances[] = {
        {"left_max_position_embeddings", offsetof(spk_encoder_config, left), 64, 0,
         SPK_MAX_POSITIONS / 2 - 1},
        {"right_max_position_embeddings", offsetof(spk_encoder_config, right), 8, 0,
         SPK_MAX_POSITIONS / 2 - 1},
    };
    const char *positions = "relative_key";
    c->d = 1024;
    c->n_layers = 24;
    c->n_heads = 16;
    c->d_ffn = 4096;
    c->d_in = 160;
    c->kernel = 31;
    c->bias = 1;
    weft_status status = spk_conformer_config(k, c);
    if (status == WEFT_OK)
        status = plg_keys_ints(k, distances, 2, c);
    if (status == WEFT_OK)
        status = plg_keys_str(k, "position_embeddings_type", &positions);
    if (status == WEFT_OK && strcmp(positions, "relative_key") != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: %sposition_embeddings_type is \"%.40s\", and only relative_key is "
                         "known",
                         k->file, k->prefix, positions);
    return status;
}

static void ask(plg_request *r, const spk_encoder_config *c, const char *prefix,
                spk_encoder_weights *w)
{
    spk_conformer_ask(r, &kind, c, prefix, w);
}

static void encode(spk_run *r, const spk_encoder_config *c, const spk_encoder_weights *w,
                   const spk_sizes *s, const weft_tensor *rows, const weft_tensor *x, plg_arena *a)
{
    spk_conformer_encode(r, &kind, c, w, s, rows, x, a);
}

const spk_encoder spk_w2vbert = {.model_type = "wav2vec2-bert",
                                 .front = spk_features_w2v_bert,
                                 .masks_padding = 1,
                                 .stacked_output = 1,
                                 .config = config,
                                 .ask = ask,
                                 .encode = encode};
