/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a few instructions, given as text, behind a head that loads what they work with: %r0 the
 * thread, %r1 in[thread], %q0 and %q1 the addresses of out and in, %q2 and %q3 those of the
 * thread's word in them, %q4 and %q5 those of its four words, %r2 the shared memory, %r3 and %r4
 * the thread's word and four words of that. */
#ifndef TEXT_RIG_H
#define TEXT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ptx/ptx.h"

#define WORDS 512
#define TAIL 6 /* bytes behind in[] that are defined, of 16 that are there */
static uint32_t   in[WORDS], out[WORDS];
static ptx_report report;

static const char head[] =
    ".version 9.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry t(.param .u64 y, .param .u64 x)\n{\n"
    ".reg .pred %p<8>;\n.reg .b16 %h<8>;\n.reg .b32 %r<40>;\n.reg .f32 %f<8>;\n.reg .b64 %q<16>;\n"
    ".shared .align 16 .b8 s[4096];\n"
    "ld.param.u64 %q0, [y];\nld.param.u64 %q1, [x];\nmov.u32 %r0, %tid.x;\n"
    "mad.wide.u32 %q2, %r0, 4, %q0;\nmad.wide.u32 %q3, %r0, 4, %q1;\nmad.wide.u32 %q4, %r0, 16, "
    "%q0;\n"
    "mad.wide.u32 %q5, %r0, 16, %q1;\nmov.u32 %r2, s;\nshl.b32 %r3, %r0, 2;\nadd.s32 %r3, %r3, "
    "%r2;\n"
    "shl.b32 %r4, %r0, 4;\nadd.s32 %r4, %r4, %r2;\nld.global.u32 %r1, [%q3];\n";

static ptx_kernel *kernel_of(ptx_memory *m, const char *body, ptx_module **x)
{
    char text[8192], why[256];
    snprintf(text, sizeof text, "%s%s\nret;\n}\n", head, body);
    *x = ptx_module_new(m, text, strlen(text), why);
    if (*x == NULL)
        fail_msg("%s: %s", body, why);
    return ptx_kernel_find(*x, "t");
}

/* Runs a body with in[] at x and out[], zero at first, at y, under one seed. */
static bool run(const char *body, uint32_t threads, uint64_t seed)
{
    ptx_memory      *m = ptx_memory_new();
    ptx_module      *module = NULL;
    ptx_kernel      *k = kernel_of(m, body, &module);
    const ptx_launch l = {{1, 1, 1}, {threads, 1, 1}, 0, seed, 1u << 20};
    uint64_t         x = ptx_alloc(m, sizeof in + 16), y = ptx_alloc(m, sizeof out);
    void            *args[] = {&y, &x};
    memcpy(ptx_host(m, x, sizeof in), in, sizeof in);
    memset(ptx_host(m, y, sizeof out), 0, sizeof out);
    ptx_define(m, x, sizeof in + TAIL);
    ptx_define(m, y, sizeof out);
    report = (ptx_report){0};
    const bool ended = ptx_run(k, &l, args, &report);
    memcpy(out, ptx_host(m, y, sizeof out), sizeof out);
    ptx_module_free(module);
    ptx_memory_free(m);
    return ended;
}

static inline void run_right(const char *body, uint32_t threads, uint64_t seed)
{
    for (int k = 0; k < WORDS; k++)
        in[k] = (uint32_t)random();
    if (!run(body, threads, seed) || !ptx_clean(&report))
        fail_msg("%s: %s", body, ptx_sentence(&report));
}

#endif
