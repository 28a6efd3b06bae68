/* SPDX-License-Identifier: Apache-2.0 */
/* A recording that a scheduler works on: a segmenter, on a thread of its own that runs only while
 * the scheduler waits for it, pushes parts; each becomes an item, a prompt and a request. */
#ifndef WF_LONG_H
#define WF_LONG_H

#include "core/base/relay.h"
#include "core/engine/scheduler.h"

/* The part in progress. */
typedef struct wf_long_part {
    weft_item      *item;
    weft_sequence  *s;
    char           *text;
    int32_t        *ids;
    uint64_t        n_text, text_cap, n_ids, ids_cap;
    int64_t         start_us, end_us, speech_start_us, speech_end_us;
    bool            silent, told; /* told: its caller has heard of it */
    bool            past;         /* before the request's from_us */
    bool            waits;        /* for its answer */
    double          encode_s;
    weft_generation g;
} wf_long_part;

struct wf_long {
    struct wf_long   *next;
    weft_scheduler   *of;
    weft_job         *job; /* its mark, and what cancels it */
    weft_long_request rq;  /* its strings are borrowed */
    weft_sampling     sampling;
    void (*on_done)(void *ctx, const weft_long_result *result);
    wf_relay     relay;
    bool         opened, started; /* opened: there is media; started: there is a thread */
    wf_media     media;
    wf_modality *modality;
    wf_plugin   *segmenter; /* NULL: the recording is one part */
    wf_long_part part;
    int32_t      index, enough; /* enough: the caller said so */
    weft_status  status;        /* of the parts: a segmenter may reword what it is given */
    weft_error   failed;
    weft_status  ran; /* what the segmenter returned, and why */
    weft_error   why;
};

/* long_part.c, inside the thread. Makes the segment's item and prompt and adds the request that
 * answers it; of a silent one nothing. */
weft_status wf_long_part_begin(wf_long *l, const weft_segment *seg, weft_error *err);
/* Outside: tells the caller of a part that is done. */
void wf_long_part_tell(wf_long *l);
void wf_long_part_free(wf_long_part *p);

/* long.c. Every recording that does not wait for an answer goes on to its next part; those that
 * are done are told and forgotten. */
void wf_longs_advance(weft_scheduler *s);
/* Ends all as CANCELLED; their parts have ended. */
void wf_longs_end(weft_scheduler *s);

#endif
