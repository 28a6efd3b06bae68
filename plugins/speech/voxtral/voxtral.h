/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.voxtral: Mistral's Voxtral Mini and Small.
 *
 * The words of the code: a recording is filled up with silence to whole *chunks* of 30 s and
 * becomes log-mel *frames* of 10 ms. The Whisper encoder makes one *row* of two frames, the
 * projector one *token* of `stack` rows side by side: 375 a chunk. The tokens of all chunks stand
 * one after another in the text, behind [BEGIN_AUDIO]. Source of every formula: transformers 4.57
 * models/voxtral; of the prompts: mistral-common 1.13 InstructTokenizerV7. */
#ifndef VXT_VOXTRAL_H
#define VXT_VOXTRAL_H

#include "weft/sdk.h"

#include "../shared/clip.h"
#include "../shared/whisper.h"
#include "../../common/modality.h"
#include "../../common/textmap.h"

#define VXT_ID "weft.voxtral"
#define VXT_VERSION "0.1.0"
#define VXT_ARCHITECTURE "VoxtralForConditionalGeneration"
#define VXT_STREAM "weft.voxtral/audio"
#define VXT_MARKER "[AUDIO]"
#define VXT_BEGIN "[BEGIN_AUDIO]"
#define VXT_CONFIG "config.json"
#define VXT_PROBE "multi_modal_projector.linear_1.weight" /* for plg_names_of */

#define VXT_MAX_SECONDS 1800 /* of one item: sixty chunks, as the model card has it */

typedef struct vxt_config {
    spk_whisper_config  encoder;
    spk_features_config front;
    int32_t             frames;   /* of a chunk: 2 * encoder.positions */
    int32_t             stack;    /* rows side by side */
    int32_t             tokens;   /* of a chunk: encoder.positions / stack */
    int32_t             act;      /* between the projector's layers, WEFT_ACT_* */
    int32_t             d_text;   /* width of the text core */
    int32_t             audio_id; /* of the token that a recording's tokens stand for */
} vxt_config;

/* Reads and range-checks config.json. UNSUPPORTED: another architecture's directory; INVALID names
 * key, value and range. [setup] */
weft_status vxt_config_read(const weft_host *h, const weft_package *p, vxt_config *out,
                            weft_error *err);

typedef struct vxt_weights {
    spk_whisper_weights encoder;
    plg_pair            linear1, linear2; /* [d_text, d * stack], [d_text, d_text]; no biases */
} vxt_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status vxt_weights_load(const weft_host *h, const weft_package *p, const vxt_config *c,
                             vxt_weights *out, weft_error *err);
void        vxt_weights_free(const weft_host *h, vxt_weights *w);
/* The number of parameters that vxt_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t vxt_weights_count(const weft_host *h, const vxt_config *c);
/* Gives sink every weight that vxt_weights_load gets. [setup] */
weft_status vxt_weights_tell(const weft_host *h, const weft_package *p, const vxt_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* What weft_modality's self points to. */
typedef struct vxt_modality {
    const weft_host    *host;
    const weft_package *package;
    const weft_if_ops  *ops;
    int32_t             core_d_model, core_vocab; /* 0: no text core */
    int32_t             loaded, reserved;
    vxt_config          config;
    vxt_weights         weights;
    spk_mel             mel; /* the front end's tables */
} vxt_modality;

/* What a plan carries: spk_clip_read wants its own part first. */
typedef struct vxt_carried {
    spk_carried clip;
    int32_t     by_bins; /* the input is [bins, frames], as the reference has it */
    int32_t     chunks;
} vxt_carried;

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status vxt_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status vxt_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* encode.c: the bytes of device memory that encoding an item needs, whatever its length. [any] */
uint64_t vxt_scratch_bytes(const vxt_config *c);
/* Enqueues the encoding of one item, whose outputs are in the order of the plan. [encode] */
weft_status vxt_encode(const vxt_modality *m, weft_queue *q, const weft_encode_item *item,
                       const weft_tensor *scratch, weft_error *err);

/* hooks.c: checks that the projector fits the text core that is open. [setup] */
weft_status vxt_hooks_check(const vxt_modality *m, weft_error *err);
/* hooks.c: weft_modality's install, prompt and whole_prompt. */
weft_status vxt_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err);
weft_status vxt_hooks_prompt(void *self, const char *task, const char **system, const char **user,
                             weft_error *err);
weft_status vxt_hooks_whole_prompt(void *self, const char *task, int32_t has_language,
                                   const char **prompt, weft_error *err);

/* textmap.c: the checkpoint component. */
extern const weft_checkpoint vxt_checkpoint;

/* modality.c: the modality component. */
extern const weft_modality vxt_audio_modality;

#endif
