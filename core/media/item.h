/* SPDX-License-Identifier: Apache-2.0 */
/* A media item: what the encoder is given, what it gave, and the K/V pages of the sites that read
 * it. Shared by reference between the caller and the sequences that hold it; two files with the
 * same content are one item. */
#ifndef WF_ITEM_H
#define WF_ITEM_H

#include "core/device/arena.h"
#include "core/kv/budget.h"
#include "core/media/media.h"
#include "core/media/plan.h"
#include "core/model/forward.h"

typedef struct wf_encoding wf_encoding; /* an encode on its way (encoding.h) */

/* What the items of an engine share; the pointers are borrowed. */
typedef struct wf_items {
    weft_item           *list; /* all that live, the youngest first */
    wf_device           *device;
    weft_queue          *queue;        /* steps; the only one that touches pages */
    weft_queue          *encode_queue; /* encoders */
    const wf_hooks      *sites;
    wf_decoder          *decoder; /* projects rows to K/V */
    wf_kv_budget        *budget;
    wf_kv_holder         holder;     /* items can give up their K/V */
    wf_arena             arena;      /* inputs and scratch of the encode under way */
    wf_arena             host_arena; /* what is copied to it and from it */
    wf_encoding         *under_way;  /* the encode that has begun and not ended; NULL: none */
    wf_plan_limits       limits;
    wf_scope            *scope;
    const weft_progress *progress;
    int32_t              validate, reserved; /* what encoders write is checked */
} wf_items;

typedef struct wf_item_kv { /* of one output */
    int32_t  stream;        /* -1: nobody reads it */
    int32_t  n_runs, projected, reserved;
    int64_t  n_rows, d;
    int32_t *runs; /* first page of each run of WF_PAGE_TOKENS rows; each of n_sites pages */
} wf_item_kv;

/* What stands in the text for an item whose plan has a layout: ids, and -1 for each run of
 * `run` placeholders. */
typedef struct wf_item_layout {
    int32_t *ids; /* owned; NULL: none, or not known yet */
    int64_t  n, run;
} wf_item_layout;

struct weft_item {
    struct weft_item *next;
    wf_items         *of;
    wf_modality      *modality;
    int32_t           refs, encoded;
    weft_plan         plan;
    wf_plan_room      room;             /* of plan */
    int32_t           silent, reserved; /* a recording without a sound */
    weft_media_info   info;             /* strings are the decoder's static ones */
    const char       *decoder_id;
    char             *file; /* what it was made from, for messages; owned; NULL: not known */
    weft_tensor       input[WF_MAX_INPUTS];   /* host, owned */
    void             *output[WF_MAX_OUTPUTS]; /* device, owned */
    wf_item_kv        kv[WF_MAX_OUTPUTS];
    wf_item_layout    layout; /* filled by whoever knows the tokenizer (core/text/layout.h) */
    uint64_t          digest[2], last_use; /* last_use: the budget's `now` of its last step */
    double            decode_s, encode_s;
    wf_encoding      *encoding; /* from the begin of an encode to its end, else NULL */
    bool              spoils;   /* it was in a batch that failed or failed in one: it goes alone */
};

/* Registers the items with t->budget, whose fields and all others have been filled; t must not move
 * from here on. */
void wf_items_init(wf_items *t);
void wf_items_free(wf_items *t); /* after a wait; safe on zeroed memory */

/* An item of the given plan, without inputs yet; on success owned by the caller with one reference.
 * file is what messages call it; it is copied. */
weft_status wf_item_create(wf_items *t, wf_modality *m, const char *file, const weft_plan *plan,
                           weft_item **out, weft_error *err);
/* Zeroed host tensors for its inputs. */
weft_status wf_item_alloc_inputs(weft_item *item, weft_error *err);
void        wf_item_hold(weft_item *item);
/* Its inputs are filled: gives it a digest, and replaces *item by an equal one that already exists.
 */
void wf_item_settle(weft_item **item);
/* item_same.c. Fills the item's digest from its plan and inputs. */
void wf_item_digest(weft_item *item);
/* Byte for byte, of two that have a digest: the same encoder would be given the same. */
bool wf_item_equal(const weft_item *a, const weft_item *b);
/* The marker at which it stands, as a place in the sites' markers; -1: nothing reads it. */
int32_t wf_item_marker(const weft_item *item);
/* The tokens that it takes in the text, those of its layout included where that is known, without
 * the marker's before and after. */
int64_t wf_item_tokens(const weft_item *item);
/* UNSUPPORTED: an item without one is fed: its plugin and its stream, which do not fit the model.
 */
weft_status wf_item_unread(const weft_item *item, weft_error *err);
/* The output that `stream` receives, or -1. */
int32_t wf_item_output(const weft_item *item, int32_t stream);

/* item_open.c. An item from media already open: planned for rq, and with prepare its inputs made.
 */
weft_status wf_item_from_media(wf_items *t, wf_modality *m, const weft_media *media,
                               const char *file, const weft_request *rq, const weft_limits *limits,
                               bool prepare, weft_item **out, weft_error *err);
/* An item from a file or pipe, as weft_item_open says. */
weft_status wf_item_open(wf_items *t, wf_media_env *env, const weft_item_request *rq,
                         weft_item **out, weft_error *err);

/* item_encode.c. Gives the item to its encoder, on the queue of encoders, and does not wait: what
 * is done on other queues meanwhile runs beside it, until wf_item_encode ends it. One encode is
 * under way at a time: another that is under way is ended first, and is encoded again if that
 * failed. So is one that the item shares with others, for what is told here is of this item alone.
 * One that is encoded already is fine. */
weft_status wf_item_encode_begin(weft_item *item, weft_error *err);
/* Whether wf_item_encode would not have to wait for the encode that has begun. */
bool wf_item_encode_done(const weft_item *item);
/* Runs the encoder to its end if that has not been done, over outputs and scratch of zeros; the
 * device looks at every value. copies, where not NULL: WF_MAX_OUTPUTS host buffers, each NULL or
 * sized for the output, that receive the outputs. */
weft_status wf_item_encode(weft_item *item, float *const *copies, weft_error *err);
/* Ends the encode that is under way, if there is one. Each of its items is encoded then, or may be
 * given to its encoder again. */
void wf_items_settle(wf_items *t);

/* item_batch.c. Items for one call of their encoder; all zero: none yet. The items are borrowed.
 * What each gives has the bytes that it has alone. */
#define WF_ENCODE_BATCH 16 /* items in one call of an encoder, at most */
typedef struct wf_item_batch {
    weft_item *items[WF_ENCODE_BATCH];
    uint32_t   n, reserved;
    uint64_t   bytes; /* of their inputs and scratch */
} wf_item_batch;
/* Takes the item along if it waits for its encoder and can go with those that are there: of their
 * modality, once, within the limits of items and bytes. The first may have any size. One that has
 * spoiled a batch before, or that has begun elsewhere, is alone in its batch. */
bool wf_item_batch_add(wf_item_batch *b, weft_item *item);
/* As wf_item_encode_begin of all items at once. Where several fail none has begun, and each of them
 * goes alone from then on, unless what fails was cancelled. */
weft_status wf_item_batch_begin(const wf_item_batch *b, weft_error *err);
/* Whether wf_item_batch_end would not have to wait. */
bool wf_item_batch_done(const wf_item_batch *b);
/* Ends what wf_item_batch_begin began. A single item's failure is told as wf_item_encode does. Of
 * several the status is OK: those that failed are not encoded, and are told of once they have gone
 * alone. */
weft_status wf_item_batch_end(const wf_item_batch *b, weft_error *err);
/* Runs the encoder over those of the items that have not been through it and stand beside others of
 * their modality, as many at once as fit into a budget of memory. What fails here is left for
 * wf_item_encode to do and to tell. No item comes twice. */
void wf_items_encode_ahead(weft_item *const *items, uint32_t n);

/* item_kv.c. Makes of the item what rows that see it need, where that has not been done: its
 * outputs (as wf_item_encode) and the K/V of every stream that reads it. The projection is enqueued
 * behind the encoder, and both are waited for. LIMIT: pages are short; the item is encoded then. */
weft_status wf_item_project(weft_item *item, weft_error *err);
void        wf_item_drop_kv(weft_item *item);
/* Pages that projecting it would take. */
int64_t wf_item_pages_needed(const weft_item *item);

/* Named host tensors whose first axis is the item; origin is for messages. */
typedef struct wf_tensor_set {
    const char        *origin;
    const weft_tensor *tensors;
    const char *const *names;
    uint32_t           n, reserved;
} wf_tensor_set;
/* item_tensors.c. Appends the items that the live modalities recognise in the set to
 * items[*n_items..cap). */
weft_status wf_items_from_tensors(wf_items *t, wf_modalities *m, const wf_tensor_set *set,
                                  weft_item **items, uint32_t cap, uint32_t *n_items,
                                  weft_error *err);

#endif
