/* SPDX-License-Identifier: Apache-2.0 */
/* Attention as the driver (attend.c) and the kernels of the levels share it: a run of rows, the key
 * block that it meets, and what a level replaces. */
#ifndef WF_ATTEND_H
#define WF_ATTEND_H

#include "core/device/cpu/internal.h"

#define WF_ATTEND_QUERIES 384 /* of a task over pages: a multiple of every WF_ATTEND_TILE */
#define WF_ATTEND_PACKED 864  /* of a task over packed rows, likewise */
#define WF_ATTEND_TILE 48     /* queries of the widest kernel's tile; other widths divide it */

/* Keys and values of one block of one kv head, where they lie: element (i, d) of k at i * k_key + d
 * * k_dim, of v at i * v_key + d, in elements of dtype. In q8 these are integers, and key i has its
 * scales at index i. */
typedef struct wf_key_block {
    const void  *k, *v;
    const float *k_scale, *v_scale; /* [WF_KEY_BLOCK] in q8; else NULL */
    const void  *next_k, *next_v;   /* the block that will be read after it */
    int64_t      k_key, k_dim, v_key;
    int32_t      dtype;
    int32_t      next_n; /* keys of that; 0: there is none */
    int32_t      n;      /* the most keys of it that a query of the run sees, 1..WF_KEY_BLOCK */
} wf_key_block;

/* Rows whose keys begin at the same place, and one kv head: nq = n_rows * group queries, those of a
 * row side by side. The arrays are the thread's scratch; `room` is nq rounded up to whole tiles. */
typedef struct wf_attend_run {
    const float *q;   /* of the first row and the kv head's first query head */
    float       *out; /* the same */
    int64_t      q_stride, out_stride, n_rows, stride; /* stride: head_dim in whole 64 bytes */
    int32_t      group, nq, head_dim, room;
    float        scale;
    int32_t     *n_keys; /* [room] of the block at hand, that a query sees; those past nq as
                          * the last query */
    float *queries, *o;  /* [room, stride], laid out as the kernel likes */
    float *m, *l;        /* [room] with o the state: all blocks so far, merged */
    float *p;            /* [WF_KEY_BLOCK, WF_ATTEND_TILE] */
    float *k, *v;        /* [WF_KEY_BLOCK, stride] for a block as plain f32 */
    float *part; /* NULL: blocks are merged. Else where the next block's result goes: m [nq],
                  * l [nq], o [nq, stride]; only runs of few queries have it */
} wf_attend_run;

/* Floats of a part. */
static inline int64_t wf_attend_part(int64_t nq, int64_t stride)
{
    return (nq * (stride + 2) + 15) / 16 * 16;
}

/* One way of working on a run: `begin` sets the state to nothing, `block` computes (m, l, o) of one
 * block from nothing and merges it into the state or keeps it as a part, `merge` merges a part
 * (`many` has none), `finish` writes the rows of out. */
typedef struct wf_attend_kernel {
    void (*begin)(wf_attend_run *r);
    void (*block)(wf_attend_run *r, const wf_key_block *b);
    void (*merge)(wf_attend_run *r, const float *part);
    void (*finish)(wf_attend_run *r);
} wf_attend_kernel;

typedef struct wf_attend_kernels {
    wf_attend_kernel few, many;
    int32_t          few_queries; /* runs of more queries are for `many` */
} wf_attend_kernels;

/* Query i of the run. */
static inline const float *wf_query_at(const wf_attend_run *r, int64_t i)
{
    return r->q + i / r->group * r->q_stride + i % r->group * r->head_dim;
}

static inline float *wf_output_at(const wf_attend_run *r, int64_t i)
{
    return r->out + i / r->group * r->out_stride + i % r->group * r->head_dim;
}

weft_status wf_attend_pages_run(wf_exec *ex, const wf_attend_pages *a, const wf_attend_kernels *k);
weft_status wf_attend_run_packed(wf_exec *ex, const wf_attend *a, const wf_attend_kernels *k);

#endif
