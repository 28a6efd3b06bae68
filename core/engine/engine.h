/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own structures, shared by the files of this folder. */
#ifndef WF_ENGINE_H
#define WF_ENGINE_H

#include <stdatomic.h>

#include "core/kv/blocks.h"
#include "core/model/decoder.h"
#include "core/plugin/registry.h"
#include "core/text/tokens.h"
#include "core/host/host.h"
#include "weft/modality.h"
#include "weft/tokenizer.h"
#include "weft/weft.h"

#define WF_MAX_MODALITIES 32

/* A live modality: a component that accepted its package. */
typedef struct wf_modality {
    wf_plugin           *plugin;
    const weft_modality *vt;
    void                *self;
    weft_package        *package; /* owned where it is not the engine's */
    int32_t              loaded, reserved;
} wf_modality;

/* A modality that was not for this model, and what it said. */
typedef struct wf_idle {
    const wf_plugin     *plugin;
    const weft_modality *vt;
    weft_error           why;
} wf_idle;

struct weft_engine {
    weft_settings *settings; /* borrowed */
    uint32_t       flags;
    weft_progress  progress;
    atomic_int     cancel;

    wf_pool      *pool;
    wf_device    *device;
    weft_queue   *queue;        /* steps; the only one that touches pages */
    weft_queue   *encode_queue; /* encoders */
    wf_hosts      hosts;
    wf_registry  *registry;
    weft_package *package;
    char         *architecture;
    wf_plugin    *claimant; /* of the architecture; NULL: a plain Llama */

    int32_t       has_core;
    weft_text_map map; /* n_layers 0: plain */
    wf_config     config;
    int32_t       dtype;        /* WF_F32, WF_BF16, WF_F16 as asked for, or WF_DTYPE_AUTO */
    int32_t       linear_dtype; /* what AUTO came to */
    wf_model     *model;
    wf_hooks      hooks;
    wf_kv_pool    kv;
    wf_blocks     blocks;
    wf_decoder    decoder;
    int32_t       context, prefill_chunk;
    uint64_t      kv_limit;

    wf_modality modalities[WF_MAX_MODALITIES];
    int32_t     n_modalities;
    wf_idle     idle[WF_MAX_MODALITIES];
    int32_t     n_idle;
    int32_t     decoders_loaded;

    wf_tokens tokens; /* vt NULL: not opened yet */

    uint64_t   clock; /* counts steps: the age of items */
    weft_item *items; /* list of live items, so that memory pressure can reach their K/V */
    void      *blob;  /* host side of a step's tables */
    size_t     blob_cap;
    void      *device_blob;
    size_t     device_blob_cap;
};

/* engine.c */
weft_status wf_engine_check_cancel(weft_engine *e, weft_error *err);
void        wf_engine_progress(weft_engine *e, const char *what, uint64_t done, uint64_t total,
                               const char *unit);

/* plugins.c: modalities created, installed, loaded */
weft_status wf_engine_open_modalities(weft_engine *e, weft_error *err);
weft_status wf_engine_load_modalities(weft_engine *e, weft_error *err);
void        wf_engine_close_modalities(weft_engine *e);
weft_status wf_engine_resolve_markers(weft_engine *e, weft_error *err);

/* text.c */
weft_status
wf_engine_tokenizer(weft_engine *e,
                    weft_error  *err); /* opened at first need; NOTFOUND says what is missing */

#endif
