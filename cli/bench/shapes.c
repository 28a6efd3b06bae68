/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of released models, and of the peers that docs/SPEED.md compares with. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_A_SECOND 25.0 /* of a conformer: 100 frames, 4 of them in a row */
#define PATCH_TOKENS 1601  /* of a tile: 40 x 40 patches of 14 pixels, and the class */
#define PADDED 1608        /* to a multiple of 8, as the model does it */
#define PATCH_VALUES (3 * 14 * 14)
#define KERNEL 7         /* of a conformer's depthwise convolution */
#define FRONT_VALUES 320 /* of a conformer's row */
#define ADAPTER 64       /* width of its adapter, which is small: the encoder is measured */
#define NARROW 64        /* of the text core beside an encoder */
#define LATENTS 64       /* rows that a resampler makes */
#define CONTEXT_ROWS 257 /* that it makes them of: 16 x 16 patches of 14 pixels, and the class */

/* Columns: name, model, kind, layers, layers of --quick, width, of the feed-forward, heads, K/V
 * heads, head, vocabulary, tied. */
const bench_shape bench_shapes[] = {
    {"1b", "Llama 3.2 1B", BENCH_TEXT, 16, 2, 2048, 8192, 32, 8, 64, 128256, 1},
    {"3b", "Llama 3.2 3B", BENCH_TEXT, 28, 2, 3072, 8192, 24, 8, 128, 128256, 1},
    {"8b", "Llama 3.1 8B", BENCH_TEXT, 32, 2, 4096, 14336, 32, 8, 128, 128256, 0},
    {"vit-h", "ViT-H/14 of 560 pixels", BENCH_VIT, 32, 2, 1280, 5120, 16, 16, 80, 0, 0},
    {"conformer-1b", "Llama 3's speech encoder", BENCH_CONFORMER, 24, 4, 1536, 4096, 24, 24, 64, 0,
     0},
    {"resampler", "Idefics 9B's resampler behind one ViT layer", BENCH_RESAMPLER, 6, 6, 1280, 5120,
     16, 16, 96, 0, 0},
    {"demo", "the demo's text core", BENCH_TEXT, 6, 6, 256, 512, 4, 2, 64, 2000, 1},
    {NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
};

const bench_shape *bench_shape_find(const char *name)
{
    for (const bench_shape *s = bench_shapes; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

const bench_shape *bench_shape_of(int32_t kind)
{
    const bench_shape *s = bench_shapes;
    while (s->name != NULL && s->kind != kind)
        s++;
    return s->name != NULL ? s : NULL;
}

static int text_config(const bench_shape *s, int32_t n_layers, char **out)
{
    return asprintf(out,
                    "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": %d, "
                    "\"intermediate_size\": %d, \"num_hidden_layers\": %d, "
                    "\"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"head_dim\": %d, "
                    "\"vocab_size\": %d, \"max_position_embeddings\": 131072, "
                    "\"rms_norm_eps\": 1e-5, \"rope_theta\": 500000.0, "
                    "\"tie_word_embeddings\": %s, \"torch_dtype\": \"bfloat16\"}",
                    s->d_model, s->d_ffn, n_layers, s->n_heads, s->n_kv_heads, s->head_dim,
                    s->vocab, s->tied ? "true" : "false");
}

/* The encoder of Llama 3.2 Vision without its global layers and captured states, so that it is the
 * ViT-H/14 of 32 layers that peers can run, beside a text core that is next to nothing. */
static int vit_config(const bench_shape *s, int32_t n_layers, int32_t tiles, char **out)
{
    return asprintf(
        out,
        "{\"architectures\": [\"MllamaForConditionalGeneration\"], \"image_token_index\": %d, "
        "\"text_config\": {\"hidden_size\": %d, \"intermediate_size\": %d, "
        "\"num_hidden_layers\": 2, \"num_attention_heads\": 1, \"num_key_value_heads\": 1, "
        "\"vocab_size\": %d, \"cross_attention_layers\": [1], \"rope_scaling\": null, "
        "\"tie_word_embeddings\": true}, "
        "\"vision_config\": {\"image_size\": 560, \"patch_size\": 14, \"hidden_size\": %d, "
        "\"intermediate_size\": %d, \"num_hidden_layers\": %d, \"num_global_layers\": 0, "
        "\"attention_heads\": %d, \"max_num_tiles\": %d, \"intermediate_layers_indices\": [], "
        "\"vision_output_dim\": %d}, \"torch_dtype\": \"bfloat16\"}",
        NARROW - 1, NARROW, NARROW, NARROW, s->d_model, s->d_ffn, n_layers, s->n_heads, tiles,
        s->d_model);
}

/* Layers are the resampler's; the encoder that gives it rows has one. */
static int resampler_config(const bench_shape *s, int32_t n_layers, char **out)
{
    return asprintf(
        out,
        "{\"architectures\": [\"IdeficsForVisionText2Text\"], \"hidden_size\": %d, "
        "\"intermediate_size\": %d, \"num_hidden_layers\": 1, \"num_attention_heads\": 1, "
        "\"vocab_size\": %d, \"additional_vocab_size\": 2, \"cross_layer_interval\": 1, "
        "\"use_resampler\": true, \"qk_layer_norms\": true, "
        "\"vision_config\": {\"image_size\": 224, \"patch_size\": 14, \"embed_dim\": %d, "
        "\"intermediate_size\": %d, \"num_hidden_layers\": 1, \"num_attention_heads\": %d}, "
        "\"perceiver_config\": {\"resampler_n_latents\": %d, \"resampler_depth\": %d, "
        "\"resampler_n_heads\": %d, \"resampler_head_dim\": %d, "
        "\"qk_layer_norms_perceiver\": true}, \"torch_dtype\": \"bfloat16\"}",
        NARROW, NARROW, NARROW, s->d_model, s->d_ffn, s->n_heads, LATENTS, n_layers, s->n_heads,
        s->head_dim);
}

static int conformer_config(const bench_shape *s, int32_t n_layers, char **out)
{
    return asprintf(out,
                    "{\"architectures\": [\"WeftSpeechModel\"], \"text_hidden_size\": %d, "
                    "\"max_seconds\": 600, "
                    "\"encoder_config\": {\"model_type\": \"conformer\", \"hidden_size\": %d, "
                    "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, "
                    "\"intermediate_size\": %d, \"conv_depthwise_kernel_size\": %d, "
                    "\"feature_projection_input_dim\": %d}, "
                    "\"adapter_config\": {\"hidden_size\": %d, \"num_attention_heads\": 1, "
                    "\"num_hidden_layers\": 0, \"intermediate_size\": %d}, "
                    "\"torch_dtype\": \"bfloat16\"}",
                    NARROW, s->d_model, n_layers, s->n_heads, s->d_ffn, KERNEL, FRONT_VALUES,
                    ADAPTER, ADAPTER);
}

char *bench_config(const bench_shape *s, int32_t n_layers, int32_t tiles)
{
    char *text = NULL;
    int   n = s->kind == BENCH_TEXT        ? text_config(s, n_layers, &text)
              : s->kind == BENCH_VIT       ? vit_config(s, n_layers, tiles, &text)
              : s->kind == BENCH_RESAMPLER ? resampler_config(s, n_layers, &text)
                                           : conformer_config(s, n_layers, &text);
    return n >= 0 ? text : NULL;
}

/* Weights that every row is multiplied with, in one layer. */
static double layer_weights(const bench_shape *s)
{
    double d = s->d_model, q = (double)s->n_heads * s->head_dim;
    double kv = (double)s->n_kv_heads * s->head_dim, ffn = s->d_ffn;
    switch (s->kind) {
    case BENCH_TEXT:
        return d * (q + 2 * kv) + q * d + 3 * d * ffn;
    case BENCH_VIT:
        return 4 * d * d + 2 * d * ffn;
    case BENCH_RESAMPLER:
        return 4 * d * q + 2 * d * ffn;
    default: /* two feed-forward halves, attention, two pointwise convolutions, a depthwise one */
        return 4 * d * ffn + 4 * d * d + 3 * d * d + KERNEL * d;
    }
}

static double table(const bench_shape *s)
{
    return (double)s->vocab * s->d_model;
}

double bench_parameters(const bench_shape *s, int32_t n_layers)
{
    return n_layers * layer_weights(s) + (s->tied ? 1 : 2) * table(s);
}

/* Scores and values of one row that sees n others, in one layer. */
static double attention(const bench_shape *s, double n)
{
    return 4.0 * s->n_heads * s->head_dim * n;
}

double bench_token_flop(const bench_shape *s, int32_t n_layers, double depth)
{
    return n_layers * (2 * layer_weights(s) + attention(s, depth)) + 2 * table(s);
}

double bench_prefill_flop(const bench_shape *s, int32_t n_layers, double n)
{
    return n_layers * n * (2 * layer_weights(s) + attention(s, (n + 1) / 2)) + 2 * table(s);
}

/* Keys and values of the context and of the latents, everything else of the latents; before it, one
 * layer of the encoder and its patches. */
double bench_resampler_flop(const bench_shape *s, int32_t n_layers)
{
    double d = s->d_model, inner = (double)s->n_heads * s->head_dim, rows = CONTEXT_ROWS + LATENTS;
    double block =
        2 * (2 * LATENTS * d * inner + 2 * rows * d * inner + 2 * LATENTS * d * s->d_ffn) +
        LATENTS * attention(s, rows);
    double layer = CONTEXT_ROWS * (2 * (4 * d * d + 2 * d * s->d_ffn) + 4 * d * CONTEXT_ROWS);
    return n_layers * block + layer + 2 * (CONTEXT_ROWS - 1.0) * PATCH_VALUES * d;
}

/* All tiles are one sequence, and what pads a tile is computed as well. */
double bench_picture_flop(const bench_shape *s, int32_t n_layers, int32_t tiles)
{
    double n = (double)tiles * PADDED;
    double ends = tiles * 2.0 *
                  ((PATCH_TOKENS - 1.0) * PATCH_VALUES * s->d_model +
                   PATCH_TOKENS * (double)s->d_model * NARROW);
    return n_layers * n * (2 * layer_weights(s) + attention(s, n)) + ends;
}

double bench_speech_flop(const bench_shape *s, int32_t n_layers, double seconds)
{
    double n = seconds * ROWS_A_SECOND;
    double ends = 2 * n * FRONT_VALUES * s->d_model +
                  n * (3.0 * s->d_model * ADAPTER + (double)ADAPTER * NARROW);
    return n_layers * n * (2 * layer_weights(s) + attention(s, n)) + ends;
}
