/* SPDX-License-Identifier: Apache-2.0 */
/* Many weights asked for at once, so that all that is missing or misshapen is reported together.
 * Who needs weights writes one function that asks for each by name and shape; it is run twice, to
 * count and to ask. */
#ifndef PLG_REQUEST_H
#define PLG_REQUEST_H

#include "weft/sdk.h"

#define PLG_MAX_NAME 160 /* bytes of a tensor's name */

/* want[i] with its name goes to *to[i]; with want NULL it only counts. */
typedef struct plg_request {
    weft_weight  *want;
    weft_tensor **to;
    weft_tensor  *got;
    char (*name)[PLG_MAX_NAME];
    uint32_t n, reserved;
    uint64_t parameters; /* of all that was asked for */
} plg_request;

typedef struct plg_shape {
    int32_t ndim;
    int64_t d[4];
} plg_shape;

static inline plg_shape plg_shape1(int64_t a)
{
    plg_shape s = {1, {a, 0, 0, 0}};
    return s;
}

static inline plg_shape plg_shape2(int64_t a, int64_t b)
{
    plg_shape s = {2, {a, b, 0, 0}};
    return s;
}

/* The weight called prefix and name, of this shape, into *to. use: WEFT_USE_*. [setup] */
void plg_ask(plg_request *r, weft_tensor *to, uint32_t use, plg_shape s, const char *prefix,
             const char *name);

/* A norm or a linear layer; b without axes: there is none. */
typedef struct plg_pair {
    weft_tensor w, b;
} plg_pair;

/* prefix, name and ".weight", of this shape, and where bias is set ".bias" of its first axis. */
void plg_ask_pair(plg_request *r, plg_pair *to, uint32_t use, plg_shape s, int bias,
                  const char *prefix, const char *name);
/* The same for a norm of d values and a linear layer [out, in] or [out, in, kernel] (kernel 0). */
void plg_ask_norm(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t d);
void plg_ask_dense(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t out,
                   int64_t in, int64_t kernel, int bias);

/* ask is called with this request: once to count, then, with memory, to fill it; then all is
 * loaded. With p NULL it ends after counting. r is in the caller's hands only for its counts.
 * [setup] */
weft_status plg_request_run(const weft_host *h, const weft_package       *p,
                            void (*ask)(plg_request *r, void *ctx), void *ctx, plg_request *r,
                            weft_error *err);

/* Zeroed memory for structs that weights go to; NULL, with the sentence in err: there is none.
 * [setup] */
void *plg_alloc(const weft_host *h, uint64_t bytes, const char *what, weft_error *err);

#endif
