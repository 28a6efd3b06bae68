/* SPDX-License-Identifier: Apache-2.0 */
/* Each call enqueues one op or kernel. After a first failure, which is kept, nothing more is
 * enqueued. */
#include "calls.h"

void gsp_launch(gsp_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args)
{
    const int64_t     grain = work > 0 && work < 16384 ? 16384 / work : 1;
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)n, 1, 1}, {128, 1, 1}, 0, 0, n, grain};
    if (r->on.status == WEFT_OK && n > 0)
        r->on.status = r->m->launcher->launch(r->on.host, r->on.q, kernel, &how, args, r->on.err);
}

void gsp_glu(gsp_run *r, const weft_tensor *y, const weft_tensor *x)
{
    void   *to = y->data, *from = x->data;
    int64_t d = y->shape[1];
    void   *args[] = {&to, &from, &d};
    gsp_launch(r, r->m->kernels.glu, y->shape[0], 16 * d, args);
}

/* n columns of x [rows, columns]. */
static weft_tensor columns_of(const weft_tensor *x, int64_t from, int64_t n)
{
    const int64_t shape[2] = {x->shape[0], n};
    weft_tensor   part = weft_view(x, (float *)x->data + from, WEFT_F32, 2, shape);
    part.bytes = x->bytes - (uint64_t)from * sizeof(float);
    part.stride[0] = x->shape[1];
    return part;
}

void gsp_columns(gsp_run *r, const weft_tensor *y, const weft_tensor *x, int64_t from)
{
    const weft_tensor part = columns_of(x, from, y->shape[1]);
    plg_copy(&r->on, y, &part);
}

void gsp_put_columns(gsp_run *r, const weft_tensor *y, const weft_tensor *x, int64_t from)
{
    const weft_tensor part = columns_of(y, from, x->shape[1]);
    plg_copy(&r->on, &part, x);
}

void gsp_clear(gsp_run *r, const weft_tensor *x, const weft_tensor *zero)
{
    weft_tensor zeros = *x;
    zeros.data = zero->data;
    zeros.bytes = zero->bytes;
    zeros.stride[0] = zeros.stride[1] = 0;
    if (x->shape[0] > 0)
        plg_copy(&r->on, x, &zeros);
}
