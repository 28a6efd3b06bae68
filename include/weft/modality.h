/* SPDX-License-Identifier: Apache-2.0 */
/* weft/modality.h: media to rows: what an adapter gives the host.
 *
 * Life of an item: plan (sizes only) -> preprocess (host tensors) -> encode (device tensors on a
 * queue). The host owns items, their outputs and everything per sequence. */
#ifndef WEFT_MODALITY_H
#define WEFT_MODALITY_H

#include "decoder.h"
#include "hooks.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_model_info {
    weft_hdr            hdr;
    const weft_package *package; /* where this plugin's config and weights are */
    int32_t n_layers, d_model, n_heads, n_kv_heads, head_dim, vocab; /* 0: no text core */
    int32_t device_type;
    float   norm_eps;
} weft_model_info;

/* The host, in front of some decoder: conversions and checks done. */
typedef struct weft_media {
    weft_hdr               hdr;
    void                  *ctx;
    const weft_media_info *info;
    weft_status (*read_frames)(void *ctx, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us,
                               weft_error *err); /* [worker] */
    weft_status (*read_audio)(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err); /* [worker] */
} weft_media;

/* What the user asked of this item; -1: nothing said. */
typedef struct weft_request {
    weft_hdr hdr;
    int64_t  start_us, end_us;
    int32_t  max_frames, reserved;
} weft_request;

#define WEFT_MAX_INPUTS 8
#define WEFT_MAX_OUTPUTS 8

/* From metadata alone: no pixels, no device, no weights. Inputs are host tensors that preprocess
 * fills; encode gets device copies of them. Names are the reference's ("pixel_values",
 * "vision.output"): `weft preprocess` and `weft model verify` use them. An output goes to every
 * site that names its stream, whoever owns the site; stream NULL: only looked at, and encode skips
 * it when its tensor has no data. */
typedef struct weft_plan {
    weft_hdr         hdr;
    uint32_t         n_inputs, n_outputs;
    weft_tensor_spec input[WEFT_MAX_INPUTS];
    const char      *input_name[WEFT_MAX_INPUTS];
    weft_tensor_spec output[WEFT_MAX_OUTPUTS]; /* [..., rows, d] f32 */
    const char      *output_name[WEFT_MAX_OUTPUTS];
    const char      *stream[WEFT_MAX_OUTPUTS];
    int64_t stream_rows[WEFT_MAX_OUTPUTS]; /* leading rows of output (flattened to [rows, d]) that
                                              sites see */
    int64_t
        n_placeholders; /* tokens that the item takes in the text: 1 for a cross-attended image */
    uint64_t scratch_bytes; /* device; an upper bound; encode gets the sum over its items */
    uint8_t  opaque[64];    /* the plugin's own, carried to preprocess and encode */
} weft_plan;

/* input[i], output[i]: device tensors in the order of the plan; input_host[i] are the same inputs
 * as host tensors, so that small integers can steer the encoder. */
typedef struct weft_encode_item {
    const weft_plan   *plan;
    const weft_tensor *input, *output, *input_host;
} weft_encode_item;

#define WEFT_C_MODALITY "weft.modality/1"
typedef struct weft_modality {
    weft_hdr           hdr;
    const char *const *kinds; /* NULL-terminated; one live modality a kind */
    /* Config only. UNSUPPORTED: this package is not for it; the plugin stays loaded, idle. [setup]
     */
    weft_status (*create)(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err);
    /* Weights. Not called for --plan and preprocess. [setup] */
    weft_status (*load)(void *self, weft_error *err);
    void (*destroy)(void *self); /* [setup] */
    /* Once, after create; not called when there is no text core. [setup] */
    weft_status (*install)(void *self, const weft_hook_sink *sink, weft_error *err);
    /* Default prompts of a task ("describe", ...); NULL strings: none. [any] */
    weft_status (*prompt)(void *self, const char *task, const char **system, const char **user,
                          weft_error *err);
    weft_status (*plan)(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err); /* [any] */
    /* `model verify`: items from tensors instead of media. Tensors are host tensors whose first
     * axis is the item; fills at most cap plans, sets *n_items. NULL: not supported. [any] */
    weft_status (*plan_inputs)(void *self, const weft_tensor *inputs, const char *const *names,
                               uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                               weft_error *err);
    /* inputs[i]: host tensors of the plan's specs, zeroed. [worker] */
    weft_status (*preprocess)(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err);
    /* Pure: the same inputs give the same bytes, whatever else is in the batch. scratch: device
     * memory of the items' summed scratch_bytes. Outputs and scratch are zeros. [encode] */
    weft_status (*encode)(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err);
    /* Parameters that load() will read, from config alone: for --plan. The host adds the sites'
     * own. [any] */
    uint64_t (*parameters)(void *self);
    /* What the encoder is given, for a person to look at: pictures of one size, u8 [n, height,
     * width, 3]. rgb->data NULL: only the shape is wanted; else it holds that much. NULL: there is
     * nothing to see. [worker] */
    weft_status (*preview)(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err);
    /* The longest medium, in us, that one item may be: parts of a long one are cut no longer. NULL:
     * any length. [any] */
    int64_t (*longest_us)(void *self);
} weft_modality;

/* Long and live media: finds segments and pushes them; push returns when the host has taken one. A
 * component of its own, found by kind, so that a modality needs none. A segment's media gives its
 * own samples from its start; it is valid during push only. silent 1: nothing worth decoding was
 * found in it. */
typedef struct weft_segment {
    weft_hdr          hdr;
    int64_t           start_us, end_us;
    int32_t           silent, reserved;
    const weft_media *media;
} weft_segment;

typedef struct weft_segment_sink {
    weft_hdr hdr;
    void    *ctx;
    weft_status (*push)(void *ctx, const weft_segment *s, weft_error *err);
} weft_segment_sink;

#define WEFT_C_SEGMENTER "weft.segmenter/1"
typedef struct weft_segmenter {
    weft_hdr           hdr;
    const char *const *kinds; /* NULL-terminated */
    /* Reads m to its end, whatever its length, in bounded memory. max_us: no segment is longer.
     * [worker] */
    weft_status (*run)(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err);
} weft_segmenter;

#ifdef __cplusplus
}
#endif
#endif
