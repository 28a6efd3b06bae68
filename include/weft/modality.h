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

/* The host, in front of some decoder: conversions and checks done. The three reads are those of
 * weft_decoder, with the same layouts and ranges; one that media of this kind never need may be
 * NULL, or answers UNSUPPORTED. *info lives as long as this struct. */
typedef struct weft_media {
    weft_hdr               hdr;
    void                  *ctx;
    const weft_media_info *info;
    weft_status (*read_frames)(void *ctx, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us,
                               weft_error *err); /* [worker] */
    weft_status (*read_audio)(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err); /* [worker] */
    weft_status (*read_rows)(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err); /* [worker] */
} weft_media;

/* What the user asked of this item; -1: nothing said. */
typedef struct weft_request {
    weft_hdr hdr;
    int64_t  start_us, end_us;
    int32_t  max_frames, reserved;
} weft_request;

/* One tensor of a plan. An input is a host tensor that preprocess fills, of which encode gets a
 * device copy; an output is a device tensor [..., rows, d], f32, that encode fills. Names are the
 * reference's ("pixel_values", "vision.output"): `weft preprocess` and `weft model verify` use
 * them.
 */
typedef struct weft_plan_tensor {
    weft_hdr         hdr;
    weft_tensor_spec spec; /* every size 1 at least; 8, 32 or 64 bits, one lane */
    const char      *name; /* lives as long as the modality, as stream does; required */
    /* Of an output: it goes to every site that names this stream, whoever owns the site; NULL: it
     * is only looked at, and encode skips it when its tensor has no data. */
    const char *stream;
    /* Leading rows of an output (flattened to [rows, d]) that sites see, and that `weft model
     * verify` compares; 0, which is for outputs without a stream: it compares all. */
    int64_t stream_rows;
} weft_plan_tensor;

#define WEFT_PLAN_TENSORS 8    /* inputs, and outputs, that every plan has room for */
#define WEFT_PLAN_CARRIED 64   /* bytes that every plan can carry */
#define WEFT_PLAN_LAYOUT 16384 /* bytes of a layout that every plan has room for */

/* An item's sizes, from metadata alone: no pixels, no device, no weights. The memory is the host's:
 * on entry n_inputs, n_outputs, n_placeholders and scratch_bytes are 0, the arrays hold as many
 * zero elements as max_inputs and max_outputs say (WEFT_PLAN_TENSORS at least), walked by WEFT_AT,
 * carried is so many zero bytes (WEFT_PLAN_CARRIED at least), aligned to 16, and layout is so many
 * (WEFT_PLAN_LAYOUT at least). The plan fills the counts, the first elements, carried and, where it
 * wants one, layout; the pointers, the capacities and the sizes stay. */
typedef struct weft_plan {
    weft_hdr          hdr;
    uint32_t          n_inputs, n_outputs; /* n_outputs: 1 at least */
    uint32_t          max_inputs, max_outputs;
    weft_plan_tensor *inputs, *outputs;
    /* Tokens that the item takes in the text, 1 at least: 1 for a cross-attended image; where soft
     * tokens stand for it, as many as the stream_rows of the first output. */
    int64_t  n_placeholders;
    uint64_t scratch_bytes; /* device memory; an upper bound; encode gets the sum over its items */
    void    *carried; /* the plugin's own, which preprocess, encode and preview get with the plan.
                         Items whose inputs, carried bytes and layout are equal are one item. */
    uint64_t carried_bytes;
    /* Of soft tokens with text between them (the tiles of a picture, each with its place): what
     * stands in the text for the item, in place of the marker's before and after, which the
     * tokenizer must have all the same. In it the marker's token stands for a run of placeholders,
     * each of the runs being equally long, and the string of any other special token for that
     * token. Ends with a NUL. "": one run. */
    char    *layout;
    uint64_t layout_bytes;
    /* Plain text at the start and at the end of a layout, in bytes, that is one text with what
     * stands before and after the item: it becomes tokens with that, and no special ones, except
     * within a whole_prompt, of which it then is a part. */
    uint64_t lead_bytes, trail_bytes;
} weft_plan;

/* input[i], output[i]: device tensors in the order of the plan; input_host[i] are the same inputs
 * as host tensors, so that small integers can steer the encoder. Inputs are not written to. */
typedef struct weft_encode_item {
    weft_hdr           hdr;
    const weft_plan   *plan;
    const weft_tensor *input, *output, *input_host;
} weft_encode_item;

/* Life: create -> install (where there is a text core) -> load (not where only plans are wanted) ->
 * plans, preprocesses and encodes -> destroy. */
#define WEFT_C_MODALITY "weft.modality/1"
typedef struct weft_modality {
    weft_hdr hdr;
    /* The kinds of media that it takes, 1 to 15 of them and a NULL; one live modality a kind.
     * Required. */
    const char *const *kinds;
    /* Reads config only. mi dies with the call, but its package lives until destroy. *self is NULL
     * on entry: on success it gets what destroy frees, which is not NULL; on failure everything is
     * freed already. UNSUPPORTED: this package is not for it; the plugin stays loaded, idle.
     * Required. [setup] */
    weft_status (*create)(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err);
    /* Reads weights. Not called for --plan and preprocess. NULL: there are none. [setup] */
    weft_status (*load)(void *self, weft_error *err);
    void (*destroy)(void *self); /* Required. [setup] */
    /* Declares sites and markers through sink, which dies with the call. Once, after create; not
     * called when there is no text core. Required. [setup] */
    weft_status (*install)(void *self, const weft_hook_sink *sink, weft_error *err);
    /* Default prompts of a task ("describe", ...). Of a modality with several kinds whose struct
     * reaches whole_prompt the task with the item's kind ("describe video") is asked for first,
     * since older ones were made before there were such tasks. *system and *user are NULL on entry,
     * which says that there is none; the strings live as long as the modality. NULL: none for any
     * task. [any] */
    weft_status (*prompt)(void *self, const char *task, const char **system, const char **user,
                          weft_error *err);
    /* mi and rq die with the call. out: see weft_plan. LIMIT names the option. Required. [any] */
    weft_status (*plan)(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err);
    /* `model verify`: items from tensors instead of media. Tensors are host tensors in C order
     * whose first axis is the item; out holds cap plans, each as plan gets one, walked by WEFT_AT;
     * fills the first ones and sets *n_items, which is 0 on entry and stays so where the tensors
     * are of another kind of media. NULL: not supported. [any] */
    weft_status (*plan_inputs)(void *self, const weft_tensor *inputs, const char *const *names,
                               uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                               weft_error *err);
    /* inputs[i]: host tensors of the plan's specs, in C order, zeroed. Work that is large goes
     * through the host's threads (pool.h). Required. [worker] */
    weft_status (*preprocess)(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err);
    /* Encodes n items, walked by WEFT_AT, all in one go where the encoder can. Pure: the same
     * inputs give the same bytes, whatever else is in the batch. scratch: u8, device memory of the
     * items' summed scratch_bytes, with data NULL where that is 0. Outputs and scratch are zeros;
     * all rows of every output that has data are written. After load only. Required. [encode] */
    weft_status (*encode)(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err);
    /* Parameters that load() will read, from config alone: for --plan. The host adds the sites'
     * own. NULL: 0. [any] */
    uint64_t (*parameters)(void *self);
    /* What the encoder is given, for a person to look at: pictures of one size, u8 [n, height,
     * width, 3] in C order, sRGB. rgb is on entry a host tensor; with data NULL only shape,
     * strides, dtype and bytes are filled; else it holds that much and gets the same pictures. data
     * stays as it is. NULL: there is nothing to see. [worker] */
    weft_status (*preview)(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err);
    /* The longest medium, in us, that one item may be: parts of a long one are cut no longer. NULL:
     * any length. [any] */
    int64_t (*longest_us)(void *self);
    /* Gives sink every weight that load() will get, from config alone, after create; sink dies with
     * the call. The host then tells what each takes, in the format that it will have. NULL: what
     * the encoder takes is estimated from parameters(). [setup] */
    weft_status (*weights)(void *self, const weft_weight_sink *sink, weft_error *err);
    /* The languages that the model can do a task in ("transcribe", ...): codes or English names
     * with commas between, as long as the modality lives. NULL, or the function NULL: its files do
     * not say. [any] */
    const char *(*languages)(void *self, const char *task);
    /* The whole prompt of a task that the model was trained to do with a text that its chat format
     * does not write, such as one that goes on behind the user's turn. It is taken where the user
     * gave no words of their own. It follows the token that begins a text; in it the marker's
     * string stands for the item, and the string of any other special token for that token.
     * "{code}" becomes the language's code (languages.h); has_language 0: none was named, and the
     * prompt has no "{code}". *prompt is NULL on entry, which says that the chat format is used
     * with what prompt() gives; the string lives as long as the modality. NULL: none for any task.
     * [any]
     */
    weft_status (*whole_prompt)(void *self, const char *task, int32_t has_language,
                                const char **prompt, weft_error *err);
} weft_modality;

/* Long and live media: finds segments and pushes them; push returns when the host has taken one. A
 * component of its own, found by kind, so that a modality needs none. A segment's media gives its
 * own samples from its start; it is valid during push only. silent 1: nothing worth decoding was
 * found in it. From speech_start_us to speech_end_us, on the recording's own clock, somebody speaks
 * in it, so that subtitles need not stand longer; both 0: not known. */
typedef struct weft_segment {
    weft_hdr          hdr;
    int64_t           start_us, end_us;
    int32_t           silent, reserved;
    const weft_media *media;
    int64_t           speech_start_us, speech_end_us;
} weft_segment;

typedef struct weft_segment_sink {
    weft_hdr hdr;
    void    *ctx;
    weft_status (*push)(void *ctx, const weft_segment *s, weft_error *err);
} weft_segment_sink;

#define WEFT_C_SEGMENTER "weft.segmenter/1"
typedef struct weft_segmenter {
    weft_hdr           hdr;
    const char *const *kinds; /* 1 to 15 of them and a NULL. Required. */
    /* Reads m to its end, whatever its length, in bounded memory, and pushes the segments in order.
     * max_us: no segment is longer. A failure of push is the failure. Required. [worker] */
    weft_status (*run)(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err);
    /* Reads weights from the directory that the plugin's `weights` names: p, which dies with the
     * call, as do the tensors of weights.get, so what run needs is kept in h->slot. Called before
     * every run; what it did once it need not do again. A segmenter that has this function is taken
     * only where `weights` is given, and then before all that have none. A plugin with a live
     * modality cannot have it: both would read one `weights`. NULL: it needs no weights. [setup] */
    weft_status (*load)(const weft_host *h, const weft_package *p, weft_error *err);
} weft_segmenter;

#ifdef __cplusplus
}
#endif
#endif
