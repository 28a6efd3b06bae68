/* SPDX-License-Identifier: Apache-2.0 */
/* An engine is its rooms, put together: this folder alone knows them all, and no room knows it. */
#ifndef WF_ENGINE_H
#define WF_ENGINE_H

#include "core/base/threads.h"
#include "core/device/cpu/choose.h"
#include "core/host/host.h"
#include "core/sequence/step.h"
#include "core/text/text.h"

struct weft_engine {
    weft_settings *settings; /* borrowed */
    uint32_t       flags;
    bool           calibrates; /* opened for a calibration (wf_opening) */
    weft_progress  progress;
    wf_cancel      cancel; /* moved by weft_engine_cancel */
    wf_scope       scope;  /* the call in progress */

    wf_cpu_choice cpu;
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
    int32_t       dtype; /* WF_F32 or WF_BF16 as asked for, or WF_DTYPE_AUTO */
    int32_t       quantize, quantize_encoders; /* WF_Q8 or WF_Q4 as asked for, or WF_DTYPE_AUTO */
    bool          fp8;                         /* feed-forward weights of the core become fp8 */
    int32_t       context;                     /* tokens that a sequence may hold */
    int32_t       prefill_chunk;               /* rows of a step */
    wf_model     *model;                       /* NULL: opened without weights */
    wf_hooks      hooks;                       /* what plugins declared */
    wf_decoder    decoder;
    wf_kv_budget  kv;
    wf_blocks     blocks;
    wf_modalities modalities;
    wf_media_env  media;
    wf_items      items;
    wf_sequences  sequences;
    wf_stepper    stepper;
    wf_text       text;
    char         *languages; /* of the tokenizer, once they were asked for */
};

/* rooms.c: K/V memory, items, sequences and steps, once device, model and modalities are open.
 * UNSUPPORTED: the device has no pages of the model's shape. */
weft_status wf_engine_open_rooms(weft_engine *e, weft_error *err);
/* engine.c: STATE where it was opened for text alone. [any] */
weft_status wf_engine_wants_media(const weft_engine *e, weft_error *err);
/* rooms.c: once weights and buffers are loaded. On a device with memory of its own keys and values
 * leave encoders what an everyday item takes, and an eighth of what is free at least. NOMEM: there
 * is not room for one sequence of the context beside that, so that it is told now and not in the
 * middle of an answer. */
weft_status wf_engine_check_memory(weft_engine *e, weft_error *err);

/* A model that is in no directory: the arguments of wf_package_open_made. */
typedef struct wf_made_model {
    const char            *name;
    const wf_package_text *texts; /* [n] */
    uint32_t               n, reserved;
} wf_made_model;

/* Tokens of a sequence in a calibration, where the model can have as many: no text is longer. */
#define WF_CALIBRATION_CONTEXT 512

/* How an engine is opened; everything is borrowed until it is closed, but for progress. */
typedef struct wf_opening {
    weft_settings       *settings;
    const weft_progress *progress; /* NULL: nobody listens */
    const wf_made_model *made;     /* in the place of the settings' model; NULL: none */
    /* The engine is for the calibration of this one, in a call on it: the model of the same
     * directory, its text core in q8, with the K/V that suit that, on the CPU and with sequences of
     * WF_CALIBRATION_CONTEXT, whatever the settings say, and nothing loaded that text does not
     * need. It is cancelled with that call. NULL: it is for itself. */
    weft_engine *calibrates;
    uint32_t     flags, reserved; /* WEFT_OPEN_* */
} wf_opening;

/* engine.c: weft_engine_open(). A made model is made again where the engine is opened on another
 * device in the end. */
weft_status wf_engine_open(const wf_opening *o, weft_engine **out, weft_error *err);

/* calibrate.c: runs the text of a file through the text core of e, and gives what its linear layers
 * see of it; for wf_calibration_free, also on failure. Failures of the file have stage USAGE:
 * INVALID where it holds no text, CORRUPT where that is not UTF-8. INVALID: e has no text core, or
 * its directory has another one by now. In a call on e, with whose mark it is cancelled. */
weft_status wf_engine_calibrate(weft_engine *e, const char *path, wf_calibration *out,
                                weft_error *err);

/* markers.c: the ids of markers, once after the sites are frozen: its own, else the tokenizer's for
 * its string, else the lowest that is free beyond the vocabulary. INVALID where a marker can stand
 * for nothing. */
weft_status wf_engine_resolve_markers(weft_engine *e, weft_error *err);
/* The tokenizer, opened at the first need; what markers take from it is then resolved. */
weft_status wf_engine_text(weft_engine *e, weft_error *err);

/* price.c: the format of the linear weights in the text core's layers, and of its embeddings: as
 * loaded, as asked for, as stored, or as config.json says where the weights are not there. */
int32_t wf_engine_dtype(const weft_engine *e);
int32_t wf_engine_table_dtype(const weft_engine *e);
/* The type of keys and values: what the option says, or what suits the embedding table. */
int32_t wf_engine_kv_dtype(const weft_engine *e);
/* What all weights take, or will take, of the device's memory, with the few that plugins keep on
 * the host; UINT64_MAX: past all sums. Fails only where a plugin does. */
weft_status wf_engine_weight_bytes(const weft_engine *e, uint64_t *bytes, weft_error *err);

#endif
