/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording, or from tensors that somebody prepared, to one item's frames: which samples it
 * is made of, what its plan says, its features. Knows no encoder; compiled into every plugin that
 * hears through mel.h. */
#ifndef SPK_CLIP_H
#define SPK_CLIP_H

#include "features.h"
#include "weft/sdk.h"

#define SPK_FRAMES "input_features" /* tensors of `weft model verify` */
#define SPK_SAMPLES "samples"

/* What a plan carries to preprocess (weft_plan.opaque). */
typedef struct spk_carried {
    int64_t skip, n_samples; /* of the recording at its own rate: before the item, in it */
    int64_t n_frames;
    int32_t sample_rate, reserved; /* 0: frames were given, nothing is to be prepared */
} spk_carried;

/* What of a model decides about a recording. */
typedef struct spk_clip_rule {
    const spk_features_config *front;
    int32_t                    max_seconds, reserved; /* of one item */
} spk_clip_rule;

/* The samples between the times asked for, checked against max_seconds and --max-samples, and the
 * frames that they make. UNSUPPORTED: its length is not known; CORRUPT: there is no sound; LIMIT;
 * INVALID: too short for a frame. [any] */
weft_status spk_clip_cut(const spk_clip_rule *rule, const weft_media_info *mi,
                         const weft_request *rq, const weft_limits *lim, spk_carried *what,
                         weft_error *err);
/* The same from tensors: SPK_FRAMES f32 [frames, n_mels] as they are, or SPK_SAMPLES f32 [n] at 16
 * kHz, which preprocess will be given. *found 0: neither is there. [any] */
weft_status spk_clip_tensors(const spk_clip_rule *rule, const weft_tensor *inputs,
                             const char *const *names, uint32_t n, spk_carried *what, int *found,
                             weft_error *err);
/* LIMIT where n tokens are more than --max-tokens. [any] */
weft_status spk_clip_tokens(int64_t n, const weft_limits *lim, weft_error *err);

/* An empty plan of what->n_frames frames as its one input. [any] */
void spk_clip_plan(const spk_clip_rule *rule, const spk_carried *what, weft_plan *p);
/* One more output f32 [rows, columns], all of whose rows sites see. [any] */
void spk_clip_output(weft_plan *p, const char *name, const char *stream, int64_t rows,
                     int64_t columns);
/* p to a caller whose struct may be shorter. [any] */
void spk_clip_give(const weft_plan *p, weft_plan *out);

/* Preprocess: reads the plan's part of media into frames [n_frames, n_mels]. CORRUPT: it ends
 * before that; STATE: the plan is another recording's. [worker] */
weft_status spk_clip_read(const spk_mel *mel, const weft_media *media, const weft_plan *p,
                          float *frames, weft_error *err);

#endif
