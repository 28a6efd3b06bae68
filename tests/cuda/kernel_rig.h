/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of plugins as they declare them, and calls of them with both bodies on two devices. */
#ifndef KERNEL_RIG_H
#define KERNEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "weft/kernels.h"

#define RIG_PLUGINS 2
#define ARGS 12

typedef struct plugin {
    const char             *name;
    const weft_kernel_decl *decls;
    uint32_t                n;
    const weft_fatbin      *image;
} plugin;

extern plugin rig_plugins[RIG_PLUGINS];

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

/* Opens both devices and loads the plugins. 77, with the reason on stdout: there is no device cuda.
 * Else 0. */
int  rig_open(void);
void rig_close(void);

void     rig_seed(uint64_t seed);
uint32_t rig_random(void);
/* A size from 1 on: often 1, a power of two, or one off it. */
int64_t rig_size(int64_t most);

/* The next argument of a call: n floats that the kernel reads, writes, or both; a whole number; a
 * float. */
void rig_floats(call *c, role r, int64_t n);
void rig_integer(call *c, int64_t v);
void rig_real(call *c, float v);

const weft_kernel_decl *rig_declared(const plugin *p, const char *name);
void                    rig_run(const weft_kernel_decl *k, const weft_fatbin *image, call *c);
/* Of all that the kernel writes: sum (gpu - cpu)^2 <= bound * sum cpu^2; bound 0: the same bytes.
 * Frees the call. */
void rig_compare(const char *name, call *c, double bound);

#endif
