/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of memory, used again. */
#include "core/device/arena.h"

#include <string.h>

#include "core/base/mem.h"

#define IDLE_ROUNDS 4 /* after which a piece that nobody took is given back */

struct wf_arena_piece {
    wf_arena_piece *next;
    void           *data;
    uint64_t        bytes, last_use; /* the round */
    bool            taken;
};

void wf_arena_init(wf_arena *a, wf_device *d)
{
    *a = (wf_arena){.device = d, .round = 1};
}

void wf_arena_init_host(wf_arena *a, wf_device *d)
{
    *a = (wf_arena){.device = d, .round = 1, .of_host = true};
}

/* Gives back the pieces that are not taken and were last used before `round`. */
static bool give_back(wf_arena *a, uint64_t round)
{
    bool any = false;
    for (wf_arena_piece **at = &a->pieces; *at != NULL;) {
        wf_arena_piece *p = *at;
        if (p->taken || p->last_use >= round) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (a->of_host)
            wf_device_host_free(a->device, p->data);
        else
            wf_device_free(a->device, p->data);
        wf_free(p);
        any = true;
    }
    return any;
}

void wf_arena_free(wf_arena *a)
{
    for (wf_arena_piece *p = a->pieces; p != NULL; p = p->next)
        p->taken = false;
    (void)give_back(a, UINT64_MAX);
    memset(a, 0, sizeof *a);
}

/* The smallest free piece that is large enough and not much too large. */
static wf_arena_piece *find(const wf_arena *a, uint64_t bytes)
{
    wf_arena_piece *best = NULL;
    for (wf_arena_piece *p = a->pieces; p != NULL; p = p->next)
        if (!p->taken && p->bytes >= bytes && p->bytes - bytes <= bytes / 8 &&
            (best == NULL || p->bytes < best->bytes))
            best = p;
    return best;
}

static weft_status take_memory(const wf_arena *a, uint64_t bytes, void **out, weft_error *err)
{
    return a->of_host ? wf_device_host_alloc(a->device, bytes, out, err)
                      : wf_device_alloc(a->device, bytes, out, err);
}

/* Allocates one more piece. Where memory is short, the pieces that nobody has taken are given back
 * first. */
static weft_status add(wf_arena *a, uint64_t bytes, wf_arena_piece **out, weft_error *err)
{
    wf_arena_piece *p = wf_zalloc(sizeof *p);
    if (p == NULL)
        return wf_fail_nomem(err, sizeof *p, "a piece of memory");
    weft_status status = take_memory(a, bytes, &p->data, err);
    if (status == WEFT_E_NOMEM && give_back(a, UINT64_MAX))
        status = take_memory(a, bytes, &p->data, err);
    if (status != WEFT_OK) {
        wf_free(p);
        return status;
    }
    p->bytes = bytes;
    p->next = a->pieces;
    a->pieces = p;
    *out = p;
    return WEFT_OK;
}

weft_status wf_arena_take(wf_arena *a, uint64_t bytes, void **out, weft_error *err)
{
    wf_arena_piece *p = find(a, bytes);
    weft_status     status = p != NULL ? WEFT_OK : add(a, bytes, &p, err);
    *out = NULL;
    if (status != WEFT_OK)
        return status;
    p->taken = true;
    p->last_use = a->round;
    *out = p->data;
    return WEFT_OK;
}

void wf_arena_end(wf_arena *a)
{
    for (wf_arena_piece *p = a->pieces; p != NULL; p = p->next)
        p->taken = false;
    a->round++;
    if (a->round > IDLE_ROUNDS)
        (void)give_back(a, a->round - IDLE_ROUNDS);
}

uint64_t wf_arena_bytes(const wf_arena *a)
{
    uint64_t bytes = 0;
    for (const wf_arena_piece *p = a->pieces; p != NULL; p = p->next)
        bytes += p->bytes;
    return bytes;
}
