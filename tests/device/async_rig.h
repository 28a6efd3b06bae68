/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous test device with two queues and two buffers, and work for them. */
#ifndef TEST_ASYNC_RIG_H
#define TEST_ASYNC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/device/builtin.h"

#define N 32 /* floats of a buffer */
#define BYTES (N * sizeof(float))

typedef struct rig {
    wf_device  *d;
    weft_queue *q, *other;
    weft_error  err;
    float      *x, *y; /* device, x written */
    float       host[N];
} rig;

static inline void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static inline float *device_floats(rig *r)
{
    void *p;
    good(wf_device_alloc(r->d, BYTES, &p, &r->err), &r->err);
    return p;
}

static inline void rig_open_seeded(rig *r, uint64_t seed)
{
    wf_device_config c = {.cpu_flags = wf_cpu_detect(), .seed = seed};
    memset(r, 0, sizeof *r);
    r->err = (weft_error)WF_ERROR_INIT;
    good(wf_device_test_create(&c, &r->d, &r->err), &r->err);
    good(wf_queue_create(r->d, &r->q, &r->err), &r->err);
    good(wf_queue_create(r->d, &r->other, &r->err), &r->err);
    r->x = device_floats(r);
    r->y = device_floats(r);
    for (int i = 0; i < N; i++)
        r->host[i] = (float)i;
    good(wf_queue_upload(r->q, r->x, r->host, BYTES, &r->err), &r->err);
    good(wf_queue_wait(r->q, &r->err), &r->err);
}

static inline void rig_open(rig *r)
{
    rig_open_seeded(r, 0);
}

static inline void rig_close(rig *r)
{
    wf_queue_destroy(&r->q);
    wf_queue_destroy(&r->other);
    wf_device_destroy(&r->d);
}

/* The next wait of q tells that kind, once. */
static inline void told(rig *r, weft_queue *q, const char *kind)
{
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_queue_wait(q, &err), WEFT_E_DEVICE);
    if (strstr(err.message, kind) == NULL || strstr(err.message, "WEFT_TEST_SEED=") == NULL)
        fail_msg("\"%s\" does not tell \"%s\"", err.message, kind);
    good(wf_queue_wait(q, &r->err), &r->err);
}

static inline wf_op activate(float *y, const float *x, int64_t n)
{
    return (wf_op){
        .kind = WF_OP_ACTIVATE,
        .u.activate = {
            .y = y, .x = x, .m = 1, .n = n, .y_stride = n, .x_stride = n, .act = WF_ACT_RELU}};
}

static inline void submit(rig *r, weft_queue *q, wf_op op)
{
    good(wf_queue_submit(q, &op, &r->err), &r->err);
}

#endif
