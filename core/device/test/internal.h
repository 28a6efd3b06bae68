/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the asynchronous test device share. */
#ifndef WF_TEST_INTERNAL_H
#define WF_TEST_INTERNAL_H

#include <pthread.h>

#include "core/device/cpu/device.h"
#include "core/device/module.h"
#include "core/device/test/areas.h"
#include "core/device/test/memory.h"

#define WF_TEST_QUEUES 16

enum wf_test_kind { WF_TEST_OP, WF_TEST_UPLOAD, WF_TEST_DOWNLOAD, WF_TEST_ZERO, WF_TEST_AFTER };

/* Recorded work. Its clock says what is known to come before it: of each queue, commands up to that
 * ticket. */
typedef struct wf_test_command {
    struct wf_test_command *next;
    int32_t                 kind;
    int32_t                 earlier; /* WF_TEST_AFTER: of that queue, commands up to `ticket` */
    wf_op                   op;
    void                   *dst;
    void                   *src; /* of the caller: given back its contents when an upload has run */
    uint8_t                *kept; /* an upload's bytes meanwhile */
    uint64_t                bytes, ticket;
    bool                    guarded; /* the host side holds poison that must still be there */
    uint64_t                clock[WF_TEST_QUEUES];
} wf_test_command;

/* Memory that a command which has run has used. */
typedef struct wf_test_use {
    uint64_t       ticket;
    const uint8_t *from, *to;
    const char    *op;
    bool           writes;
} wf_test_use;

/* A queue's place: it outlives the queue, so that tickets only rise. */
typedef struct wf_test_slot {
    struct wf_test_queue *queue; /* NULL: free */
    wf_test_command      *head, *tail;
    uint64_t              submitted, done;
    uint64_t              clock[WF_TEST_QUEUES]; /* of what is submitted next */
    wf_test_use          *uses;
    size_t                n_uses, cap_uses;
} wf_test_slot;

typedef struct wf_test_queue {
    weft_queue base;
    wf_exec    exec;
    int32_t    slot, reserved;
    wf_graph  *capture; /* NULL: none is being recorded */
    weft_error why;     /* the first failure not yet reported */
} wf_test_queue;

typedef struct wf_test_host { /* memory that captured copies may use */
    struct wf_test_host *next;
    uint8_t             *p;
    uint64_t             bytes;
} wf_test_host;

struct wf_graph {
    wf_test_command *head, *tail;
};

typedef struct wf_test_device {
    wf_device       base;
    wf_ops          ops;
    wf_pool        *pool;
    wf_test_memory  memory;
    wf_test_host   *host;
    wf_test_slot    slots[WF_TEST_QUEUES];
    uint64_t        known[WF_TEST_QUEUES]; /* what the host has waited for */
    uint64_t        seed, random;
    weft_error      why; /* a mistake of no queue, told by the next wait */
    pthread_mutex_t lock;
    void (*log)(int32_t level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
} wf_test_device;

/* ---- check.c; the lock is held, memory is open ---- */

/* Notes a mistake: what was done, of which kind, and how to see it again. The first stays. */
void wf_test_mistake(wf_test_device *d, weft_error *why, const char *who, const char *kind,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* May c of that queue run? Else the queue's `why` says what is wrong. What c uses is remembered. */
bool wf_test_check(wf_test_device *d, wf_test_queue *q, const wf_test_command *c);
/* c has run: what it wrote is marked, and the canaries around it are looked at. */
void wf_test_settle(wf_test_device *d, wf_test_queue *q, const wf_test_command *c);
/* Is memory from..to freed although the host has not waited for what used it? */
bool wf_test_in_use(const wf_test_device *d, const uint8_t *from, const uint8_t *to);
/* Forgets uses that nothing can race with any more. */
void wf_test_forget(wf_test_device *d);

/* ---- queue.c ---- */

weft_status wf_test_queue_create(wf_device *d, weft_queue **out, weft_error *err);
void        wf_test_queue_destroy(weft_queue *q);
weft_status wf_test_submit(weft_queue *q, const wf_op *op, weft_error *err);
weft_status wf_test_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err);
weft_status wf_test_after(weft_queue *q, weft_queue *earlier, weft_error *err);
weft_status wf_test_wait(weft_queue *q, weft_error *err);
weft_status wf_test_done(weft_queue *q, bool *done, weft_error *err);
weft_status wf_test_capture_begin(weft_queue *q, weft_error *err);
weft_status wf_test_capture_end(weft_queue *q, wf_graph **out, weft_error *err);
weft_status wf_test_replay(weft_queue *q, wf_graph *g, weft_error *err);
void        wf_test_graph_free(wf_device *d, wf_graph *g);
/* Appends a copy of *c, which takes over c->kept, to the queue or to what it records. */
weft_status wf_test_record(wf_test_queue *q, const wf_test_command *c, weft_error *err);

/* ---- copy.c ---- */

weft_status wf_test_upload(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                           weft_error *err);
weft_status wf_test_download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                             weft_error *err);
/* A copy at the head of q runs. */
void wf_test_copy_run(wf_test_device *d, wf_test_queue *q, wf_test_command *c);
/* A copy that will not run gives its source back. */
void wf_test_copy_drop(wf_test_command *c);
/* INVALID: a copy of g has its host side where the device's host memory is no longer. */
weft_status wf_test_graph_check(wf_test_device *d, const wf_graph *g, weft_error *err);

#endif
