/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of tensors: what is asked for, held against the shape of what is there before any of it is
 * read, and cut into pieces. */
#ifndef WF_REGION_H
#define WF_REGION_H

#include "core/model/directory.h"
#include "core/model/pieces.h"

#define WF_ALL (-1)

/* Part of a tensor, taken as rows along its first axis with all others flattened into columns: [n]
 * is n rows of one column, a scalar one row of one. */
typedef struct wf_slice {
    const char *name;
    int64_t     row0, rows, col0, cols; /* rows, cols: at least 1, or WF_ALL: to the last */
} wf_slice;
#define WF_WHOLE(tensor)                                                                           \
    (wf_slice)                                                                                     \
    {                                                                                              \
        .name = (tensor), .rows = WF_ALL, .cols = WF_ALL                                           \
    }

/* A slice that lies within its tensor. Of a tensor in q8 or q4 the columns are those of whole
 * groups. */
typedef struct wf_region {
    const wf_st_file   *file; /* of the package */
    const wf_st_tensor *t;
    int64_t             row0, rows, col0, cols;
    int64_t             width;           /* columns of a whole row */
    int32_t             dtype, reserved; /* as stored */
} wf_region;

/* The format that a tensor is stored in: WF_F32, WF_BF16 or WF_F16; WF_Q8 or WF_Q4 of a tensor of
 * U8 [n, ceil(k / 32), bytes of a group] (core/ops/op.h); -1: none of these. */
int32_t wf_st_format(const wf_st_tensor *t);

/* NOTFOUND: no such tensor; UNSUPPORTED: it holds no numbers of a format, or columns are asked for
 * that are no whole groups; CORRUPT: the slice is not within it.
 * Reads nothing but, at first, the headers of the package's files. */
weft_status wf_region_find(weft_package *p, const wf_slice *s, wf_region *r, weft_error *err);
uint64_t    wf_region_numel(const wf_region *r);
/* The same bytes as rows of one element each, where they are plain elements and stand in one
 * stretch of the file: such pieces may end anywhere. */
void wf_region_flatten(wf_region *r);
/* How many rows make a piece. LIMIT: one row alone is longer than a piece may be. */
weft_status wf_region_step(const wf_region *r, int64_t *rows, weft_error *err);
/* step rows from row `from` of the region on, or what is left; its op is empty. */
wf_piece wf_region_piece(const wf_region *r, int64_t from, int64_t step);

#endif
