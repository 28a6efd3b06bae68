/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of plugins' kernels, with the CPU's body on one device of rig.h and the GPU's on the other.
 */
#ifndef GPU_CALL_H
#define GPU_CALL_H

#include <stdbool.h>

#include "rig.h"
#include "weft/kernels.h"

/* What a plugin declares. */
typedef struct declared {
    const weft_kernel_decl *decls;
    uint32_t                n;
    const weft_fatbin      *image;
} declared;

/* Loads build/plugins/NAME.so and asks it. */
declared                call_plugin(const char *name);
const weft_kernel_decl *call_kernel(const declared *p, const char *name);

#define ARGS 12
typedef enum role { IN, OUT, BOTH, INTEGER, REAL } role;
typedef struct argument {
    role    role;
    int64_t n; /* floats, or the integer */
    float   real, *host, *got[2];
    void   *at; /* on the device */
} argument;

typedef struct call {
    argument arg[ARGS];
    uint32_t n_args;
    int64_t  items;
} call;

/* A size from 1 on: often 1, a power of two, or one off it. */
int64_t call_size(int64_t most);
/* One of 0 .. n - 1. */
static inline int64_t call_below(int64_t n)
{
    return rig_between(0, n - 1);
}

/* The next argument of a call: n floats that the kernel reads, writes, or both; a whole number; a
 * float. */
void call_floats(call *c, role r, int64_t n);
void call_integer(call *c, int64_t v);
void call_real(call *c, float v);

/* Runs both bodies, and compares all that the kernel writes: sum (gpu - cpu)^2 <= bound * sum
 * cpu^2; bound 0: the same bytes. Frees the call. */
void call_both(const weft_kernel_decl *k, const weft_fatbin *image, call *c, double bound);

#endif
