/* SPDX-License-Identifier: Apache-2.0 */
/* How the areas of ops are told: one call an argument. */
#ifndef WF_TEST_AREAS_WALK_H
#define WF_TEST_AREAS_WALK_H

#include <stddef.h>

#include "core/device/test/areas.h"

typedef struct wf_walk {
    wf_area_fn         fn;
    void              *ctx;
    wf_weight_bytes_fn weight_bytes;
} wf_walk;

#define WF_F4 ((int64_t)sizeof(float))

/* m rows of n elements of `each` bytes, stride elements apart. */
static inline bool wf_walk_rows(const wf_walk *w, const char *name, int32_t access, const void *at,
                                int64_t m, int64_t n, int64_t stride, int64_t each)
{
    wf_area a = {name, at, {1, 1, 1, m}, {0, 0, 0, stride * each}, n * each, access, 0};
    return w->fn(w->ctx, &a);
}

static inline bool wf_walk_list(const wf_walk *w, const char *name, int32_t access, const void *at,
                                int64_t n, int64_t each)
{
    return wf_walk_rows(w, name, access, at, 1, n, n, each);
}

/* An argument that may be absent. */
static inline bool wf_walk_maybe(const wf_walk *w, const char *name, const void *at, int64_t n,
                                 int64_t each)
{
    return at == NULL || wf_walk_list(w, name, WF_READS, at, n, each);
}

/* f32 over four axes, strides in elements. */
static inline bool wf_walk_axes(const wf_walk *w, const char *name, int32_t access, const void *at,
                                const int64_t shape[4], const int64_t stride[4])
{
    wf_area a = {.name = name, .at = at, .each = WF_F4, .access = access};
    for (int i = 0; i < 4; i++) {
        a.shape[i] = shape[i];
        a.stride[i] = stride[i] * WF_F4;
    }
    if (stride[3] == 1) { /* whole lines at once */
        a.each = shape[3] * WF_F4;
        a.shape[3] = shape[3] > 0 ? 1 : 0;
    }
    return w->fn(w->ctx, &a);
}

/* areas_index.c: ops that find their way by arrays on the device. */
bool wf_areas_kv_store(const wf_walk *w, const wf_kv_store *a);
bool wf_areas_attend_pages(const wf_walk *w, const wf_attend_pages *a);
bool wf_areas_attend(const wf_walk *w, const wf_attend *a);
bool wf_areas_rows(const wf_walk *w, const wf_rows *a);
bool wf_areas_gather(const wf_walk *w, const wf_gather *a);
bool wf_areas_embed(const wf_walk *w, const wf_embed *a);

#endif
