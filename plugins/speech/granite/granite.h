/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.granite_speech.
 *
 * The words of the code: a recording becomes log-mel *frames* of 10 ms. Two frames side by side
 * make one *row* of the encoder, a conformer whose attention stays within blocks of `context` rows.
 * The rows are cut into *windows*; in each, the Q-Former's `n_queries` learnt queries ask the rows,
 * and become *tokens* of the text model's width, which replace the placeholders in the prompt.
 * Source: transformers 4.57 models/granite_speech and the Q-Former of models/blip_2; transformers 5
 * models/granite_speech_plus. */
#ifndef GSP_GRANITE_H
#define GSP_GRANITE_H

#include "weft/checkpoint.h"
#include "weft/sdk.h"

#include "../shared/clip.h"
#include "../../common/keys.h"
#include "../../common/modality.h"
#include "../../common/run.h"
#include "../../common/textmap.h"

#define GSP_ID "weft.granite_speech"
#define GSP_VERSION "0.1.0"
#define GSP_ARCH "GraniteSpeechForConditionalGeneration"
#define GSP_ARCH_PLUS "GraniteSpeechPlusForConditionalGeneration" /* rows of inner blocks too */
#define GSP_STREAM "weft.granite_speech/audio"
#define GSP_MARKER "<|audio|>"
#define GSP_CONFIG "config.json"
#define GSP_PROBE "projector.query" /* for plg_names_of */
#define GSP_PREPROCESSOR "preprocessor_config.json"

#define GSP_MAX_LAYERS 512
#define GSP_MAX_TAPS 16
#define GSP_MAX_SECONDS 600 /* of one item */
#define GSP_STACK 2         /* frames of a row */
#define GSP_HOP 160         /* samples of a frame */
#define GSP_MAX_CONTEXT 512 /* rows: 2 * 512 - 1 distances fit the attention kernel's buffer */

typedef struct gsp_encoder_config {
    int32_t d_in, d, n_layers, ffn_factor, n_heads, head_dim;
    int32_t n_ctc;     /* outputs of the CTC head, whose guess is fed back in the middle */
    int32_t context;   /* rows of a block of attention */
    int32_t positions; /* the distance table has 2 * positions + 1 rows, from -positions on */
    int32_t kernel;    /* of the depthwise convolution */
    int32_t conv_factor;
    /* Blocks whose rows stand before the last block's in what the projector is given: after so many
     * blocks, ascending. */
    int32_t n_taps, taps[GSP_MAX_TAPS];
    int32_t d_out; /* d * (n_taps + 1) */
} gsp_encoder_config;

typedef struct gsp_projector_config {
    int32_t d, d_ffn, n_layers, n_heads;
    int32_t every;             /* layers 0, every, 2 every, ... ask the encoder's rows */
    int32_t window, n_queries; /* rows of a window, tokens made of it */
    int32_t d_text, act;
    float   eps;
} gsp_projector_config;

typedef struct gsp_config {
    gsp_encoder_config   encoder;
    gsp_projector_config projector;
    spk_features_config  front;
    int32_t              audio_id; /* the token of a soft token's place */
    int32_t              is_plus;  /* GSP_ARCH_PLUS */
} gsp_config;

/* Reads and range-checks config.json and preprocessor_config.json. d_text: the text core's width;
 * 0: there is none. UNSUPPORTED: another architecture's directory; INVALID names key, value and
 * range. [setup] */
weft_status gsp_config_read(const weft_host *h, const weft_package *p, int32_t d_text,
                            gsp_config *out, weft_error *err);

/* The sizes of one item at each stage. */
typedef struct gsp_sizes {
    int64_t n_rows, n_windows;
    int64_t n_tokens; /* of all windows */
} gsp_sizes;

gsp_sizes gsp_sizes_of(const gsp_config *c, int64_t n_frames); /* [any] */

/* What a plan carries; what an item of sound carries comes first (clip.h). */
typedef struct gsp_carried {
    spk_carried clip;
    int64_t     n_frames; /* also where frames were given */
} gsp_carried;

typedef struct gsp_ffn {
    plg_pair norm, up, down;
} gsp_ffn;

typedef struct gsp_block {
    gsp_ffn     ffn1, ffn2;
    plg_pair    attn_norm, q, kv, out; /* kv: keys, then values */
    weft_tensor distances;             /* [2 positions + 1, head_dim] */
    plg_pair    conv_norm, conv_up, conv_down;
    weft_tensor depth;          /* [channels, 1, kernel] */
    plg_pair    batch;          /* the batch norm's own */
    weft_tensor mean, variance; /* and what it was trained on, [channels] */
    plg_pair    last;
} gsp_block;

typedef struct gsp_attention {
    plg_pair q, k, v, out, norm;
} gsp_attention;

typedef struct gsp_query_layer {
    gsp_attention self, cross;
    plg_pair      up, down, norm;
} gsp_query_layer;

typedef struct gsp_weights {
    plg_pair         in, ctc, feedback;
    gsp_block       *blocks;  /* [encoder.n_layers] */
    weft_tensor      queries; /* [1, n_queries, d] */
    plg_pair         norm, linear;
    gsp_query_layer *layers; /* [projector.n_layers] */
} gsp_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status gsp_weights_load(const weft_host *h, const weft_package *p, const gsp_config *c,
                             gsp_weights *out, weft_error *err);
void        gsp_weights_free(const weft_host *h, gsp_weights *w);
/* The number of parameters that gsp_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t gsp_weights_count(const weft_host *h, const gsp_config *c);
/* Gives sink every weight that gsp_weights_load gets. [setup] */
weft_status gsp_weights_tell(const weft_host *h, const weft_package *p, const gsp_config *c,
                             const weft_weight_sink *sink, weft_error *err);

typedef struct gsp_kernels {
    const weft_kernel *glu, *relative, *depthwise;
} gsp_kernels;

/* kernels.c: makes the kernels known to the host, in init, and finds them again. [setup] */
weft_status gsp_kernels_add(const weft_host *h, weft_error *err);
weft_status gsp_kernels_find(const weft_host *h, gsp_kernels *out, weft_error *err);

/* What weft_modality's self points to. */
typedef struct gsp_modality {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_ops     *ops;
    const weft_if_kernels *launcher;
    gsp_kernels            kernels;
    int32_t                loaded, reserved;
    gsp_config             config;
    gsp_weights            weights;
    spk_mel                mel; /* the front end's tables */
} gsp_modality;

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status gsp_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status gsp_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* encode.c: the bytes of device memory that encoding one item needs. [any] */
uint64_t gsp_scratch_bytes(const gsp_config *c, int64_t n_frames);
/* Enqueues the encoding of one item. input: n_frames frames, one after another; outputs: in the
 * order of the plan. [encode] */
weft_status gsp_encode(const gsp_modality *m, weft_queue *q, int64_t n_frames,
                       const weft_tensor *input, const weft_tensor *outputs,
                       const weft_tensor *scratch, weft_error *err);

/* lora.c: the low-rank update of the text model, where config.json says that there is one: fills
 * the fields of *map that tell of it. [setup] */
weft_status gsp_lora_read(const weft_host *h, const weft_package *p, weft_text_map *map,
                          weft_error *err);

/* The components. */
extern const weft_modality   gsp_audio_modality;
extern const weft_checkpoint gsp_checkpoint;

#endif
