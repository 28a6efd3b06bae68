/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of many kinds for one engine, each with the tokens that it gives alone. */
#ifndef TEST_CROWD_H
#define TEST_CROWD_H

#include "moods.h"

#define CROWD_KINDS 24
#define CROWD_NEW 12 /* tokens of an answer at most */
#define CROWD_ITEMS 8

/* A request: n tokens of a family (those of one family begin alike), an item among them or none. */
typedef struct kind {
    int32_t       family, n, tail; /* the last `tail` tokens are its own */
    int32_t       item;            /* of the crowd's; -1: none */
    weft_sampling p;
    weft_status   status; /* alone: OK, or what its item makes of it */
    int32_t       ids[CROWD_NEW];
    float         logprobs[CROWD_NEW];
    int32_t       n_new, rows; /* rows: that run until its end, alone */
} kind;

typedef struct crowd {
    rig        r;
    weft_item *items[CROWD_ITEMS];
    int32_t    n_items, first_bad; /* items from first_bad on cannot be encoded */
    kind       kinds[CROWD_KINDS];
} crowd;

/* SplitMix64. */
uint64_t crowd_draw(uint64_t *state);

/* An engine of the pairs. parity NULL: with the plugin of moods, whose items can be bad; else the
 * items of that file. blocks: limit of K/V memory in blocks of text (0: the default). */
void crowd_open(crowd *c, const char *const *pairs, const char *parity, int32_t blocks);
void crowd_close(crowd *c);
/* What every kind gives alone, from weft_step and the public sampler, in c's engine. */
void crowd_alone(crowd *c);

/* A sequence of its first n tokens (n < k->n: without the item and the tail). */
weft_sequence *crowd_begin(crowd *c, const kind *k, int32_t n);
/* The rest of the kind's prompt. */
void crowd_finish(crowd *c, const kind *k, weft_sequence *s);
/* With every sequence gone and the cache emptied no page is left but those of items. */
void crowd_check_pages(crowd *c);

#endif
