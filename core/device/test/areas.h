/* SPDX-License-Identifier: Apache-2.0 */
/* What memory an op reads and writes, told area by area. Index arrays of an op are told before what
 * they lead to, and are read here: a visitor that finds one unfit stops the walk. */
#ifndef WF_TEST_AREAS_H
#define WF_TEST_AREAS_H

#include <stdbool.h>

#include "core/ops/op.h"

enum wf_access {
    WF_READS = 1,   /* every byte must have been written */
    WF_WRITES = 2,  /* every byte is written */
    WF_CARRIES = 4, /* read, and passed on as it is: written or not */
    WF_TOUCHES = 8  /* the allocation around `at`: a body that cannot be asked has its address */
};

/* Places of `each` bytes side by side, over four axes; strides are in bytes. */
typedef struct wf_area {
    const char *name; /* of the argument */
    const void *at;
    int64_t     shape[4], stride[4], each;
    int32_t     access, reserved;
} wf_area;

typedef bool (*wf_area_fn)(void *ctx, const wf_area *a);

/* Bytes that this device gives a weight; 0: none of its formats. */
typedef uint64_t (*wf_weight_bytes_fn)(int32_t format, int64_t n, int64_t k);

/* false: fn said so, and the walk ended there. op is not NULL and of a known kind. */
bool        wf_op_areas(const wf_op *op, wf_weight_bytes_fn bytes, wf_area_fn fn, void *ctx);
const char *wf_op_name(int32_t kind); /* "linear"; "?" for what is no op */

#endif
