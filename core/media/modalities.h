/* SPDX-License-Identifier: Apache-2.0 */
/* The modalities of one engine: those that accepted this model, and those that stay idle. */
#ifndef WF_MODALITIES_H
#define WF_MODALITIES_H

#include <stdbool.h>

#include "core/base/cancel.h"
#include "core/model/config.h"
#include "core/model/model.h"
#include "core/model/sites.h"
#include "core/plugin/registry.h"
#include "weft/modality.h"
#include "weft/weft.h"

#define WF_MAX_MODALITIES 32

/* A live modality: a component that accepted its package. */
typedef struct wf_modality {
    wf_plugin           *plugin;
    const weft_modality *vt;
    void                *self;
    weft_package        *package; /* owned where it is not the model's */
    int32_t              loaded, reserved;
} wf_modality;

/* A modality that was not for this model, and what it said. */
typedef struct wf_idle {
    const wf_plugin     *plugin;
    const weft_modality *vt;
    weft_error           why;
} wf_idle;

/* What modalities are made from; everything is borrowed until they are closed. */
typedef struct wf_modalities_env {
    wf_registry         *registry;
    weft_settings       *settings;
    wf_device           *device;
    weft_package        *package;  /* of the model */
    const wf_plugin     *claimant; /* of the model's architecture; NULL: a plain Llama */
    const wf_config     *config;   /* of the text core; zeros without one */
    wf_hooks            *sites;    /* gets what they declare */
    const weft_progress *progress;
    wf_scope            *scope;          /* loading is cancelled with the call in progress */
    wf_model *const     *core;           /* where the text core will be, once it is loaded */
    int32_t              has_core;       /* without a text core nothing is installed */
    int32_t              dtype;          /* of linear weights: enum wf_dtype or WF_DTYPE_AUTO */
    int32_t quantize, quantize_encoders; /* WF_Q8, WF_Q4 or WF_DTYPE_AUTO: of sites, of plugins */
} wf_modalities_env;

typedef struct wf_modalities {
    wf_modalities_env env;
    wf_modality       v[WF_MAX_MODALITIES];
    wf_idle           idle[WF_MAX_MODALITIES];
    int32_t           n, n_idle;
} wf_modalities;

/* Creates every modality of the plugins that settings name or that claim the model, installs their
 * sites and markers and freezes those. On failure, too, wf_modalities_close is called. [setup] */
weft_status wf_modalities_open(wf_modalities *m, const wf_modalities_env *env, weft_error *err);
/* Where no text core is open: the sites and markers that a modality would install into one, as far
 * as they can be checked without it, to h, which is open and free to the caller. [setup] */
weft_status wf_modalities_declare(const wf_modalities *m, wf_modality *one, wf_hooks *h,
                                  weft_error *err);
/* Reads their weights, and those of their sites. [setup] */
weft_status wf_modalities_load(wf_modalities *m, weft_error *err);
void wf_modalities_close(wf_modalities *m); /* after a wait; safe on zeroed memory. [setup] */

/* The live modality that takes media of a kind; NULL: none. */
wf_modality *wf_modality_of(wf_modalities *m, const char *kind);
/* Whether no earlier modality is of the same plugin: sites and markers are the plugin's, so what is
 * done for those of a modality is done for its plugin's first. */
bool wf_modality_is_first(const wf_modalities *m, const wf_modality *one);
/* That none takes the kind, and what the one that would take it said when it was not made.
 * UNSUPPORTED. */
weft_status wf_fail_no_modality(const wf_modalities *m, const char *kind, weft_error *err);
/* Whether kind is one of kinds, which ends with NULL; NULL has none. */
bool wf_has_kind(const char *const *kinds, const char *kind);

#endif
