/* SPDX-License-Identifier: Apache-2.0 */
/* An interpreter of PTX, for tests only: it runs the code that nvcc makes of a kernel on the host
 * and reports what a GPU would let pass in silence: races, reads of what nothing wrote, accesses
 * out of bounds, and threads that do not meet. The instructions are those of the PTX ISA 9.0
 * (docs.nvidia.com/cuda/parallel-thread-execution) that kernels for compute capability 8.0 use. One
 * thread at a time works with a memory and the modules in it. */
#ifndef PTX_H
#define PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- device memory ----
 * An address is the host's plus PTX_WINDOW, so that host code that follows one faults. Every byte
 * has a shadow: whether anything wrote it, and who touched it last. */
#define PTX_WINDOW (1ull << 56)
typedef struct ptx_memory ptx_memory;

ptx_memory *ptx_memory_new(void); /* NULL: no memory */
void        ptx_memory_free(ptx_memory *m);
/* bytes > 0, aligned to 256, undefined. 0: no memory. */
uint64_t ptx_alloc(ptx_memory *m, size_t bytes);
bool     ptx_release(ptx_memory *m, uint64_t at); /* false: no allocation begins there */
/* Where [at, at + bytes) lies on the host; NULL: not all of it in one allocation. */
void  *ptx_host(ptx_memory *m, uint64_t at, size_t bytes);
void   ptx_define(ptx_memory *m, uint64_t at, size_t bytes); /* as if a copy had written it */
size_t ptx_undefined(ptx_memory *m, uint64_t at, size_t bytes);
/* Bytes of the allocation that `at` lies in, and where it begins; 0: in none. */
size_t ptx_range(ptx_memory *m, uint64_t at, uint64_t *begin);

/* ---- modules ---- */
typedef struct ptx_module ptx_module;
typedef struct ptx_kernel ptx_kernel;

/* Reads the text of a module; its .global and .const variables are placed in m, which outlives it.
 * NULL: why holds a sentence with the line. */
ptx_module *ptx_module_new(ptx_memory *m, const char *text, size_t bytes, char why[256]);
void        ptx_module_free(ptx_module *x);
ptx_kernel *ptx_kernel_find(ptx_module *x, const char *name); /* NULL: it has none of that name */
ptx_kernel *ptx_kernel_at(ptx_module *x, size_t index);       /* NULL: it has not so many */
const char *ptx_kernel_name(const ptx_kernel *k);
bool        ptx_module_varies(const ptx_module *x); /* it has .global or .const variables */
/* Where one lies; 0: there is none of that name. */
uint64_t ptx_variable(ptx_module *x, const char *name, size_t *bytes);

typedef struct ptx_facts {
    uint32_t n_params, shared_bytes, local_bytes, max_threads; /* max_threads 0: not stated */
    struct {
        uint32_t offset, bytes;
    } param[64];
} ptx_facts;
void ptx_kernel_facts(const ptx_kernel *k, ptx_facts *out);

/* ---- running ---- */
typedef enum ptx_fault {
    PTX_RACE_SHARED,  /* two threads, one of them writing, with no barrier between them */
    PTX_RACE_GLOBAL,  /* the same in global memory */
    PTX_NEW_REGISTER, /* read before anything wrote it */
    PTX_NEW_SHARED,
    PTX_NEW_GLOBAL,
    PTX_NEW_LOCAL,
    PTX_OUT_OF_SHARED, /* outside what the kernel has */
    PTX_OUT_OF_GLOBAL,
    PTX_OUT_OF_LOCAL,
    PTX_MISALIGNED,
    PTX_BARRIER, /* threads of a block at different barriers, or some have left */
    PTX_MASK,  /* a warp's instruction whose mask names the wrong lanes, or that takes a value from
                  one outside */
    PTX_ASYNC, /* what cp.async brings is used before a wait for it */
    PTX_STUCK, /* threads wait for others that never come */
    PTX_BAD_LAUNCH,  /* a grid, a block or shared memory that the kernel cannot have */
    PTX_UNSUPPORTED, /* the interpreter does not know the instruction */
    PTX_FAULTS
} ptx_fault;
const char *ptx_fault_name(ptx_fault f);

/* What a run did. Sectors are of 32 bytes; the ideal is what the bytes of a warp's access would
 * fill if they lay side by side. Shared accesses go through 32 banks of 4 bytes: a wavefront serves
 * each bank once. */
typedef struct ptx_counts {
    uint64_t instructions; /* of warps */
    uint64_t lanes;        /* of threads */
    uint64_t global_requests, global_sectors, global_ideal;
    uint64_t shared_requests, shared_wavefronts, shared_ideal;
    uint64_t barriers, mma, async_copies, float_ops, int_ops, special_ops;
} ptx_counts;

typedef struct ptx_report {
    uint64_t   n[PTX_FAULTS];
    char       first[PTX_FAULTS][224]; /* of each kind, the first */
    ptx_counts counts;
} ptx_report;

typedef struct ptx_launch {
    uint32_t grid[3], block[3], shared_bytes;
    uint64_t seed;  /* of the order in which blocks, warps and parted lanes run */
    uint64_t limit; /* warp instructions before it is called stuck; 0: 2^40 */
} ptx_launch;

/* Runs k; args[i] points to the value of parameter i. What is found is added to *r. false: it could
 * not run to its end (the report says why). */
bool ptx_run(ptx_kernel *k, const ptx_launch *l, void *const *args, ptx_report *r);
bool ptx_clean(const ptx_report *r); /* no fault of any kind */
/* The first sentence of the first kind that was found; "" if it is clean. */
const char *ptx_sentence(const ptx_report *r);
/* Per instruction that reaches memory, of the runs since the kernel was made: `line name requests
 * sectors-or-wavefronts ideal`, to a file. */
#include <stdio.h>
void ptx_kernel_profile(const ptx_kernel *k, FILE *to);

#endif
