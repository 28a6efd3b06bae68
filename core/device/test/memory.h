/* SPDX-License-Identifier: Apache-2.0 */
/* The test device's memory: one reserved range, in which every allocation stands between canaries,
 * starts as poison, and is known byte by byte as written or not. Callers hold the device's lock. */
#ifndef WF_TEST_MEMORY_H
#define WF_TEST_MEMORY_H

#include <stdbool.h>

#include "core/base/status.h"

#define WF_TEST_BYTES ((uint64_t)8 << 30) /* address space only */

typedef struct wf_test_block { /* of the range, in address order */
    struct wf_test_block *next;
    uint64_t              offset, bytes; /* whole pages */
    uint64_t              asked;         /* of an allocation, which starts WF_ALIGN further on */
    int32_t               live, freed;   /* freed: was an allocation once */
} wf_test_block;

typedef struct wf_test_memory {
    uint8_t       *base;    /* unreadable but between open and shut */
    uint8_t       *written; /* a byte for each of the range: 1 where somebody has written */
    wf_test_block *blocks;
    uint64_t       cursor; /* addresses are used again only when all have been used */
} wf_test_memory;

weft_status wf_test_memory_init(wf_test_memory *m, weft_error *err);
void        wf_test_memory_free(wf_test_memory *m); /* safe on zeroed memory */

/* NULL: out of memory. */
void *wf_test_memory_take(wf_test_memory *m, uint64_t bytes);
/* The live block that starts at p and is free from here on; false: p is none. *intact: nobody has
 * written around it. */
bool     wf_test_memory_give(wf_test_memory *m, void *p, bool *intact);
uint64_t wf_test_memory_left(const wf_test_memory *m);

/* Lets ops run, and makes the range unreadable again. */
void wf_test_memory_open(wf_test_memory *m);
void wf_test_memory_shut(wf_test_memory *m);

bool wf_test_memory_has(const wf_test_memory *m, const void *p); /* is p an address of it? */
/* The block, live or not, whose pages hold p. */
wf_test_block *wf_test_memory_block(const wf_test_memory *m, const void *p);
uint8_t       *wf_test_block_data(const wf_test_memory *m, const wf_test_block *b);

/* While open: are b's canaries whole? They are made whole again. */
bool wf_test_block_check(wf_test_memory *m, const wf_test_block *b);
/* While open: what no longer holds poison counts as written. For bodies that cannot be asked. */
void wf_test_block_find_written(wf_test_memory *m, const wf_test_block *b);

/* The marks of n bytes at p, an address of the range. */
static inline uint8_t *wf_test_written(const wf_test_memory *m, const void *p)
{
    return m->written + ((const uint8_t *)p - m->base);
}

/* ---- poison: no number in f32, f16 and bf16, and no index ---- */

static inline uint8_t wf_poison_at(const void *p)
{
    return ((uintptr_t)p & 1) != 0 ? 0xFF : 0xA5;
}
void wf_poison_fill(void *p, uint64_t bytes);
/* Does p still hold poison? p is host memory that may have been freed since. */
bool wf_poison_holds(const void *p, uint64_t bytes);

#endif
