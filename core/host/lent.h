/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the host room: what one plugin was lent, shared by the files of the tables. */
#ifndef WF_LENT_H
#define WF_LENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/host/host.h"
#include "core/model/load.h"
#include "weft/kernels.h"
#include "weft/ops.h"
#include "weft/package.h"
#include "weft/pool.h"
#include "weft/services.h"

/* A copy that ops.upload made: freed when its queue has been waited for. */
typedef struct wf_held {
    struct wf_held   *next;
    const weft_queue *queue;
    /* the bytes follow, aligned */
} wf_held;

typedef struct wf_host_file { /* behind a weft_source that the plugin opened */
    struct wf_host_file *next;
    wf_file              file;
    char                *text; /* file.bytes of it, of a file that is on no disk; else NULL */
} wf_host_file;

typedef struct wf_lent wf_lent;

struct weft_kernel {
    wf_lent       *owner;
    wf_kernel_decl decl;      /* strings and sizes are the plugin's, valid until deinit */
    wf_kernel     *on_device; /* NULL until the plugin is bound to a device */
};

typedef struct wf_kernel_set { /* what one kernels.add() declared */
    struct wf_kernel_set *next;
    const weft_fatbin    *gpu;    /* the plugin's, valid until deinit; NULL: none */
    wf_device            *device; /* where image and kernels are; NULL: nowhere yet */
    wf_image             *code;
    uint32_t              n, reserved;
    weft_kernel           kernels[];
} wf_kernel_set;

typedef struct wf_opened { /* a directory that an option of type PACKAGE names */
    struct wf_opened *next;
    const char       *key;
    weft_package     *package;
} wf_opened;

struct wf_service {
    struct wf_service *next;
    wf_lent           *owner;
    char              *id;
    const void        *vtable;
    void              *self;
};

struct wf_lent {
    weft_host              host; /* first: the host is the plugin's identity */
    wf_hosts              *all;
    const char            *id; /* the plugin's; borrowed, as the descriptor is */
    const weft_descriptor *desc;
    atomic_int_fast64_t    live_blocks; /* of host->alloc */
    void                  *slot;        /* the plugin's own pointer */
    /* [encode] */
    wf_binding      binding;
    int32_t         n_bound; /* modalities that live */
    wf_buffers      weights;
    void          **host_weights; /* of WEFT_USE_HOST */
    size_t          n_host_weights;
    uint64_t        host_weight_bytes;
    wf_host_file   *files;
    wf_opened      *opened;
    wf_kernel_set  *kernels;
    pthread_mutex_t held_lock;
    wf_held        *held;
};

/* The tables behind get_interface, a file each. */
extern const weft_if_options  wf_host_options;
extern const weft_if_package  wf_host_package;
extern const weft_if_weights  wf_host_weights;
extern const weft_if_ops      wf_host_ops;
extern const weft_if_kernels  wf_host_kernels;
extern const weft_if_services wf_host_services;
extern const weft_if_pool     wf_host_threads;

/* Opens what the plugin's PACKAGE options name; closes it again. */
weft_status wf_host_packages_open(wf_lent *p, weft_error *err);
void        wf_host_packages_close(wf_lent *p);
void        wf_host_services_clear(wf_lent *p); /* what it published */
void        wf_host_files_close(wf_lent *p);
void        wf_host_kernels_clear(wf_lent *p);
/* Kernels that were declared go onto d, and off the device that they were on; NULL: off. */
weft_status wf_host_kernels_bind(wf_lent *p, wf_device *d, weft_error *err);
void        wf_host_weights_free(wf_lent *p);

static inline wf_lent *wf_lent_of(const weft_host *h)
{
    /* The plugin only has a const view of it. */
    return (wf_lent *)(uintptr_t)h;
}

/* A call of a table that the plugin should not have made so: fills err with INVALID and the
 * sentence, and the call that the plugin is in will answer for it (core/plugin/visit.h). */
weft_status wf_misuse(weft_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
