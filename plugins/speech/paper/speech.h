/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.speech: what config.json says, the weights, and the sizes of one recording.
 *
 * The words of the code: a recording becomes n_frames *frames* of `bins` log-mel values each.
 * `stack` frames side by side make one *row* of the encoder. The adapter turns rows into *tokens*:
 * rows of the text model's width, which replace the placeholders between two special tokens of the
 * prompt.
 *
 * Three parts do this and know nothing of each other: the front end (audio.c) makes frames of
 * samples, an encoder (encoder.h) makes rows of rows, and an adapter (adapter.h) makes tokens of
 * rows. There are several families of encoders and of adapters; families.c lists the encoders.
 * docs/SPEECH_LAYOUT.md describes the project's own layout of a model directory. */
#ifndef SPK_SPEECH_H
#define SPK_SPEECH_H

#include "weft/sdk.h"

#include "../shared/clip.h"
#include "../../common/keys.h"
#include "../../common/modality.h"
#include "../../common/run.h"

#define SPK_ID "weft.speech"
#define SPK_VERSION "0.1.0"
#define SPK_ARCH_OWN "WeftSpeechModel"   /* encoder and adapter, for a text core elsewhere */
#define SPK_ARCH_W2V "Wav2Vec2BertModel" /* an encoder alone */
#define SPK_STREAM "weft.speech/audio"
#define SPK_CONFIG "config.json"
#define SPK_PREPROCESSOR "preprocessor_config.json"

#define SPK_MAX_LAYERS 512
#define SPK_MAX_FRAMES (1 << 19) /* of one item: far beyond any segment; keeps sizes in range */
#define SPK_MAX_KERNEL 255
#define SPK_MAX_POSITIONS 1024 /* rows of a distance table: the attention kernel's own buffer */

/* The sizes of one item at each stage. All of them follow from n_frames. */
typedef struct spk_sizes {
    int64_t n_frames;
    int64_t n_rows, n_real;          /* rows of the encoder; the first n_real hold no padding */
    int64_t n_tokens, n_real_tokens; /* the same of the adapter's tokens; no adapter: the rows */
} spk_sizes;

typedef struct spk_encoder_config {
    const struct spk_encoder *family;
    int32_t                   d_in, d, d_ffn, n_heads, n_layers;
    int32_t                   kernel;      /* of the depthwise convolution: odd */
    int32_t                   left, right; /* distances that a relative key tells apart */
    int32_t                   bias;        /* do the layers' linears have one? */
    float                     eps, theta;
} spk_encoder_config;

typedef struct spk_adapter_config {
    const struct spk_adapter *family; /* NULL: the directory is an encoder alone */
    int32_t                   d_in, d, d_ffn, n_heads, n_layers, d_out;
    int32_t                   kernel, stride;
    int32_t                   act;     /* WEFT_ACT_* of the feed-forward */
    int32_t                   pre_ffn; /* a half-step feed-forward comes before it */
    int32_t                   bias;
    int32_t                   n_memory; /* rows of the table that its last rows ask; 0: none */
    float                     eps, theta;
} spk_adapter_config;

typedef struct spk_config {
    const char         *encoder_prefix, *adapter_prefix; /* of tensor names */
    int32_t             bins, stack;
    float               pad;                   /* value of frames that fill up the last row */
    int32_t             max_seconds;           /* of one item */
    int32_t             hook_order, marker_id; /* marker_id -1: the host's choice */
    const char         *marker, *begin, *end;  /* begin, end: special tokens; live until deinit */
    const char         *transcribe, *translate, *describe; /* prompts; describe NULL: none */
    const char         *languages; /* with commas between; NULL: the file does not say */
    spk_encoder_config  encoder;
    spk_adapter_config  adapter;
    spk_features_config front; /* samples to frames */
} spk_config;

/* Reads and range-checks config.json and preprocessor_config.json. UNSUPPORTED: another
 * architecture's directory; INVALID names key, value and range. [setup] */
weft_status spk_config_read(const weft_host *h, const weft_package *p, spk_config *out,
                            weft_error *err);
/* Sizes of an item of n_frames frames (1 to SPK_MAX_FRAMES). [any] */
spk_sizes spk_sizes_of(const spk_config *c, int64_t n_frames);

typedef struct spk_ffn {
    plg_pair norm, up, down;
} spk_ffn;

typedef struct spk_mha {
    plg_pair    norm, q, k, v, out;
    weft_tensor distance; /* [left + 1 + right, head_dim]; without axes: none */
} spk_mha;

typedef struct spk_block {
    spk_ffn     ffn1, ffn2;
    spk_mha     attn;
    plg_pair    conv_norm, depth_norm, last;
    plg_pair    point1, point2; /* [2 d, d, 1], [d, d, 1] */
    weft_tensor depth;          /* [d, 1, kernel] */
} spk_block;

/* For `ask` functions (plugins/common/request.h): ask for the weights of a feed-forward layer or of
 * an attention layer whose tensor names begin with prefix and name. bias 0: without biases. [setup]
 */
void spk_ask_ffn(plg_request *r, spk_ffn *to, const char *prefix, const char *name, int64_t d,
                 int64_t d_ffn, int32_t bias);
void spk_ask_mha(plg_request *r, spk_mha *to, const char *prefix, const char *name, int64_t d,
                 int32_t bias);

typedef struct spk_encoder_weights {
    plg_pair   in_norm, in;
    spk_block *blocks; /* [n_layers] */
} spk_encoder_weights;

typedef struct spk_adapter_layer {
    plg_pair res_norm, res_conv, conv;
    spk_mha  attn;
    spk_ffn  ffn;
} spk_adapter_layer;

typedef struct spk_adapter_weights {
    spk_ffn            pre_ffn;
    plg_pair           conv, proj, norm;
    weft_tensor        keys, values; /* [n_memory, d_out] */
    spk_adapter_layer *layers;       /* [n_layers] */
} spk_adapter_weights;

typedef struct spk_weights {
    spk_encoder_weights encoder;
    spk_adapter_weights adapter;
} spk_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status spk_weights_load(const weft_host *h, const weft_package *p, const spk_config *c,
                             spk_weights *out, weft_error *err);
void        spk_weights_free(const weft_host *h, spk_weights *w);
/* The number of parameters that spk_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t spk_weights_count(const weft_host *h, const spk_config *c);
/* Gives sink every weight that spk_weights_load gets. [setup] */
weft_status spk_weights_tell(const weft_host *h, const weft_package *p, const spk_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* The plugin's own kernels (../ops/), each looked up by name once. */
typedef struct spk_kernels {
    const weft_kernel *stack, *zero, *glu, *rope_table, *rotate, *depthwise, *relative;
} spk_kernels;

/* Registers them with the host. [setup] */
weft_status spk_kernels_add(const weft_host *h, weft_error *err);
weft_status spk_kernels_find(const weft_host *h, spk_kernels *out, weft_error *err);

/* What weft_modality's self points to. */
typedef struct spk_modality {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_ops     *ops;
    const weft_if_kernels *launcher;
    int32_t                core_d_model; /* 0: no text core */
    int32_t                loaded;
    spk_config             config;
    spk_weights            weights;
    spk_kernels            kernels;
    spk_mel                mel; /* the front end's tables */
} spk_modality;

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status spk_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status spk_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* audio.c: samples to the encoder's input. [worker] */
weft_status spk_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err);

/* encode.c: the bytes of device memory that encoding one item needs. [any] */
uint64_t spk_scratch_bytes(const spk_config *c, const spk_sizes *s);
/* Enqueues the encoding of one item. input: [n_frames, bins]; outputs: in the order of the plan.
 * [encode] */
weft_status spk_encode(const spk_modality *m, weft_queue *q, const spk_sizes *s,
                       const weft_tensor *input, const weft_tensor *outputs,
                       const weft_tensor *scratch, weft_error *err);

/* hooks.c: checks that the adapter fits the text core that is open. INVALID says why it does not.
 * [setup] */
weft_status spk_hooks_check(const spk_modality *m, weft_error *err);
/* hooks.c: weft_modality's install. [setup] */
weft_status spk_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* modality.c, checkpoint.c: the components. */
extern const weft_modality   spk_audio_modality;
extern const weft_checkpoint spk_checkpoint;

#endif
