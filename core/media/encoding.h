/* SPDX-License-Identifier: Apache-2.0 */
/* An encode on its way: items of one modality in one call of their encoder. It owns what the call
 * needs and no item keeps: device copies of the inputs, scratch, and what the device finds when it
 * looks through the outputs. Everything is enqueued on the queue of encoders, so that the whole of
 * it is waited for once.
 *
 *     status = wf_encoding_start(items, n, &b, err);
 *     ...                                 other queues run beside it
 *     status = wf_encoding_wait(b, err);
 *     status = wf_encoding_check(b, k, err);     the outputs of each item
 *     wf_encoding_free(b);
 *
 * An engine has one at a time. One thread. */
#ifndef WF_ENCODING_H
#define WF_ENCODING_H

#include "core/media/item.h"

/* Memory of one item in an encode: the arenas', but for the outputs, which are the item's. What
 * stands on the host is where copies need nobody to wait. */
typedef struct wf_encode_job {
    weft_tensor input[WF_MAX_INPUTS], output[WF_MAX_OUTPUTS];
    void       *staged[WF_MAX_INPUTS]; /* host copies of the inputs */
    int64_t    *found;                 /* [rows of all outputs] as wf_finite says of each row */
    int64_t    *device_found;          /* the same on the device */
} wf_encode_job;

struct wf_encoding {
    weft_item       *items[WF_ENCODE_BATCH];
    char            *several; /* what messages call more than one; owned; NULL: not known */
    uint32_t         n, reserved;
    double           start; /* when it began */
    weft_tensor      scratch;
    wf_encode_job    jobs[WF_ENCODE_BATCH];
    weft_encode_item calls[WF_ENCODE_BATCH];
};

/* Gives n items (at most WF_ENCODE_BATCH, of one modality, without outputs) to their encoder and
 * waits for nothing. The items live until the free. On failure *out may still be there: then it is
 * waited for and freed like any other. Outputs that were allocated are the items' own
 * (item->output). Errors: the plugin's own, NOMEM, DEVICE. */
weft_status wf_encoding_start(weft_item *const *items, uint32_t n, wf_encoding **out,
                              weft_error *err);
/* Whether wf_encoding_wait would return at once. Where the device cannot be asked it is true, for
 * the wait is what tells of failures. */
bool wf_encoding_done(const wf_encoding *b);
/* Waits for all of it. A failure is the device's, or the plugin's where its kernels failed. */
weft_status wf_encoding_wait(wf_encoding *b, weft_error *err);
void        wf_encoding_free(wf_encoding *b); /* after a wait; NULL is fine */

/* item_encode.c. Begins an encode of n items that wait for one, and leaves it under way; another
 * that is under way is ended first. On failure none has begun, and none has outputs. */
weft_status wf_items_begin(weft_item *const *items, uint32_t n, weft_error *err);

/* encoding_check.c. Has the device look through the outputs of item k, behind what fills them. */
weft_status wf_encoding_look(wf_encoding *b, uint32_t k, weft_error *err);
/* Memory for what it finds. */
weft_status wf_encoding_look_open(wf_encoding *b, uint32_t k, weft_error *err);
/* After a wait that was well: NUMERIC where an output of item k holds what is no number, INTERNAL
 * at stage PLUGIN where, under validation, it was not written. */
weft_status wf_encoding_check(const wf_encoding *b, uint32_t k, weft_error *err);

#endif
