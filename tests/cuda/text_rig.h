/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a few instructions, given as text (text_head.h), in the interpreter. */
#ifndef TEXT_RIG_H
#define TEXT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ptx/ptx.h"
#include "text_head.h"

static ptx_report report;

static ptx_kernel *kernel_of(ptx_memory *m, const char *body, ptx_module **x)
{
    char text[8192], why[256];
    text_module(body, "sm_80", text, sizeof text);
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
    uint64_t         x = ptx_alloc(m, sizeof in), y = ptx_alloc(m, sizeof out);
    void            *args[] = {&y, &x};
    memcpy(ptx_host(m, x, sizeof in), in, sizeof in);
    memset(ptx_host(m, y, sizeof out), 0, sizeof out);
    ptx_define(m, x, WORDS * 4 + TAIL);
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
