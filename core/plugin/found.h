/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the plugin host, shared by its files. */
#ifndef WF_PLUGIN_H
#define WF_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/model/load.h"
#include "core/plugin/registry.h"
#include "weft/kernels.h"
#include "weft/ops.h"
#include "weft/package.h"
#include "weft/services.h"

/* Where a candidate came from, which is also how strictly it is judged. */
enum wf_where { WF_WHERE_EXPLICIT, WF_WHERE_ENV, WF_WHERE_USER, WF_WHERE_BUILTIN };

/* A file that may be a plugin. */
typedef struct wf_found {
    char       *path;   /* as found, then resolved */
    int32_t     where;  /* enum wf_where */
    int32_t     state;  /* enum wf_candidate_state */
    weft_status status; /* REJECTED: why */
    char       *reason; /* REJECTED: the sentence; else a warning, or NULL */
    wf_manifest manifest;
    dev_t       dev; /* identity of the file whose manifest was read; ino 0: never opened */
    ino_t       ino;
    wf_plugin  *plugin;
    bool        loading; /* waits for the services that it needs */
} wf_found;

typedef struct wf_found_list {
    wf_found *v;
    size_t    n, cap;
} wf_found_list;

/* A copy that ops.upload made: freed when its queue has been waited for. */
typedef struct wf_held {
    struct wf_held   *next;
    const weft_queue *queue;
    /* the bytes follow, aligned */
} wf_held;

typedef struct wf_host_file { /* behind a weft_source that the plugin opened */
    struct wf_host_file *next;
    wf_file              file;
} wf_host_file;

struct weft_kernel {
    wf_plugin     *owner;
    wf_kernel_decl decl;      /* strings and sizes are the plugin's, valid until deinit */
    wf_kernel     *on_device; /* NULL until the plugin is bound to a device */
};

typedef struct wf_kernel_set { /* what one kernels.add() declared */
    struct wf_kernel_set *next;
    const weft_fatbin    *gpu;    /* the plugin's, valid until deinit; NULL: none */
    wf_device            *device; /* where image and kernels are; NULL: nowhere yet */
    wf_image             *image;
    uint32_t              n, reserved;
    weft_kernel           kernels[];
} wf_kernel_set;

typedef struct wf_opened { /* a directory that an option of type PACKAGE names */
    struct wf_opened *next;
    const char       *key;
    weft_package     *package;
} wf_opened;

typedef struct wf_service {
    struct wf_service *next;
    wf_plugin         *owner;
    char              *id;
    const void        *vtable;
    void              *self;
} wf_service;

struct wf_plugin {
    weft_host              host; /* first: the host is the plugin's identity */
    wf_registry           *registry;
    char                  *id, *version, *path;
    const weft_descriptor *desc;
    weft_status (*init)(const weft_host *h, weft_error *err);
    void (*deinit)(const weft_host *h);
    void          *library; /* never closed */
    uint64_t       cpu_flags;
    weft_settings *settings;
    int32_t (*cancelled)(void *ctx);
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);
    void               *cancelled_ctx; /* of progress too */
    atomic_int_fast64_t live_blocks;   /* of host->alloc */
    void               *slot;          /* the plugin's own pointer */
    /* [encode] */
    wf_binding      binding;
    wf_buffers      weights;
    void          **host_weights; /* of WEFT_USE_HOST */
    size_t          n_host_weights;
    wf_host_file   *files;
    wf_opened      *opened;
    wf_kernel_set  *kernels;
    pthread_mutex_t held_lock;
    wf_held        *held;
};

/* search.c: every candidate file in search order, paths resolved and judged, manifests read. paths:
 * the user's --plugin files. Only NOMEM fails. */
weft_status wf_search(const char *const *paths, size_t n_paths, const char *builtin_dir,
                      wf_found_list *out, weft_error *err);
void        wf_found_list_clear(wf_found_list *l);
const char *wf_where_name(int32_t where);
/* Makes f REJECTED with the sentence of why. */
void wf_found_reject(wf_found *f, const weft_error *why);

/* trust.c: who could have written this file? INVALID names the component and the chmod that mends
 * it. */
weft_status wf_trust_check(const char *resolved, weft_error *err);

/* loader.c: the candidate's library opened, greeted and started. On failure *out is NULL and
 * nothing of the plugin runs any more. */
weft_status wf_plugin_open(wf_registry *r, wf_found *f, wf_plugin **out, weft_error *err);
/* deinit, then the record. NULL is fine. */
void wf_plugin_close(wf_plugin *p);
/* check.c: the descriptor and every vtable of it against this ABI and the manifest. */
weft_status wf_descriptor_check(const weft_descriptor *d, const wf_manifest *m, const char *path,
                                weft_error *err);

/* guard.c: process state around foreign code. */
typedef struct wf_guard wf_guard;
wf_guard               *wf_guard_take(void); /* NULL: out of memory */
/* Compares, restores and frees. what gets the list of what had changed ("" : nothing). */
void wf_guard_restore(wf_guard *g, char *what, size_t cap);

/* host.c: fills p->host; the tables behind get_interface. */
void wf_host_init(wf_plugin *p);
bool wf_host_serves(const char *interface_id);
void wf_host_clear(wf_plugin *p); /* everything that the tables handed out */
extern const weft_if_options  wf_host_options;
extern const weft_if_package  wf_host_package;
extern const weft_if_weights  wf_host_weights;
extern const weft_if_ops      wf_host_ops;
extern const weft_if_kernels  wf_host_kernels;
extern const weft_if_services wf_host_services;
/* Opens what the plugin's PACKAGE options name; closes it again. */
weft_status wf_host_packages_open(wf_plugin *p, weft_error *err);
void        wf_host_packages_close(wf_plugin *p);
void        wf_host_services_clear(wf_plugin *p); /* what it published */
void        wf_host_files_close(wf_plugin *p);
void        wf_host_kernels_clear(wf_plugin *p);
/* Kernels that were declared go onto d, and off the device that they were on; NULL: off. */
weft_status wf_host_kernels_bind(wf_plugin *p, wf_device *d, weft_error *err);

/* registry.c, for loader.c */
const wf_registry_config *wf_registry_cfg(const wf_registry *r);
wf_service              **wf_registry_services(wf_registry *r);

static inline wf_plugin *wf_host_plugin(const weft_host *h)
{
    /* The plugin only has a const view of it. */
    return (wf_plugin *)(uintptr_t)h;
}

#endif
