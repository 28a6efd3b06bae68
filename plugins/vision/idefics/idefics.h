/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.idefics: what config.json says, the weights, and the modality itself.
 *
 * The words of the code: a picture is resized to tile x tile pixels, whatever its shape. The
 * encoder makes n *rows* of it: the class row, then the patches line by line. The resampler makes
 * n_latents rows of those. In a model without a resampler the encoder's rows go to the text model
 * as they are. Source of every formula: transformers 4.49 models/idefics. */
#ifndef IDF_IDEFICS_H
#define IDF_IDEFICS_H

#include "weft/sdk.h"

#include "../../common/modality.h"
#include "../shared/block.h"
#include "../shared/preprocess.h"
#include "../shared/resampler.h"

#define IDF_ID "weft.idefics"
#define IDF_VERSION "0.1.0"
#define IDF_ARCHITECTURE "IdeficsForVisionText2Text"
#define IDF_STREAM "weft.idefics/image"
#define IDF_MARKER "<image>"
/* The token on both sides of the marker. Its id is vocab_size, and the marker's is vocab_size + 1.
 */
#define IDF_AROUND "<fake_token_around_image>"
#define IDF_CONFIG "config.json"
#define IDF_PREPROCESSOR "preprocessor_config.json"

#define IDF_MAX_LAYERS 512     /* of the text model and of the encoder */
#define IDF_MAX_ROWS (1 << 20) /* of the encoder */
#define IDF_EXTRA_EMBEDDING "model.embed_tokens.additional_embedding.weight"
#define IDF_EXTRA_HEAD "lm_head.additional_fc.weight"

/* The text model, as far as the adapter and the text map need it. */
typedef struct idf_text {
    int32_t n_layers, d_model, d_ffn, n_heads, vocab;
    int32_t extra;    /* rows beyond the vocabulary: additional_vocab_size */
    int32_t interval; /* a cross-attention layer stands before every interval-th block */
    int32_t eos;
    int32_t qk_norm, gate_each; /* gate_each: alpha_type "vector" */
    float   norm_eps;
} idf_text;

typedef struct idf_config {
    idf_text             text;
    int32_t              tile, patch, d, d_ffn, n_heads, n_layers, n_channels; /* the encoder */
    int32_t              act;                                                  /* WEFT_ACT_* */
    float                norm_eps;
    int32_t              n; /* rows of the encoder */
    int32_t              use_resampler;
    vis_resampler_config resampler; /* where use_resampler */
    vis_image_config     image;     /* preprocessor_config.json */
    const char          *describe;  /* the prompt; lives until deinit */
} idf_config;

/* Reads and range-checks config.json and preprocessor_config.json. UNSUPPORTED: another
 * architecture's directory; INVALID names key, value and range. [setup] */
weft_status idf_config_read(const weft_host *h, const weft_package *p, idf_config *out,
                            weft_error *err);
/* The text model's part alone. [setup] */
weft_status idf_config_read_text(const weft_host *h, const weft_package *p, idf_text *out,
                                 weft_error *err);
/* Rows that the text model reads of one picture. */
static inline int32_t idf_rows(const idf_config *c)
{
    return c->use_resampler ? c->resampler.n_latents : c->n;
}

typedef struct idf_weights {
    weft_tensor   patch_w;   /* [d, 3, patch, patch] */
    weft_tensor   class_row; /* [d] */
    weft_tensor   pos;       /* [n, d] */
    plg_pair      pre;       /* pre_layrnorm: [d] */
    vis_block    *blocks;    /* [n_layers] */
    vis_resampler resampler;
} idf_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status idf_weights_load(const weft_host *h, const weft_package *p, const idf_config *c,
                             idf_weights *out, weft_error *err);
void        idf_weights_free(const weft_host *h, idf_weights *w);
/* The number of parameters that idf_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t idf_weights_count(const weft_host *h, const idf_config *c);
/* Gives sink every weight that idf_weights_load gets. [setup] */
weft_status idf_weights_tell(const weft_host *h, const weft_package *p, const idf_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* What weft_modality's self points to. */
typedef struct idf_modality {
    const weft_host    *host;
    plg_pool            pool; /* for preprocess */
    const weft_package *package;
    const weft_if_ops  *ops;
    int32_t             core_layers, core_d_model, core_vocab; /* 0: no text core */
    int32_t             loaded;
    idf_config          config;
    idf_weights         weights;
} idf_modality;

/* encoder.c: the bytes of device memory that encoding one picture needs. [any] */
uint64_t idf_scratch_bytes(const idf_config *c);
/* Enqueues the encoder for one picture. pixels [3, tile, tile] is the input. rows [idf_rows, d]
 * receives what the text model reads. encoded [n, d] receives the encoder's own rows, unless it has
 * no data or no axes. scratch has at least idf_scratch_bytes. [encode] */
weft_status idf_encode(const idf_modality *m, weft_queue *q, const weft_tensor *pixels,
                       const weft_tensor *rows, const weft_tensor *encoded,
                       const weft_tensor *scratch, weft_error *err);

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status idf_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status idf_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);
/* The grid of every picture: a single tile. [any] */
vis_grid idf_grid(const idf_config *c);

/* adapter.c: checks that the adapter fits the text core that is open. INVALID says why it does not.
 * [setup] */
weft_status idf_adapter_check(const idf_modality *m, weft_error *err);
/* adapter.c: weft_modality's install. [setup] */
weft_status idf_adapter_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* textmap.c: the checkpoint component. idf_textmap_init allocates the record that the plugin's slot
 * of an engine holds, and idf_textmap_deinit frees it. */
extern const weft_checkpoint idf_checkpoint;
weft_status                  idf_textmap_init(const weft_host *h, weft_error *err); /* [setup] */
void                         idf_textmap_deinit(const weft_host *h);                /* [setup] */

/* image.c: the modality component. */
extern const weft_modality idf_image_modality;

#endif
