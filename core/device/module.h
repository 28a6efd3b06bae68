/* SPDX-License-Identifier: Apache-2.0 */
/* A device in a library of its own: libweft-NAME.so, beside the plugins' folder, opened when that
 * device is asked for or `auto` looks for one.
 *
 * The library exports one symbol, a function WF_DEVICE_MODULE_SYMBOL of type wf_device_module_fn,
 * and is built with the libweft that opens it: the seam is not an interface for others, and a
 * module of another build is refused. It links nothing of libweft. It may include core/ops/op.h,
 * core/device/device.h and this header, and core/base/status.h and core/base/mem.h, whose sources
 * (and that of op.h) it compiles into itself with hidden symbols; nothing else of core/, but for
 * the formulas of core/device/cpu/math.h and fp8.h and core/base/exponential.h, which its kernels
 * share. What it logs goes through wf_device_config.log. Every function of its table is given back
 * by the module: the core calls wf_device_* (core/device/device.c), which a module does not
 * contain. None of them is NULL but where wf_device_fns says so. */
#ifndef WF_DEVICE_MODULE_H
#define WF_DEVICE_MODULE_H

#include "core/base/threads.h"
#include "core/device/device.h"

#define WF_DEVICE_MODULE_SYMBOL "weft_device_module"
#define WF_DEVICE_MODULE_VERSION 2

/* What a device is made with. */
typedef struct wf_device_config {
    wf_pool    *pool;       /* threads for CPU bodies, outlives the device; not for modules */
    uint64_t    cpu_flags;  /* WEFT_CPU_* that may be used */
    uint64_t    seed;       /* of the test device; 0: WEFT_TEST_SEED, else one of this run's own */
    const char *module_dir; /* where libweft-NAME.so is looked for; NULL: nowhere */
    bool        deterministic; /* a row's bytes do not depend on the rows beside it */
    void (*log)(int32_t level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
} wf_device_config;

typedef struct wf_device_module {
    uint32_t    version;   /* WF_DEVICE_MODULE_VERSION, first in every version of this struct */
    uint32_t    op_bytes;  /* sizeof(wf_op) */
    uint32_t    fns_bytes; /* sizeof(wf_device_fns) */
    uint32_t    reserved;
    const char *build; /* WEFT_VERSION */
    const char *seam;  /* WEFT_SEAM, a hash of the headers that the two share (cmake/seam.cmake) */
    const char *name;  /* of the device: "cuda" */
    /* The index-th device of this kind. UNSUPPORTED, with a sentence that says what is missing:
     * this machine has none, or its driver will not do. */
    weft_status (*create)(const wf_device_config *c, int32_t index, wf_device **out,
                          weft_error *err);
} wf_device_module;

typedef const wf_device_module *(*wf_device_module_fn)(void);

#endif
