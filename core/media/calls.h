/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that this room makes into decoders and modalities, each through a visit
 * (core/plugin/visit.h), and what they filled looked at before anybody believes it. file is what
 * the call is about, for messages: a path, or NULL. Failures of the plugin's own making (OK with
 * nothing behind it, sizes that cannot be) are INTERNAL at stage PLUGIN; other stages are the
 * caller's to say. The thread classes are those of the functions in weft/decoder.h and
 * weft/modality.h. */
#ifndef WF_CALLS_H
#define WF_CALLS_H

#include "core/media/modalities.h"
#include "core/media/plan.h"
#include "weft/decoder.h"

/* A decoder at work. */
typedef struct wf_decoding {
    const weft_decoder *vt;
    wf_plugin          *plugin;
    void               *dec;                /* NULL: not open */
    const char         *kind;               /* one of vt->kinds */
    const char         *file;               /* borrowed */
    int32_t             validate, reserved; /* what it fills is checked (core/media/fill.h) */
} wf_decoding;

/* The item of which a modality is asked for pictures. */
typedef struct wf_preview {
    const char        *file;
    const weft_plan   *plan;
    const weft_tensor *inputs;
    uint64_t           max_bytes;          /* of the pictures */
    int32_t            validate, reserved; /* what it fills is checked (core/media/fill.h) */
} wf_preview;

/* 0 to 100, WEFT_PROBE_*. p->name_hint is the file. */
int32_t wf_decoder_probe(const weft_decoder *vt, wf_plugin *plugin, const weft_probe *p);
/* On failure d->dec is NULL. */
weft_status wf_decoder_open(wf_decoding *d, const weft_source *src, const weft_limits *lim,
                            weft_error *err);
/* *out: of d->kind; its sizes are not negative, its times are known or -1. */
weft_status wf_decoder_info(const wf_decoding *d, weft_media_info *out, weft_error *err);
/* dst of both: a view in C order of just what is asked for. UNSUPPORTED where the decoder has no
 * such function. at_us holds time_us at first. */
weft_status wf_decoder_frames(const wf_decoding *d, const int64_t *time_us, uint32_t n,
                              const weft_tensor *dst, int64_t *at_us, weft_error *err);
/* *got is within 0..n. */
weft_status wf_decoder_audio(const wf_decoding *d, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err);
weft_status wf_decoder_rows(const wf_decoding *d, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err);
void        wf_decoder_close(wf_decoding *d); /* one that is not open is fine */

/* On failure m->self is NULL. UNSUPPORTED keeps the plugin's own words. */
weft_status wf_modality_create(wf_modality *m, const weft_model_info *mi, weft_error *err);
weft_status wf_modality_load(const wf_modality *m, weft_error *err);
weft_status wf_modality_install(const wf_modality *m, const weft_hook_sink *sink, weft_error *err);
void        wf_modality_destroy(wf_modality *m);
/* NULL strings: it has none. */
weft_status wf_modality_prompt(const wf_modality *m, const char *task, const char **system,
                               const char **user, weft_error *err);
/* *out, in room, as the plugin filled it, its header and counts within their arrays; wf_plan_fault
 * looks at the rest. */
weft_status wf_modality_plan(const wf_modality *m, const char *file, const weft_media_info *mi,
                             const weft_request *rq, const weft_limits *lim, weft_plan *out,
                             wf_plan_room *room, weft_error *err);
/* out, rooms: cap of each. *n_items is at most cap. */
weft_status wf_modality_plan_inputs(const wf_modality *m, const char *file,
                                    const weft_tensor *inputs, const char *const *names, uint32_t n,
                                    weft_plan *out, wf_plan_room *rooms, uint32_t cap,
                                    uint32_t *n_items, weft_error *err);
weft_status wf_modality_preprocess(const wf_modality *m, const char *file, const weft_media *media,
                                   const weft_plan *p, const weft_tensor *inputs, weft_error *err);
weft_status wf_modality_encode(const wf_modality *m, const char *file,
                               const weft_encode_item *items, uint32_t n, weft_queue *q,
                               const weft_tensor *scratch, weft_error *err);
/* The queue that encode filled is waited for: its kernels run here where the device is
 * asynchronous. */
weft_status wf_modality_wait(const wf_modality *m, const char *file, weft_queue *q,
                             weft_error *err);
/* Whether that wait would return at once (wf_queue_done). */
weft_status wf_modality_done(const wf_modality *m, const char *file, weft_queue *q, bool *done);
/* The pictures of an item as weft_item_preview says. rgb->data NULL: *rgb becomes a view without
 * data of what they are; else rgb->bytes are there, and INVALID says that they are too few. */
weft_status wf_modality_preview(const wf_modality *m, const wf_preview *what, weft_tensor *rgb,
                                weft_error *err);
/* UNSUPPORTED: it does not say which weights it will get. */
weft_status wf_modality_weights(const wf_modality *m, const weft_weight_sink *sink,
                                weft_error *err);
uint64_t    wf_modality_parameters(const wf_modality *m);
/* The longest medium, in us, that one item may be; INT64_MAX: any length. */
int64_t wf_modality_longest_us(const wf_modality *m);
/* The whole prompt of a task; *prompt NULL: there is none. */
weft_status wf_modality_whole_prompt(const wf_modality *m, const char *task, bool has_language,
                                     const char **prompt, weft_error *err);
/* The languages of a task, with commas between; NULL: it does not say. */
const char *wf_modality_languages(const wf_modality *m, const char *task);

/* What of the memory that a plan was lent the plugin has changed, or which count is beyond it;
 * false: nothing. */
bool wf_plan_form_fault(const weft_plan *p, const wf_plan_room *room, char *text, size_t cap);
/* What makes a plan one that cannot be, with the field and what it holds ("inputs[0].name NULL"),
 * written to text [cap]; false: nothing. max_bytes: of one tensor. */
bool wf_plan_fault(const weft_plan *p, uint64_t max_bytes, char *text, size_t cap);
/* The plan of a file told to whoever listens with -vv. */
void wf_plan_tell(const wf_modality *m, const char *file, const weft_plan *p);

#endif
