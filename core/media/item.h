/* SPDX-License-Identifier: Apache-2.0 */
/* A media item: what the encoder is given, what it gave, and the K/V pages of the sites that read
 * it. Shared by reference between the caller and the sequences that hold it; two files with the
 * same content are one item. */
#ifndef WF_ITEM_H
#define WF_ITEM_H

#include "core/media/media.h"

typedef struct wf_item_kv { /* of one output */
    int32_t  stream;        /* -1: nobody reads it */
    int32_t  n_runs, projected, reserved;
    int64_t  n_rows, d;
    int32_t *runs; /* first page of each run of WF_PAGE_TOKENS rows; each of n_sites pages */
} wf_item_kv;

struct weft_item {
    struct weft_item *next;
    weft_engine      *engine;
    wf_modality      *modality;
    int32_t           refs, encoded;
    weft_plan         plan;
    weft_media_info   info; /* strings are the decoder's static ones */
    const char       *decoder_id;
    char             *file; /* what it was made from, for messages; owned; NULL: not known */
    weft_tensor       input[WEFT_MAX_INPUTS];   /* host, owned */
    void             *output[WEFT_MAX_OUTPUTS]; /* device, owned */
    wf_item_kv        kv[WEFT_MAX_OUTPUTS];
    uint64_t          digest[2], last_use;
    double            decode_s, encode_s;
};

/* The live modality that takes media of a kind; NULL: none. */
wf_modality *wf_modality_of(weft_engine *e, const char *kind);
/* That there is none, and what the one that would take it said when it was not made. UNSUPPORTED.
 */
weft_status wf_fail_no_modality(const weft_engine *e, const char *kind, weft_error *err);
/* An item from media already open: planned for rq, and with prepare its inputs made. file is what
 * messages call it. */
weft_status wf_item_from_media(weft_engine *e, wf_modality *m, const weft_media *media,
                               const char *file, const weft_request *rq, const weft_limits *limits,
                               bool prepare, weft_item **out, weft_error *err);
/* An item of the given plan, without inputs yet; on success owned by the caller with one reference.
 */
weft_status wf_item_create(weft_engine *e, wf_modality *m, const char *file, const weft_plan *plan,
                           weft_item **out, weft_error *err);
/* Zeroed host tensors for its inputs. */
weft_status wf_item_alloc_inputs(weft_item *item, weft_error *err);
void        wf_item_hold(weft_item *item);
/* Its inputs are filled: gives it a digest, and replaces *item by an equal one that already exists.
 */
void wf_item_settle(weft_item **item);

/* Runs the encoder if it has not run, and checks every value. copies, where not NULL:
 * WEFT_MAX_OUTPUTS host buffers, each NULL or sized for the output, that receive the outputs. */
weft_status wf_item_encode(weft_item *item, float *const *copies, weft_error *err);
/* Projects the K/V of every stream that reads it, if that has not been done. */
weft_status wf_item_project(weft_item *item, weft_error *err);
void        wf_item_drop_kv(weft_item *item);
/* Drops the K/V of the least recently used item that no `busy` mark (last_use == now) protects;
 * false: none. */
bool wf_items_evict(weft_engine *e, uint64_t now);

/* Named host tensors whose first axis is the item; origin is for messages. */
typedef struct wf_tensor_set {
    const char        *origin;
    const weft_tensor *tensors;
    const char *const *names;
    uint32_t           n, reserved;
} wf_tensor_set;
/* Appends the items that the live modalities recognise in the set to items[*n_items..cap). */
weft_status wf_items_from_tensors(weft_engine *e, const wf_tensor_set *set, weft_item **items,
                                  uint32_t cap, uint32_t *n_items, weft_error *err);

uint64_t    wf_spec_numel(const weft_tensor_spec *s); /* of a checked plan */
uint64_t    wf_spec_bytes(const weft_tensor_spec *s);
weft_status wf_plan_check(const weft_engine *e, const wf_modality *m, const weft_plan *p,
                          weft_error *err);

#endif
