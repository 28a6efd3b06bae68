/* SPDX-License-Identifier: Apache-2.0 */
/* Many weights asked for at once, so that all that is missing or misshapen is reported together.
 * Who needs weights writes one function that asks for each by name and shape; it is run twice, to
 * count and to ask. Shared by the modules of plugins/vision. */
#ifndef VIS_REQUEST_H
#define VIS_REQUEST_H

#include "weft/sdk.h"

#define VIS_MAX_NAME 160 /* bytes of a tensor's name */

/* want[i] with its name goes to *to[i]; with want NULL it only counts. */
typedef struct vis_request {
    weft_weight  *want;
    weft_tensor **to;
    weft_tensor  *got;
    char (*name)[VIS_MAX_NAME];
    uint32_t n, reserved;
    uint64_t parameters; /* of all that was asked for */
} vis_request;

typedef struct vis_shape {
    int32_t ndim;
    int64_t d[4];
} vis_shape;

static inline vis_shape vis_shape1(int64_t a)
{
    vis_shape s = {1, {a, 0, 0, 0}};
    return s;
}

static inline vis_shape vis_shape2(int64_t a, int64_t b)
{
    vis_shape s = {2, {a, b, 0, 0}};
    return s;
}

/* The weight called prefix and name, of this shape, into *to. use: WEFT_USE_*. [setup] */
void vis_ask(vis_request *r, weft_tensor *to, uint32_t use, vis_shape s, const char *prefix,
             const char *name);

/* ask is called with this request: once to count, then, with memory, to fill it; then all is
 * loaded. With p NULL it ends after counting. r is in the caller's hands only for its counts.
 * [setup] */
weft_status vis_request_run(const weft_host *h, const weft_package *p,
                            void (*ask)(vis_request *r, void *ctx), void *ctx, vis_request *r,
                            weft_error *err);

#endif
