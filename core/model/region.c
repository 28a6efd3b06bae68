/* SPDX-License-Identifier: Apache-2.0 */
/* Slices held against the shapes of their tensors. */
#include "core/model/region.h"

#include "core/io/text.h"

#define ROWS_TOGETHER 32 /* a multiple of these is packed fastest on any device */

int32_t wf_st_format(const wf_st_tensor *t)
{
    if (t->dtype == WF_ST_U8 && t->rank == 3 && t->shape[2] == WF_Q8_BYTES)
        return WF_Q8;
    if (t->dtype == WF_ST_U8 && t->rank == 3 && t->shape[2] == WF_Q4_BYTES)
        return WF_Q4;
    return t->dtype == WF_ST_F32    ? WF_F32
           : t->dtype == WF_ST_BF16 ? WF_BF16
           : t->dtype == WF_ST_F16  ? WF_F16
                                    : -1;
}

static weft_status find_numbers(weft_package *p, const char *name, wf_region *r, weft_error *err)
{
    weft_status status = wf_package_find(p, name, &r->file, &r->t, err);
    if (status != WEFT_OK)
        return status;
    r->dtype = wf_st_format(r->t);
    if (r->dtype < 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: %s is not F32, BF16 or F16", wf_package_dir(p),
                       name);
    return WEFT_OK;
}

/* Columns of a whole row. */
static int64_t width_of(const wf_region *r, int64_t rows)
{
    if (wf_is_grouped(r->dtype))
        return r->t->shape[1] < INT64_MAX / WF_GROUP ? r->t->shape[1] * WF_GROUP : 0;
    return rows > 0 ? (int64_t)wf_st_numel(r->t) / rows : 0;
}

static bool cuts_groups(const wf_region *r)
{
    return wf_is_grouped(r->dtype) && (r->col0 % WF_GROUP != 0 || r->cols % WF_GROUP != 0);
}

/* Whether *n from first on lie within 0..have-1; WF_ALL becomes what is left. */
static bool within(int64_t first, int64_t *n, int64_t have)
{
    if (first < 0 || first > have)
        return false;
    if (*n == WF_ALL)
        *n = have - first;
    else if (*n < 1)
        return false;
    return *n <= have - first;
}

weft_status wf_region_find(weft_package *p, const wf_slice *s, wf_region *r, weft_error *err)
{
    *r = (wf_region){.row0 = s->row0, .rows = s->rows, .col0 = s->col0, .cols = s->cols};
    weft_status status = find_numbers(p, s->name, r, err);
    if (status != WEFT_OK)
        return status;
    int64_t have = r->t->rank > 0 ? r->t->shape[0] : 1;
    r->width = width_of(r, have);
    if (!within(s->row0, &r->rows, have))
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: %s has %lld rows; %lld from row %lld on are needed", wf_package_dir(p),
                       s->name, (long long)have, (long long)s->rows, (long long)s->row0);
    if (!within(s->col0, &r->cols, r->width))
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: %s has %lld columns; %lld from column %lld on are needed",
                       wf_package_dir(p), s->name, (long long)r->width, (long long)s->cols,
                       (long long)s->col0);
    if (cuts_groups(r))
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: %s is quantised, and %lld of its columns from column %lld on are no "
                       "whole groups of %d",
                       wf_package_dir(p), s->name, (long long)r->cols, (long long)s->col0,
                       WF_GROUP);
    return WEFT_OK;
}

uint64_t wf_region_numel(const wf_region *r)
{
    return (uint64_t)r->rows * (uint64_t)r->cols; /* within the tensor */
}

void wf_region_flatten(wf_region *r)
{
    if (r->cols != r->width || wf_is_grouped(r->dtype))
        return;
    r->row0 *= r->width;
    r->rows *= r->width;
    r->cols = r->width = 1;
}

weft_status wf_region_step(const wf_region *r, int64_t *rows, weft_error *err)
{
    uint64_t row = (uint64_t)wf_row_bytes(r->dtype, r->cols);
    if (row > WF_PIECE_MOST)
        return wf_fail(err, WEFT_E_LIMIT,
                       "%s: %s has rows of %llu bytes; at most %llu can be loaded",
                       wf_quote(r->file->file.path).s, wf_quote(r->t->name).s,
                       (unsigned long long)row, (unsigned long long)WF_PIECE_MOST);
    int64_t n = row != 0 ? (int64_t)(WF_PIECE_BYTES / row) : 1;
    *rows = n >= ROWS_TOGETHER ? n / ROWS_TOGETHER * ROWS_TOGETHER : n > 0 ? n : 1;
    return WEFT_OK;
}

wf_piece wf_region_piece(const wf_region *r, int64_t from, int64_t step)
{
    int64_t stride = wf_row_bytes(r->dtype, r->width);
    int64_t at = (r->row0 + from) * stride + wf_row_bytes(r->dtype, r->col0);
    return (wf_piece){.file = r->file,
                      .t = r->t,
                      .offset = (uint64_t)at,
                      .row_bytes = (uint64_t)wf_row_bytes(r->dtype, r->cols),
                      .stride = (uint64_t)stride,
                      .rows = r->rows - from < step ? r->rows - from : step};
}
