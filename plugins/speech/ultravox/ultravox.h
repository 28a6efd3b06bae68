/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.ultravox.
 *
 * The words of the code: a recording becomes n log-mel *frames* of 10 ms and `bins` values each. It
 * is cut into *chunks* of 30 s. The Whisper encoder makes one *row* of two frames, and the
 * projector makes one *token* of `stack` rows. The tokens of all chunks, one after another, replace
 * the placeholders in the prompt.
 *
 * An Ultravox directory holds the projector, and either its encoder or the name of the encoder that
 * it wants; origin.c finds the encoder. The text model is always opened by itself. Sources:
 * fixie-ai/ultravox (v0.3 to v0.6) and transformers 4.49 models/whisper. */
#ifndef VOX_ULTRAVOX_H
#define VOX_ULTRAVOX_H

#include "weft/sdk.h"

#include "../shared/clip.h"
#include "../shared/whisper.h"
#include "../../common/modality.h"

#define VOX_ID "weft.ultravox"
#define VOX_VERSION "0.1.0"
#define VOX_ARCH "UltravoxModel"
#define VOX_ARCH_SHUKA "ShukaModel" /* the same layout for Llama 3 and Indic languages */
#define VOX_STREAM "weft.ultravox/audio"
#define VOX_MARKER "<|audio|>"
#define VOX_AUDIO "audio" /* option: the directory of a Whisper checkpoint */
#define VOX_CONFIG "config.json"
#define VOX_PREPROCESSOR "preprocessor_config.json"

#define VOX_MAX_LAYERS SPK_WHISPER_MAX_LAYERS
#define VOX_MAX_SECONDS 600      /* of one item: twenty chunks */
#define VOX_CHUNK 3000           /* frames that Whisper and Ultravox take at once */
#define VOX_HOP 160              /* samples of a frame */
#define VOX_LANGUAGES_BYTES 1024 /* more than all codes of two letters with their commas */
#define VOX_MAX_LETTERS 255
#define VOX_LEAST 320 /* samples; shorter recordings are filled up with zeros */

/* Where the Whisper encoder is. The strings live until deinit. */
typedef struct vox_origin {
    const weft_package *package;
    const char         *tensors; /* what its tensors' names start with */
    const char         *keys;    /* what its keys in config.json start with */
} vox_origin;

/* words.c: linear_out scores letters, and out are the core's embeddings of the words that they are.
 */
typedef struct vox_ctc_config {
    int32_t columns, space, places;      /* of a frame; that of the space; frames of a token */
    int32_t nodes, words, pairs, tokens; /* rows of the tables */
    int32_t again; /* tokens before those that were heard, and places of these once more */
    int32_t fill;  /* tokens before `again` */
    int32_t spare; /* tokens beyond those of the recording */
    int32_t beam;  /* of the search */
    double  share, bonus, width;
} vox_ctc_config; /* columns 0: there are no letters, and linear_out is as wide as the core */

typedef struct vox_projector_config {
    int32_t stack;      /* rows side by side */
    int32_t inner, mid; /* columns of linear_1's output, of linear_2's input */
    int32_t gated, act; /* swiglu: half of inner gates the other; else WEFT_ACT_* */
    int32_t ln_mid;     /* the second norm is between the linears, else after them */
    int32_t d_text;
    int32_t n_layers; /* encoder layers between two linears; then inner to ln_mid mean nothing */
    vox_ctc_config ctc;
} vox_projector_config;

typedef struct vox_config {
    vox_origin           origin;
    spk_whisper_config   encoder;
    vox_projector_config projector;
    spk_features_config  front;
    int32_t              chunk;          /* frames */
    int32_t              silence;        /* frames behind the recording; their rows are left out */
    const char          *prompt;         /* the whole prompt of a transcript, or NULL */
    char languages[VOX_LANGUAGES_BYTES]; /* codes with commas between; "": no file says any */
} vox_config;

/* Writes to list [VOX_LANGUAGES_BYTES] the languages that the encoder's Whisper model was trained
 * on, as codes with commas between: the keys of lang_to_id in its generation_config.json. Empty
 * where there is none. [setup] */
void vox_languages_read(const weft_host *h, const weft_package *p, char *list);

/* Reads both directories' files and decides where the encoder is. INVALID names key, value and
 * range; NOTFOUND the encoder that is missing and how to give it. d_text: the text core's width.
 * [setup] */
weft_status vox_config_read(const weft_host *h, const weft_package *p, int32_t d_text,
                            vox_config *out, weft_error *err);

/* origin.c: finds the encoder. It is in `own` where `own` has its tensors; without any weights to
 * look at, where audio_model_id is null. Else it is in the directory that the option `audio` names.
 * [setup] */
weft_status vox_origin_find(const weft_host *h, const weft_package *own, vox_origin *out,
                            weft_error *err);
/* origin.c: the number of mel bins that the encoder reads: that of its conv1.weight where there are
 * weights, else the configured one. Where the two differ the weight is right, and a line in the log
 * says so. [setup] */
int32_t vox_origin_bins(const weft_host *h, const weft_package *own, const vox_origin *origin,
                        int32_t d, int32_t configured);
/* Gives sink what vox_origin_bins got, which the host keeps as long as the weights. [setup] */
weft_status vox_origin_tell(const weft_host *h, const vox_origin *origin, int32_t d, int32_t bins,
                            const weft_weight_sink *sink, weft_error *err);

/* The sizes of one chunk of a recording. All of them follow from the recording's number of frames.
 */
typedef struct vox_chunk {
    spk_whisper_chunk of;
    int64_t           first;  /* frame of the recording */
    int64_t           n_rows; /* those that make tokens */
    int64_t           n_tokens, first_token;
} vox_chunk;

int64_t   vox_n_chunks(const vox_config *c, int64_t n_frames);            /* [any] */
vox_chunk vox_chunk_of(const vox_config *c, int64_t n_frames, int64_t i); /* [any] */
/* Those of the recording and the spare ones of a projector of letters. [any] */
int64_t vox_n_tokens(const vox_config *c, int64_t n_frames);

typedef struct vox_weights {
    spk_whisper_weights encoder;                 /* behind its layers are the projector's */
    plg_pair            ln_pre, ln_mid, ln_post; /* no bias: an RMS norm */
    plg_pair            linear1, linear2; /* linear_in and linear_out, with biases, around inner */
    weft_tensor         places;           /* [positions, d] (words.c: a token each), before inner */
    spk_whisper_layer  *inner;            /* [projector.n_layers], within encoder.layers; or NULL */
    weft_tensor         tree, words, pairs, tokens, again, fill; /* of letters: for the host */
    int32_t            *tables;                                  /* what words.c makes of them */
} vox_weights;

/* Loads encoder and projector. On failure *out holds nothing. vocab: tokens of the text core.
 * [setup] */
weft_status vox_weights_load(const weft_host *h, const weft_package *own, const vox_config *c,
                             int32_t vocab, vox_weights *out, weft_error *err);
void        vox_weights_free(const weft_host *h, vox_weights *w);
/* The number of parameters that vox_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t vox_weights_count(const weft_host *h, const vox_config *c);
/* Gives sink every weight that vox_weights_load gets. [setup] */
weft_status vox_weights_tell(const weft_host *h, const weft_package *own, const vox_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* words.c: of a projector that scores letters. */
typedef struct vox_speller {
    const weft_if_kernels *launcher;
    const weft_kernel     *hear, *spell;
} vox_speller;

/* Makes the kernels known to the host, in init. [setup] */
weft_status vox_words_add(const weft_host *h, weft_error *err);
/* Finds them again. INVALID: the host is too old for such projectors. [setup] */
weft_status vox_words_find(const weft_host *h, const weft_if_ops *ops, vox_speller *out,
                           weft_error *err);
/* Makes w->tables, which vox_weights_free frees. INVALID names the first number that cannot be.
 * vocab: tokens of the text core. [setup] */
weft_status vox_words_read(const weft_host *h, const vox_ctc_config *c, int32_t vocab,
                           vox_weights *w, weft_error *err);

/* What weft_modality's self points to. */
typedef struct vox_modality {
    const weft_host    *host;
    const weft_package *package;
    const weft_if_ops  *ops;
    int32_t             loaded, vocab; /* vocab: tokens of the text core */
    vox_speller         speller;
    vox_config          config;
    vox_weights         weights;
    spk_mel             mel; /* the front end's tables */
} vox_modality;

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status vox_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status vox_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* encode.c: the bytes of device memory that encoding one item needs. [any] */
uint64_t vox_scratch_bytes(const vox_config *c, int64_t n_frames);
/* Enqueues the encoding of one item. input: [n_frames, bins]; outputs: in the order of the plan.
 * [encode] */
weft_status vox_encode(const vox_modality *m, weft_queue *q, const weft_tensor *input,
                       const weft_tensor *outputs, const weft_tensor *scratch, weft_error *err);

/* modality.c, checkpoint.c: the components. vox_checkpoint_init allocates the record that the
 * plugin's slot of an engine holds, and declares the kernels; vox_checkpoint_deinit frees it. */
extern const weft_modality   vox_audio_modality;
extern const weft_checkpoint vox_checkpoint;
weft_status                  vox_checkpoint_init(const weft_host *h, weft_error *err); /* [setup] */
void                         vox_checkpoint_deinit(const weft_host *h);                /* [setup] */

#endif
