/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.vision: what config.json says, the encoder's weights, and the modality itself.
 *
 * The words of the code: a picture is cut into num_tiles *tiles* of tile x tile pixels. The encoder
 * always takes max_tiles tiles; those that are not used are zero. A tile has n *tokens*, the class
 * token and then the patches line by line, and is padded with zero vectors to n_padded tokens.
 * Source of every formula: transformers models/mllama (4.49) and Meta's llama-models
 * models/llama3/multimodal. */
#ifndef VIS_VISION_H
#define VIS_VISION_H

#include "weft/sdk.h"

#include "../shared/block.h"
#include "../shared/preprocess.h"
#include "../../common/modality.h"
#include "../../common/request.h"

#define VIS_ID "weft.vision"
#define VIS_VERSION "0.1.0"
#define VIS_ARCHITECTURE "MllamaForConditionalGeneration"
#define VIS_STREAM "weft.vision/image"
#define VIS_MARKER "<|image|>"
#define VIS_CONFIG "config.json"
#define VIS_PREPROCESSOR "preprocessor_config.json"

#define VIS_MAX_LAYERS 512       /* of the text model and of each half of the encoder */
#define VIS_MAX_CAPTURE 64       /* intermediate states kept */
#define VIS_MAX_TOKENS (1 << 20) /* rows of the encoder: tiles * n_padded */
#define VIS_MAX_BATCH 64         /* pictures encoded at once */
/* The rows of embed_tokens beyond the vocabulary. transformers' mllama has no key for their number.
 */
#define VIS_EXTRA_ROWS 8

/* The adapter's view of the text model, from text_config. */
typedef struct vis_text_config {
    int32_t n_layers; /* self- and cross-attention layers together */
    int32_t n_self;
    int32_t d_model, d_ffn, n_heads, n_kv_heads, vocab;
    float   norm_eps;
    uint8_t is_cross[VIS_MAX_LAYERS];
} vis_text_config;

typedef struct vis_config {
    vis_text_config text;
    int32_t         image_token; /* id of VIS_MARKER */
    int32_t         hook_order;
    /* The encoder, from vision_config. */
    int32_t tile, patch, d, d_ffn, n_heads, n_layers, n_global, max_tiles;
    int32_t n_channels;
    int32_t n_ratios; /* aspect ratio ids are 1..n_ratios; 0 is no picture */
    int32_t act;      /* WEFT_ACT_* */
    int32_t n_capture;
    int32_t capture[VIS_MAX_CAPTURE]; /* blocks whose input is kept */
    float   norm_eps;
    /* Derived. */
    int32_t          n, n_padded; /* tokens of a tile, without and with padding */
    int32_t          d_out;       /* d * (1 + n_capture) */
    vis_image_config image;       /* preprocessor_config.json */
    const char      *describe;    /* weft_prompts.describe or our own; lives until deinit */
} vis_config;

/* Reads and range-checks config.json and preprocessor_config.json. UNSUPPORTED: another
 * architecture's directory; INVALID names key, value and range. [setup] */
weft_status vis_config_read(const weft_host *h, const weft_package *p, vis_config *out,
                            weft_error *err);
/* Reads preprocessor_config.json into c->image, once the rest of *c has been read. [setup] */
weft_status vis_processor_read(const weft_host *h, const weft_package *p, vis_config *c,
                               weft_error *err);
/* Reads the text_config part of config.json alone. [setup] */
weft_status vis_config_read_text(const weft_host *h, const weft_package *p, vis_text_config *out,
                                 weft_error *err);

/* How the tensors of a directory are named: as released ("language_model.model."), or as later
 * versions of transformers write them ("model.language_model."). Without weights to look at the
 * released names are assumed. [setup] */
typedef struct vis_names {
    const char *text;      /* prefix of the text model's tensors */
    const char *head;      /* full name of the output head */
    const char *vision;    /* prefix of the encoder's tensors */
    const char *projector; /* prefix of the projector's */
} vis_names;
const vis_names *vis_names_of(const weft_host *h, const weft_package *p);

typedef struct vis_weights {
    weft_tensor patch_w;             /* [d, 3, patch, patch] */
    weft_tensor class_row;           /* [d] */
    weft_tensor pre_tile, post_tile; /* [n_ratios + 1, max_tiles * d] */
    weft_tensor pos;                 /* [n, d] */
    weft_tensor tile_pos;            /* [n_ratios + 1, max_tiles * n * d] */
    plg_pair    pre, post;           /* layernorm_pre, layernorm_post: [d] */
    plg_pair    proj;                /* [d_text, d_out], [d_text] */
    weft_tensor stored_gate_pre, stored_gate_post, stored_gate_pos;
    float       gate_pre, gate_post, gate_pos; /* tanh of them */
    vis_block  *local, *global; /* [n_layers], [n_global], in one allocation: local comes first */
} vis_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status vis_weights_load(const weft_host *h, const weft_package *p, const vis_config *c,
                             vis_weights *out, weft_error *err);
void        vis_weights_free(const weft_host *h, vis_weights *w);
/* The number of parameters that vis_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t vis_weights_count(const weft_host *h, const vis_config *c);
/* Gives sink every weight that vis_weights_load gets. [setup] */
weft_status vis_weights_tell(const weft_host *h, const weft_package *p, const vis_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* The plugin's own kernels, each looked up by name once. */
typedef struct vis_kernels {
    const weft_kernel *embed, *arrange, *intervals, *capture, *add_tile, *zero;
} vis_kernels;

/* Registers them with the host. [setup] */
weft_status vis_kernels_add(const weft_host *h, weft_error *err);
weft_status vis_kernels_find(const weft_host *h, vis_kernels *out, weft_error *err);

/* What weft_modality's self points to. */
typedef struct vis_modality {
    const weft_host       *host;
    plg_pool               pool; /* for preprocess */
    const weft_package    *package;
    const weft_if_ops     *ops;
    const weft_if_kernels *launcher;
    int32_t                core_layers, core_d_model, core_vocab; /* 0: no text core */
    int32_t                loaded;
    vis_config             config;
    vis_weights            weights;
    vis_kernels            kernels;
} vis_modality;

/* What the plugin keeps in its slot (weft_host.slot), once for each engine. */
typedef struct vis_engine {
    int32_t       layers[VIS_MAX_LAYERS]; /* the text map's list, which must live until deinit */
    vis_modality *live;                   /* the image adapter in use; NULL: there is none */
} vis_engine;

/* Inputs in the order of a plan. */
enum { VIS_PIXELS, VIS_RATIO_ID, VIS_NUM_TILES, VIS_N_INPUTS };

/* What a plan carries to preprocess: the picture's size and its grid. */
typedef struct vis_carried {
    int32_t  width, height; /* 0: the plan is of tensors, there is no picture */
    vis_grid grid;
} vis_carried;

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status vis_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status vis_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);
/* The grid of a picture; LIMIT where it is too large or too long. [any] */
weft_status vis_plan_grid(const vis_config *c, int32_t width, int32_t height, vis_grid *out,
                          weft_error *err);
/* INVALID where an aspect ratio id or a number of tiles is none of this model's. [any] */
weft_status vis_plan_check_ids(const vis_config *c, int64_t ratio_id, int64_t num_tiles,
                               weft_error *err);

/* adapter.c: checks that the adapter fits the text core that is open. INVALID says why it does not.
 * [setup] */
weft_status vis_adapter_check(const vis_modality *m, weft_error *err);
/* adapter.c: weft_modality's install. [setup] */
weft_status vis_adapter_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* n pictures of one grid that are encoded together. pixels: [n, max_tiles, 3, tile, tile]; the
 * first axis may be missing where n is 1. 0 <= ratio_id <= n_ratios, 1 <= num_tiles <= max_tiles, 1
 * <= n <= VIS_MAX_BATCH. */
typedef struct vis_batch {
    const weft_tensor *pixels, *host_pixels; /* host_pixels: the same on the host; may be NULL */
    int32_t            n, ratio_id, num_tiles, reserved;
} vis_batch;

/* unused.c: whether all unused tiles of a picture are the same to the encoder, and there are two or
 * more, so that one of them may be computed for all. 0 where that cannot be seen. [encode] */
int vis_unused_alike(const vis_modality *m, const vis_batch *b);

/* vit.c: the bytes of device memory that vis_vit_features needs for n pictures, and vis_vit_encode
 * for one. [any] */
uint64_t vis_vit_scratch_bytes(const vis_config *c, int32_t num_tiles, int32_t n);
uint64_t vis_vit_encode_bytes(const vis_config *c, int32_t num_tiles);

/* Enqueues the encoder up to its features: out [n, num_tiles * tokens, d_out]. Ops are called with
 * the host of `on`, so that what they allocate counts as that host's plugin's. [encode] */
weft_status vis_vit_features(const vis_modality *m, const plg_run *on, const vis_batch *b,
                             const weft_tensor *out, const weft_tensor *scratch);
/* Enqueues the encoder and the projector for one picture: out [max_tiles, tokens, d_text], rows of
 * unused tiles 0. [encode] */
weft_status vis_vit_encode(const vis_modality *m, weft_queue *q, const vis_batch *b,
                           const weft_tensor *out, const weft_tensor *scratch, weft_error *err);

/* textmap.c: the checkpoint component. */
extern const weft_checkpoint vis_checkpoint;

/* service.c: the encoder for other plugins (weft/services/vision_encoder.h). [setup] */
weft_status vis_service_publish(const weft_host *h, weft_error *err);

/* image.c: the modality component. */
extern const weft_modality vis_image_modality;

#endif
