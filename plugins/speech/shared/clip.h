/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one item's log-mel frames from a recording, or takes them from tensors that were prepared
 * elsewhere. It decides which samples the item is made of, fills the common parts of its plan and
 * computes its features. It knows no encoder, and is compiled into every plugin whose encoder reads
 * log-mel frames (mel.h). */
#ifndef SPK_CLIP_H
#define SPK_CLIP_H

#include "features.h"
#include "weft/sdk.h"

#define SPK_FRAMES "input_features" /* tensors of `weft model verify` */
#define SPK_MASK "attention_mask"   /* [rows] beside stacked frames */
#define SPK_SAMPLES "samples"

/* What a plan carries to preprocess in weft_plan.carried. */
typedef struct spk_carried {
    int64_t skip, n_samples; /* samples before the item and in it, at the recording's own rate */
    int64_t n_frames;
    int32_t sample_rate, reserved; /* 0: frames were given, nothing is to be prepared */
} spk_carried;

/* The properties of a model that decide how a recording is cut. */
typedef struct spk_clip_rule {
    const spk_features_config *front;
    int32_t                    max_seconds; /* of one item */
    int32_t                    stack; /* frames that SPK_FRAMES may have side by side; 0: one */
} spk_clip_rule;

/* Finds the samples between the times that the user asked for, checks them against max_seconds and
 * --max-samples, and counts the frames that they make. UNSUPPORTED: the recording's length is not
 * known; CORRUPT: there is no sound; LIMIT: too long; INVALID: too short for a frame. [any] */
weft_status spk_clip_cut(const spk_clip_rule *rule, const weft_media_info *mi,
                         const weft_request *rq, const weft_limits *lim, spk_carried *what,
                         weft_error *err);
/* The same from tensors: either SPK_FRAMES, f32 [frames, n_mels] or [frames / stack, stack *
 * n_mels] with an axis of length 1 before them or without, which are used as they are, or
 * SPK_SAMPLES, f32 [n] at 16 kHz, from which preprocess will make frames. *found 0: neither is
 * there. [any] */
weft_status spk_clip_tensors(const spk_clip_rule *rule, const weft_tensor *inputs,
                             const char *const *names, uint32_t n, spk_carried *what, int *found,
                             weft_error *err);
/* LIMIT where n tokens are more than --max-tokens. [any] */
weft_status spk_clip_tokens(int64_t n, const weft_limits *lim, weft_error *err);

/* Starts an empty plan: one input of what->n_frames frames, and no outputs yet. [any] */
void spk_clip_plan(const spk_clip_rule *rule, const spk_carried *what, weft_plan *p);
/* Adds an output f32 [rows, columns] to the plan. All of its rows are for the sites of `stream`;
 * NULL: it is only looked at. [any] */
void spk_clip_output(weft_plan *p, const char *name, const char *stream, int64_t rows,
                     int64_t columns);

/* The preprocess of such an item: reads the samples that the plan names from media and makes frames
 * [n_frames, n_mels] of them. CORRUPT: the recording ends too early; STATE: the plan was made for
 * another recording. [worker] */
weft_status spk_clip_read(const spk_mel *mel, const weft_media *media, const weft_plan *p,
                          float *frames, weft_error *err);

#endif
