/* SPDX-License-Identifier: Apache-2.0 */
/* A driver of our own, for tests only: libcuda.so.1 over the interpreter of PTX. It has the
 * functions of the CUDA driver API that a module of kernels needs, found by cuGetProcAddress as
 * those of the real one are; codes and parameters are those of cuda.h. Work of a stream is kept and
 * run only when something waits for it, the streams in a random legal order. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake/library.h"
#include "ptx/ptx.h"

typedef int      result;
typedef uint64_t address;

enum {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_HANDLE = 400,
    ILLEGAL_STATE = 401,
    NOT_FOUND = 500,
    NOT_READY = 600,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719,
    STREAM_CAPTURE_UNSUPPORTED = 900,
    STREAM_CAPTURE_INVALIDATED = 901,
};

typedef struct module {
    struct module   *next;
    ptx_module      *code;
    uint64_t         hash; /* of its text, which has these bytes */
    size_t           bytes;
    struct function *functions;
} module;

typedef struct function {
    struct function *next;
    module          *of;
    ptx_kernel      *kernel;
    ptx_facts        facts;
    uint32_t         dynamic_most; /* bytes of dynamic shared memory that it may ask for */
} function;

typedef struct event {
    struct event *next;
    uint64_t      recorded, passed; /* how often; the last that has run */
} event;

enum { DO_KERNEL, DO_UPLOAD, DO_DOWNLOAD, DO_COPY, DO_SET, DO_RECORD, DO_WAIT, DO_LIBRARY };

/* Something that a stream has to do. */
typedef struct work {
    int        kind;
    function  *f;
    ptx_launch launch;
    uint8_t   *params; /* the values of its arguments, one after the other */
    size_t     param_bytes;
    address    to, from;
    void      *host;
    size_t     bytes;
    uint64_t   value;
    event     *e;
    fake_call  call; /* of another fake; params are its argument */
} work;

typedef struct list {
    work  *all;
    size_t n, room;
} list;

typedef struct stream {
    struct stream *next;
    list           todo;
    size_t         done; /* of todo */
    struct graph  *capture;
} stream;

typedef struct graph {
    struct graph *next;
    list          what;
} graph;

/* What the machine has, and what was asked of it: all behind one lock. */
typedef struct machine {
    char        name[64];
    int         count, major, minor, n_sms, version;
    int         shared_block, shared_optin;
    uint64_t    memory_total, memory_left;
    bool        initialised;
    int         retained;
    ptx_memory *memory;
    module     *modules;
    stream     *streams;
    event      *events;
    graph      *graphs, *execs;
    uint64_t    host_blocks, device_blocks;
    void      **pinned; /* [host_blocks] pairs: where each begins, and where it ends */
    uint64_t    pageable;
    uint64_t    calls, fail_at, random, faults, kernels, graph_launches;
    int         fail_with;
    bool        lost; /* what failed stays so */
    result      sticky;
    bool        is_read;
} machine;
extern machine it;

/* Counts a call, and says whether it fails. The lock is held from enter to leave. */
result enter(bool needs_context);
result leave(result r);
/* The same of calls that give something back and never fail. */
void enter_surely(void);
void read_machine(void);
bool context_is_current(void);

result  run_stream(stream *s); /* until it has nothing left to do */
result  run_all(void);
bool    stream_is_idle(stream *s);
stream *stream_of(void *handle);        /* NULL: the default stream; the stream is not checked */
result  push(stream *s, const work *w); /* takes w->params */
void    free_list(list *l);
bool    copy_work(work *to, const work *from);
void    fault(const char *sentence);
void    profile_add(const char *kernel, const ptx_counts *c);

/* The text of the PTX in an image, and its bytes; NULL: none that fits the device. */
const char *ptx_in_image(const void *image, int capability, size_t *bytes, result *why);

/* The functions by name; NULL: there is none. */
void *entry_named(const char *name);
void *entry_of_memory(const char *name);
void *entry_of_streams(const char *name);
void *entry_of_modules(const char *name);
void *entry_of_graphs(const char *name);

typedef struct entry {
    const char *name;
    void (*f)(void);
} entry;
#define ENTRY(name)                                                                                \
    {                                                                                              \
#name, (void (*)(void))f_##name                                                            \
    }
void *entry_in(const entry *all, size_t n, const char *name);

#endif
