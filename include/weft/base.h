/* SPDX-License-Identifier: Apache-2.0 */
/* weft/base.h: the vocabulary of the plugin ABI: versions, status, tensors, the host.
 *
 * C11 and C++17; needs stdint and stddef only. The rules that every header here follows:
 *  R1  A struct that can grow starts with weft_hdr. Whoever owns its memory sets size to what is
 *      there. Nobody touches a byte at or beyond size: who reads tests with WEFT_HAS(), and takes
 *      what is not there for zero; who fills a struct that was lent fills the part that it knows
 *      and leaves the rest and the size as they were. A struct without weft_hdr is frozen; only
 *      those are embedded by value. An array of growable structs is walked by the size of its
 *      first element (WEFT_AT).
 *  R2  Fields are appended, never moved, removed or retyped. No enum, bool, bitfield, long, size_t,
 *      va_list, FILE*, errno or C++ type crosses. Padding is explicit and zero.
 *  R3  What can fail returns weft_status and takes weft_error* last (may be NULL). The message is
 *      one sentence for a person: which thing, what is wrong, what to do; no addresses, no paths
 *      that the caller did not give. No exception, signal, longjmp, exit or abort leaves a plugin.
 *  R4  A plugin links nothing of weft and exports one symbol. All services come from weft_host.
 *  R5  Who allocates frees. Host objects are opaque. Pointers in a call's arguments die when it
 *      returns, unless said otherwise.
 *  R6  Thread class of each function, in brackets:
 *        [setup]   load and teardown: one thread, nothing else of this plugin in flight, may block
 *        [any]     any thread, concurrently; pure and quick
 *        [worker]  host threads, concurrently on one self; may block and allocate; no device work
 *        [encode]  one caller at a time per (self, queue); ENQUEUES on the queue: it never waits
 *                  for the queue and never reads a tensor's data on the host
 *  R7  Process state is the host's: FPU mode, locale, cwd, environment, signals, umask, stdio.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_MAGIC 0x54464557u /* "WEFT" in memory */
/* A host loads plugins of its own major whose minor is from WEFT_ABI_MINOR_OLDEST to its own: what
 * a later minor adds, an earlier plugin does not see. */
#define WEFT_ABI_MAJOR 0
#define WEFT_ABI_MINOR 2
#define WEFT_ABI_MINOR_OLDEST 2

typedef struct weft_hdr {
    uint32_t size, zero;
} weft_hdr;
#define WEFT_HDR(T)                                                                                \
    {                                                                                              \
        (uint32_t)sizeof(T), 0u                                                                    \
    }
/* The bytes of T up to the end of its field f; whether *p, a T, has that field; the i-th element of
 * the array of growable T that begins at p, as an address to be cast to T*. */
#define WEFT_UPTO(T, f) (offsetof(T, f) + sizeof(((T *)0)->f))
#define WEFT_HAS(p, T, f) ((p) != NULL && (p)->hdr.size >= WEFT_UPTO(T, f))
#define WEFT_AT(p, i) ((void *)((uintptr_t)(p) + (uintptr_t)(i) * (p)->hdr.size))

typedef int32_t weft_status;
#define WEFT_OK 0
#define WEFT_E_INTERNAL (-1)
#define WEFT_E_INVALID (-2)     /* the caller's mistake: a bad option or argument     */
#define WEFT_E_UNSUPPORTED (-3) /* valid, but not done here: another may              */
#define WEFT_E_NOMEM (-4)
#define WEFT_E_IO (-5)      /* the file could not be read or written              */
#define WEFT_E_CORRUPT (-6) /* damaged or hostile input                           */
#define WEFT_E_LIMIT (-7)   /* over weft_limits; the message names the option     */
#define WEFT_E_NOTFOUND (-8)
#define WEFT_E_VERSION (-9)
#define WEFT_E_STATE (-10) /* called out of order                                */
#define WEFT_E_CANCELLED (-11)
#define WEFT_E_DEVICE (-12)
#define WEFT_E_CONFLICT (-13) /* two plugins want the same place                    */
#define WEFT_E_NUMERIC (-14)  /* NaN or Inf where numbers belong                    */

/* Where in a request an error arose: with the status it decides the exit code (weft.h). The host
 * sets it; plugins leave it alone. */
#define WEFT_STAGE_NONE 0u
#define WEFT_STAGE_USAGE 1u
#define WEFT_STAGE_MODEL 2u
#define WEFT_STAGE_MEDIA 3u
#define WEFT_STAGE_PLUGIN 4u

/* Lives on the caller's stack: nothing to free. */
typedef struct weft_error {
    weft_hdr hdr;
    int32_t  code;
    uint32_t stage;
    char     message[496];
} weft_error;

#define WEFT_DEV_CPU 1 /* DLPack's device codes */
#define WEFT_DEV_CUDA 2
#define WEFT_DEV_OTHER 12 /* any other: its memory is not the host's either */
#define WEFT_MAX_DIMS 8

typedef struct weft_dtype { /* DLPack's DLDataType */
    uint8_t  code, bits;
    uint16_t lanes;
} weft_dtype;
#define WEFT_DT_INT 0u
#define WEFT_DT_UINT 1u
#define WEFT_DT_FLOAT 2u
#define WEFT_DT_BF 4u
#define WEFT_DT_OPAQUE 255u /* of a packed weight, below; its bits are 0 */

/* A weight in the device's own layout and in whatever format the host has loaded it (quantised,
 * perhaps), for ops.linear and ops.conv: opaque. Only its shape means something to a plugin: not
 * its data, bytes, dtype (WEFT_DT_OPAQUE) or strides (0). */
#define WEFT_TENSOR_PACKED 1u

/* A view; never owns. `data` is an address of its device, not to be read on the host unless the
 * tensor was given as a host tensor. Strides are in elements; C order unless said. */
typedef struct weft_tensor {
    void      *data;
    uint64_t   bytes; /* addressable from data: the bound that every access is checked against */
    uint32_t   flags, reserved0;
    int32_t    device_type, device_id;
    weft_dtype dtype;
    int32_t    ndim;
    int64_t    shape[WEFT_MAX_DIMS];
    int64_t    stride[WEFT_MAX_DIMS];
    uint64_t   reserved1[2];
} weft_tensor;

typedef struct weft_tensor_spec {
    weft_dtype dtype;
    int32_t    ndim;
    int64_t    shape[WEFT_MAX_DIMS];
} weft_tensor_spec;

typedef struct weft_host    weft_host;
typedef struct weft_queue   weft_queue;   /* ordered work of one device */
typedef struct weft_package weft_package; /* a model directory */
typedef struct weft_kernel  weft_kernel;

#define WEFT_LOG_DEBUG 1
#define WEFT_LOG_INFO 2
#define WEFT_LOG_WARN 3
#define WEFT_LOG_ERROR 4

#define WEFT_CPU_AVX2 1u   /* AVX2, FMA and F16C */
#define WEFT_CPU_AVX512 2u /* AVX-512 F, BW, DQ, VL */
#define WEFT_CPU_AVX512BF16 4u
#define WEFT_CPU_AVXVNNI 256u /* vpdpbusd without AVX-512 */
#define WEFT_CPU_AVX512VNNI 512u
#define WEFT_CPU_AMX 1024u     /* tiles of int8 and bf16, and the system's leave to use them */
#define WEFT_CPU_NEON 4096u    /* AArch64's vectors */
#define WEFT_CPU_DOTPROD 8192u /* sdot and udot of Armv8.2 */

/* What a plugin holds of the program that loaded it: one per plugin, valid until deinit returns.
 * Interface ids are "owner.name/REV"; third parties use reverse DNS. REV changes when a struct
 * changes incompatibly; appending to it does not change it. */
struct weft_host {
    weft_hdr    hdr;
    const char *name, *version;
    uint32_t    abi_major, abi_minor;
    void (*log)(const weft_host *h, int32_t level, const char *utf8);   /* [any] */
    void *(*alloc)(const weft_host *h, uint64_t bytes, uint64_t align); /* [any] NULL: none left */
    void (*free)(const weft_host *h, void *p);                          /* [any] NULL is fine */
    uint64_t (*cpu_flags)(const weft_host *h); /* [any] WEFT_CPU_*, lowered by --cpu-mask */
    int32_t (*cancelled)(const weft_host *h);  /* [worker] poll it in long loops */
    const void *(*get_interface)(const weft_host *h, const char *id); /* [setup] NULL if unknown */
    void **slot; /* one pointer of the plugin's own, per engine, NULL at first: its state without
                    globals */
    /* "encoding", 3 of 64 "frames" are done, or handed to the queue: for a person who waits. For
     * calls that the host makes with an item; may be NULL. [worker], [encode] */
    void (*progress)(const weft_host *h, const char *what, uint64_t done, uint64_t total,
                     const char *unit);
};

#ifdef __cplusplus
}
#endif
#endif
