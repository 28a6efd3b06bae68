/* SPDX-License-Identifier: Apache-2.0 */
/* Ops on a GPU beside the same ops on the CPU. Memory comes in pairs: an op is written with the
 * CPU's addresses, and where it goes to the GPU each address that lies in a pair becomes the other
 * one's. */
#ifndef GPU_RIG_H
#define GPU_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/device/device.h"

/* Opens both devices, runs the tests and closes them. What main returns: 77, with the reason on
 * stdout, where there is no GPU. deterministic: the device's bytes do not depend on row counts. */
int rig_main(const struct CMUnitTest *tests, size_t n_tests, bool deterministic);
#define RIG_MAIN(tests, deterministic)                                                             \
    rig_main(tests, sizeof(tests) / sizeof *(tests), deterministic)

uint32_t rig_random(void);
int64_t  rig_between(int64_t low, int64_t high); /* both included */
float    rig_float(float size);                  /* in [-size, size) */

/* Pairs of n elements, the same on both sides; they live until rig_free. */
float   *rig_floats(int64_t n, float size);
int32_t *rig_ints(int64_t n);
void    *rig_pair(uint64_t bytes);
/* The CPU's side has been written: the GPU's gets it too. */
void rig_push(void);
/* A weight [n, k] of random numbers in both devices' layouts. */
wf_weight rig_weight(int32_t format, int64_t n, int64_t k);
/* Pages of both devices, written by nobody. */
wf_kv rig_pages(int32_t dtype, int32_t n_kv_heads, int32_t head_dim, int32_t n_pages);
void  rig_free(void);

/* Pushes, and runs op on both. times: how often the GPU runs it, each time after a push. */
void rig_run(const wf_op *op);
/* What the GPU has in the place of p. */
void *rig_pull(const void *p, uint64_t bytes);
/* n bytes from p on are the same on both sides. */
void rig_same(const void *p, uint64_t bytes, const char *what);
/* m rows of n are close: sum (gpu - cpu)^2 <= bound * sum cpu^2. */
void rig_close_to(const float *p, int64_t m, int64_t n, int64_t stride, double bound,
                  const char *what);

extern wf_device  *rig_cpu, *rig_gpu;
extern weft_queue *rig_cpu_queue, *rig_gpu_queue;

/* Asserts OK and shows the message else. */
void rig_ok(weft_status status, const weft_error *err);

#endif
