/* SPDX-License-Identifier: Apache-2.0 */
/* Loads many weights in one call to the host, so that one message can report every weight that is
 * missing or has the wrong shape.
 *
 * A plugin writes one function, called `ask` below, that names each of its weights and its shape
 * with plg_ask and the functions built on it. plg_request_run calls that function twice. The first
 * time it only counts the weights, which tells how much memory the lists need and how many
 * parameters there are. The second time it fills the lists, and the host then loads all of them. */
#ifndef PLG_REQUEST_H
#define PLG_REQUEST_H

#include "weft/sdk.h"

#define PLG_MAX_NAME 160 /* bytes of a tensor's name */

/* The lists of one request, each with n entries so far. want[i] is what the host is asked for,
 * name[i] holds its name, got[i] receives the tensor and *to[i] is where it is put in the end.
 * While the weights are only counted, want is NULL and n and parameters alone are kept. */
typedef struct plg_request {
    weft_weight  *want;
    weft_tensor **to;
    weft_tensor  *got;
    char (*name)[PLG_MAX_NAME];
    uint32_t n, reserved;
    uint64_t parameters; /* of all that was asked for */

    const char *root; /* what all names begin with: `ask` may set it first; NULL: nothing */
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

/* Asks for the weight whose name is r->root, `prefix` and `name` one after the other. It must have
 * shape s and goes to *to. use: WEFT_USE_*. [setup] */
void plg_ask(plg_request *r, weft_tensor *to, uint32_t use, plg_shape s, const char *prefix,
             const char *name);

/* The weight and the bias of a norm or of a linear layer. Where there is no bias, b has no axes
 * (b.ndim is 0). */
typedef struct plg_pair {
    weft_tensor w, b;
} plg_pair;

/* Asks for the tensor `prefix` `name` ".weight" of shape s and, where bias is not 0, for `prefix`
 * `name` ".bias", whose length is the first axis of s. */
void plg_ask_pair(plg_request *r, plg_pair *to, uint32_t use, plg_shape s, int bias,
                  const char *prefix, const char *name);
/* The same for a norm over d values, and for a linear layer or a convolution: [out, in] where
 * kernel is 0, else [out, in, kernel]. */
void plg_ask_norm(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t d);
void plg_ask_dense(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t out,
                   int64_t in, int64_t kernel, int bias);

/* Runs one request: calls `ask` once to count the weights, allocates the lists, calls `ask` again
 * to fill them, and has the host load every weight from p. With p NULL it ends after counting.
 * Afterwards the caller reads r->n and r->parameters only; the lists have been freed. [setup] */
weft_status plg_request_run(const weft_host *h, const weft_package       *p,
                            void (*ask)(plg_request *r, void *ctx), void *ctx, plg_request *r,
                            weft_error *err);

/* Gives sink what plg_request_run would have the host load from p: for the `weights` function of a
 * modality. Calls `ask` as plg_request_run does. [setup] */
weft_status plg_request_tell(const weft_host *h, const weft_package       *p,
                             void (*ask)(plg_request *r, void *ctx), void *ctx,
                             const weft_weight_sink *sink, weft_error *err);

/* Allocates zeroed memory for the structs that weights are put into. `what` names it in the
 * message. Returns NULL with that message in err where memory is out. The caller frees it with
 * h->free. [setup] */
void *plg_alloc(const weft_host *h, uint64_t bytes, const char *what, weft_error *err);

#endif
