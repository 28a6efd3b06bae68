/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.video: what config.json says, the weights, and what is known of one clip.
 *
 * The words of the code: n_frames *frames* are sampled from a clip, evenly in time. Each of them
 * goes through the picture encoder of weft.vision and gives num_tiles * rows *rows* of d_encoder
 * numbers. A *group* is `group` consecutive frames; the last group may be shorter. The resampler
 * turns the rows of a group into one *effective frame*, which is n_latents rows of the resampler's
 * width. The text core reads these rows at the video cross-attention sites.
 *
 * docs/VIDEO_LAYOUT.md describes the layout of a directory. Source: Llama 3 paper, sections 7.2
 * and 7.4. What the paper leaves open is taken from Idefics (for the resampler) and from Mllama
 * (for the cross-attention layers). */
#ifndef VID_VIDEO_H
#define VID_VIDEO_H

#include "weft/sdk.h"
#include "weft/services/vision_encoder.h"

#include "../../common/modality.h"
#include "../../common/request.h"
#include "../shared/resampler.h"
#include "../../common/run.h"

#define VID_ID "weft.video"
#define VID_VERSION "0.1.0"
#define VID_ARCHITECTURE "WeftVideoModel"
#define VID_STREAM "weft.video/video"
#define VID_CONFIG "config.json"
#define VID_OPT_ENCODER "encoder"
#define VID_OPT_BATCH "batch_mib"

#define VID_MAX_SITES 64
#define VID_MAX_FRAMES 4096
/* The most context rows of a group. Their sizes in bytes then stay far from 2^63. */
#define VID_MAX_ROWS (1 << 26)

typedef struct vid_config {
    /* The text core that it was trained for, and its sites there. */
    int32_t     d_text, n_text_layers, n_heads, n_kv_heads, head_dim, d_ffn;
    float       norm_eps;
    int32_t     n_sites, site[VID_MAX_SITES]; /* hook coordinates, rising */
    int32_t     hook_order;
    const char *marker;    /* lives until deinit */
    int32_t     marker_id; /* -1: the tokenizer's id for it */
    /* Frames. */
    int32_t              d_encoder;  /* width of the picture encoder's rows */
    int32_t              max_frames; /* rows of the time table */
    int32_t              n_frames;   /* taken from a clip unless the user says otherwise */
    int32_t              group;      /* consecutive frames that become one effective frame */
    vis_resampler_config resampler;
    const char          *describe; /* lives until deinit */
} vid_config;

/* Reads and range-checks config.json. UNSUPPORTED: another architecture's directory; INVALID names
 * key, value and range. [setup] */
weft_status vid_config_read(const weft_host *h, const weft_package *p, vid_config *out,
                            weft_error *err);

typedef struct vid_weights {
    plg_pair      in;   /* video_projector: [d, d_encoder], [d] */
    weft_tensor   time; /* [max_frames, d] */
    vis_resampler resampler;
} vid_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status vid_weights_load(const weft_host *h, const weft_package *p, const vid_config *c,
                             vid_weights *out, weft_error *err);
void        vid_weights_free(const weft_host *h, vid_weights *w); /* safe on zeroed memory */
/* The number of parameters that vid_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t vid_weights_count(const weft_host *h, const vid_config *c);
/* Gives sink every weight that vid_weights_load gets. [setup] */
weft_status vid_weights_tell(const weft_host *h, const weft_package *p, const vid_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* What weft_modality's self points to. `eyes` is the service of weft.vision that lends the picture
 * encoder; `encoder` is the one that was opened through it, and `sizes` are that encoder's. */
typedef struct vid_modality {
    const weft_host              *host;
    const weft_package           *package;
    const weft_if_ops            *ops;
    const weft_if_vision_encoder *eyes;
    weft_vision_encoder          *encoder;
    weft_vision_sizes             sizes;
    uint64_t    batch_bytes; /* device memory for frames that are encoded together */
    int32_t     core_layers, core_d_model, core_vocab; /* 0: no text core */
    int32_t     loaded;
    vid_config  config;
    vid_weights weights;
} vid_modality;

/* The inputs, in the order of a plan. */
enum { VID_PIXELS, VID_RATIO_ID, VID_NUM_TILES, VID_TIMES, VID_N_INPUTS };
extern const char *const vid_input_names[VID_N_INPUTS];
/* The outputs. The first goes to the sites; the others are only there for `weft model verify`. */
enum { VID_OUT, VID_FEATURES, VID_CONTEXT, VID_N_OUTPUTS };

/* What a plan carries to preprocess and encode in weft_plan.carried. Frames are sampled from the
 * span start_us .. end_us. width and height are the clip's; they are 0 where the plan was made from
 * tensors and there is no clip. */
typedef struct vid_carried {
    int64_t          start_us, end_us;
    int32_t          n_frames, width, height, reserved;
    weft_vision_grid grid;
} vid_carried;

/* The time of frame i of n: the middle of the i-th of n equal parts of the span. [any] */
int64_t vid_time_of(const vid_carried *what, int32_t i);
/* The number of frames in group g of a clip, and the number of groups. [any] */
int32_t vid_group_frames(const vid_config *c, int32_t n_frames, int32_t g);
int32_t vid_groups(const vid_config *c, int32_t n_frames);

/* plan.c: weft_modality's plan. [any] */
weft_status vid_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
/* plan.c: fills *p for a clip; shared with inputs.c. [any] */
void vid_plan_fill(const vid_modality *m, const vid_carried *what, weft_plan *p);
/* inputs.c: weft_modality's plan_inputs. */
weft_status vid_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* frames.c: weft_modality's preprocess and preview. */
weft_status vid_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err);
weft_status vid_preview(void *self, const weft_plan *p, const weft_tensor *inputs, weft_tensor *rgb,
                        weft_error *err);

/* hooks.c: checks that the adapter fits the text core that is open. INVALID says why it does not.
 * [setup] */
weft_status vid_hooks_check(const vid_modality *m, weft_error *err);
/* hooks.c: weft_modality's install. [setup] */
weft_status vid_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* encode.c: how many frames are encoded together, so that they fit m->batch_bytes. [any] */
int32_t vid_batch(const vid_modality *m, const vid_carried *what);
/* encode.c: the bytes of device memory that encoding one clip needs. [any] */
uint64_t vid_scratch_bytes(const vid_modality *m, const vid_carried *what);
/* Enqueues the encoder and the resampler for one clip. [encode] */
weft_status vid_encode(const vid_modality *m, const weft_encode_item *item, weft_queue *q,
                       const weft_tensor *scratch, weft_error *err);

/* modality.c */
extern const weft_modality vid_modality_table;

#endif
