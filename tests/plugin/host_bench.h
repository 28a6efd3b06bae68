/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as it sees the host: loaded into a registry, bound to a device, with a package of three
 * small tensors. One at a time, held in the globals below. */
#ifndef TEST_HOST_BENCH_H
#define TEST_HOST_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "core/host/host.h"
#include "core/model/load.h"
#include "core/plugin/registry.h"
#include "tests/plugin/scratch.h"
#include "weft/sdk.h"

/* Sums of a dozen products of small numbers in f32, in another order than the op's: 1e-5 is ten
 * times what rounding can do to them. */
#define TOLERANCE 1e-5f

extern char             dir[64];
extern weft_settings   *settings;
extern wf_hosts         hosts;
extern wf_registry     *registry;
extern wf_plugin       *plugin;
extern const weft_host *host;
extern wf_device       *device;
extern weft_queue      *queue;
extern weft_package    *package;
extern int32_t          cancelled;
extern float            w_linear[3 * 4], w_norm[4], w_conv[2 * 1 * 2 * 2];

int                    setup(void **state);
int                    setup_async(void **state);
int                    teardown(void **state);
const weft_if_ops     *ops(void);
weft_tensor            make(int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d);
weft_tensor            zeros(int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d);
void                   drop(weft_tensor *t);
void                   fill(const weft_tensor *t, const float *from);
void                   fetch(const weft_tensor *t, float *to);
void                   ramp(float *v, int64_t n, float step);
void                   assert_near(const float *has, const float *wants, int64_t n);
void                   good(weft_status st, const weft_error *err);
void                   refused(weft_status st, const weft_error *err, const char *part);
const weft_if_weights *weights(void);
weft_tensor get(const char *name, uint32_t use, int32_t ndim, int64_t a, int64_t b, int64_t c,
                int64_t d);

#endif
