/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins are lent: their weft_host, and the tables behind get_interface. One wf_hosts for all
 * plugins of an engine; each plugin has a host of its own, which the registry asks for through
 * wf_hosts_maker and which gives back, when it is cleared, everything that the plugin got. */
#ifndef WF_HOST_H
#define WF_HOST_H

#include <stdatomic.h>

#include "core/base/threads.h"
#include "core/device/device.h"
#include "core/model/price.h"
#include "core/plugin/host_maker.h"
#include "core/settings/settings.h"
#include "weft/package.h"

typedef struct wf_service wf_service;
typedef struct wf_model   wf_model;

typedef struct wf_hosts_config {
    weft_settings *settings; /* borrowed while there are hosts; values of the plugins' options */
    uint64_t       cpu_flags;
    /* Polled by plugins through host->cancelled, from any thread; NULL: never. */
    int32_t (*cancelled)(void *ctx);
    /* What plugins say through host->progress; NULL: nobody listens. */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);
    void    *ctx;  /* of both */
    wf_pool *pool; /* borrowed: the threads of weft.pool; NULL: the calling one alone */
} wf_hosts_config;

typedef struct wf_hosts {
    wf_hosts_config cfg;
    wf_service     *services;  /* what plugins publish, while their hosts live */
    atomic_flag     pool_busy; /* a plugin's work is on the pool's threads */
} wf_hosts;

/* cfg is copied. There is nothing to free once all hosts were cleared. */
void wf_hosts_init(wf_hosts *all, const wf_hosts_config *cfg);
/* For a registry's config; all stays where it is while the registry lives. */
wf_host_maker wf_hosts_maker(wf_hosts *all);

/* Where a plugin's tables work. */
typedef struct wf_binding {
    wf_device *device;       /* outlives the plugin's weights */
    int32_t    linear_dtype; /* of LINEAR weights: enum wf_dtype or WF_DTYPE_AUTO */
    int32_t    quantize;     /* of LINEAR weights: WF_Q8, WF_Q4 or WF_DTYPE_AUTO */
    void (*progress)(void *ctx, uint64_t bytes); /* bytes of weights read in one get(); or NULL */
    void *progress_ctx;
    /* Where the text core will be once it is loaded; NULL, or NULL there: there is none. */
    wf_model *const *core;
} wf_binding;

/* Binds weights, ops and kernels to a device; before create. Without it those tables answer STATE.
 * Copied. Each of a plugin's modalities binds once and unbinds once, also where binding failed:
 * kernels that the plugin has declared are loaded, and what the device says against one of them is
 * the failure. [setup] */
weft_status wf_host_bind(weft_host *h, const wf_binding *b, weft_error *err);
/* After the modality was destroyed and its queues were waited for: the last one frees the weights
 * that the plugin got. [setup] */
void wf_host_unbind(weft_host *h);
/* Whether a modality of it lives. [setup] */
bool wf_host_is_bound(const weft_host *h);
/* Bytes that its weights take, of the device's memory and, those with WEFT_USE_HOST, of the host's.
 */
uint64_t wf_host_weight_bytes(const weft_host *h);
/* Whether weights.get would take these n weights for their form; a misuse where not. */
weft_status wf_host_weights_check(const weft_package *p, const weft_weight *want, uint32_t n,
                                  weft_error *err);
/* Adds what weights.get would take for these weights of p, which are walked by WEFT_AT. A weight
 * that get would refuse for its form is a misuse. */
weft_status wf_host_weights_price(wf_price *price, const weft_package *p, const weft_weight *want,
                                  uint32_t n, weft_error *err);
/* The queue has been waited for: frees the copies that ops.upload made for it. */
void wf_host_queue_waited(weft_host *h, const weft_queue *q);

#endif
