/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a device, or of the host for its copies, that is wanted again and again in the same
 * sizes: an encoder's inputs and scratch. Pieces are allocations of their own, kept after use; one
 * that nobody has asked for over some rounds goes back to the device. One thread at a time. */
#ifndef WF_ARENA_H
#define WF_ARENA_H

#include "core/device/device.h"

typedef struct wf_arena_piece wf_arena_piece;

typedef struct wf_arena {
    wf_device      *device; /* borrowed */
    wf_arena_piece *pieces;
    uint64_t        round;
    bool            of_host; /* pieces are of wf_device_host_alloc */
} wf_arena;

void wf_arena_init(wf_arena *a, wf_device *d);
void wf_arena_init_host(wf_arena *a, wf_device *d);
void wf_arena_free(wf_arena *a); /* after a wait; safe on zeroed memory */

/* bytes > 0 until the next wf_arena_end, WF_ALIGN-aligned; contents undefined: what an earlier
 * round has left. NOMEM leaves *out NULL. */
weft_status wf_arena_take(wf_arena *a, uint64_t bytes, void **out, weft_error *err);
/* A round is over: all that was taken is free for the next. After a wait for what used it. */
void     wf_arena_end(wf_arena *a);
uint64_t wf_arena_bytes(const wf_arena *a); /* what it holds */

#endif
