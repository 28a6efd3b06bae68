/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors from a package into device memory. */
#include "core/model/load.h"

#include <assert.h>
#include <string.h>

#include "core/base/mem.h"

#define NAMES_MOST 4

weft_status wf_buffers_add(wf_buffers *b, weft_queue *q, uint64_t bytes, bool zero, void **out,
                           weft_error *err)
{
    *out = NULL;
    if (b->n == b->cap) {
        uint64_t cap = b->cap != 0 ? b->cap * 2 : 32;
        void   **p = wf_realloc(b->p, (size_t)(cap * sizeof *p));
        if (p == NULL)
            return wf_fail_nomem(err, cap * sizeof *p, "a table of buffers");
        b->p = p;
        b->cap = cap;
    }
    void       *mem;
    weft_status status = wf_device_alloc(b->device, bytes, &mem, err);
    if (status != WEFT_OK)
        return status;
    b->p[b->n++] = mem;
    b->bytes += bytes;
    *out = mem;
    return zero ? wf_queue_zero(q, mem, bytes, err) : WEFT_OK;
}

void wf_buffers_free(wf_buffers *b)
{
    for (uint64_t i = 0; i < b->n; i++)
        wf_device_free(b->device, b->p[i]);
    wf_free(b->p);
    b->p = NULL;
    b->n = b->cap = b->bytes = 0;
}

weft_status wf_loader_open(wf_device *d, weft_package *p, int32_t dtype, wf_loader *out,
                           weft_error *err)
{
    memset(out, 0, sizeof *out);
    out->device = d;
    out->package = p;
    out->dtype = dtype;
    out->quantize = WF_DTYPE_AUTO;
    weft_status status = wf_queue_create(d, &out->queue, err);
    if (status == WEFT_OK)
        status = wf_pieces_open(d, out->queue, &out->pieces, err);
    if (status != WEFT_OK)
        wf_loader_close(out);
    return status;
}

void wf_loader_close(wf_loader *l)
{
    wf_pieces_close(&l->pieces);
    if (l->queue != NULL)
        (void)wf_queue_wait(l->queue, NULL);
    wf_queue_destroy(&l->queue);
}

static weft_status end_piece(wf_loader *l, weft_error *err)
{
    uint64_t    bytes;
    weft_status status = wf_pieces_end(l->pieces, &bytes, err);
    l->bytes_done += bytes;
    if (status == WEFT_OK && l->progress != NULL)
        l->progress(l->progress_ctx, l->bytes_done);
    return status;
}

static weft_status check_cancel(const wf_loader *l, weft_error *err)
{
    bool cancelled = l->cancelled != NULL && l->cancelled(l->cancelled_ctx) != 0;
    return cancelled ? wf_fail(err, WEFT_E_CANCELLED, "cancelled") : WEFT_OK;
}

weft_status wf_loader_finish(wf_loader *l, weft_error *err)
{
    weft_status status = WEFT_OK;
    while (status == WEFT_OK && !wf_pieces_empty(l->pieces)) {
        status = check_cancel(l, err);
        if (status == WEFT_OK)
            status = end_piece(l, err);
    }
    return status;
}

/* Begins one more piece. Two are under way at once, so an earlier one may have to end first. */
static weft_status add_piece(wf_loader *l, const wf_piece *piece, weft_error *err)
{
    weft_status status = check_cancel(l, err);
    if (status == WEFT_OK && wf_pieces_full(l->pieces))
        status = end_piece(l, err);
    return status == WEFT_OK ? wf_pieces_begin(l->pieces, piece, err) : status;
}

/* The region as rows row0 and on of w. */
static weft_status pack_region(wf_loader *l, const wf_region *r, const wf_weight *w, int64_t row0,
                               weft_error *err)
{
    int64_t     step;
    weft_status status = wf_region_step(r, &step, err);
    for (int64_t i = 0; status == WEFT_OK && i < r->rows; i += step) {
        wf_piece p = wf_region_piece(r, i, step);
        p.op =
            (wf_op){.kind = WF_OP_PACK,
                    .u.pack = {.w = *w, .row0 = row0 + i, .rows = p.rows, .src_dtype = r->dtype}};
        status = add_piece(l, &p, err);
    }
    return status;
}

/* Does the region cover every row? Then packing writes all of the memory, which needs no zeroing.
 */
static weft_status weight_alloc(wf_loader *l, wf_buffers *b, wf_weight *w, weft_error *err)
{
    uint64_t    bytes;
    weft_error  why = WF_ERROR_INIT;
    weft_status status = wf_device_weight_bytes(l->device, w->format, w->n, w->k, &bytes, &why);
    if (status != WEFT_OK)
        return wf_fail(err, status, "%s: %s", wf_package_dir(l->package), why.message);
    return wf_buffers_add(b, l->queue, bytes, false, &w->data, err);
}

int32_t wf_linear_format(int32_t stored, int32_t dtype, int32_t quantize, bool table)
{
    if (wf_is_grouped(stored))
        return stored;
    if (quantize != WF_DTYPE_AUTO)
        return table ? WF_Q8 : quantize;
    return dtype != WF_DTYPE_AUTO ? dtype : stored;
}

/* Whether k columns of a weight are the region's. Its last group may be padded. */
static bool has_columns(const wf_region *r, int64_t k)
{
    int64_t padded = wf_is_grouped(r->dtype) ? (k + WF_GROUP - 1) / WF_GROUP * WF_GROUP : k;
    return r->cols == padded;
}

/* Whether the slices make [n, k] together. dtype: of the first, as stored. */
static weft_status check_slices(wf_loader *l, const wf_slice *slices, int32_t n_slices, int64_t n,
                                int64_t k, int32_t *dtype, weft_error *err)
{
    const char *dir = wf_package_dir(l->package);
    int64_t     row = 0;
    wf_region   r;
    for (int32_t i = 0; i < n_slices; i++, row += r.rows) {
        weft_status status = wf_region_find(l->package, &slices[i], &r, err);
        if (status != WEFT_OK)
            return status;
        if (!has_columns(&r, k) || r.rows > n - row)
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s does not fit in %lld x %lld", dir,
                           slices[i].name, (long long)n, (long long)k);
        if (i == 0)
            *dtype = r.dtype;
    }
    if (row != n)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s and its neighbours have %lld rows, not %lld",
                       dir, slices[0].name, (long long)row, (long long)n);
    return WEFT_OK;
}

/* What is quantised already can be given to a weight of its own format alone. */
static weft_status check_format(const wf_loader *l, const wf_region *r, int32_t format,
                                weft_error *err)
{
    if (!wf_is_grouped(r->dtype) || r->dtype == format)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_UNSUPPORTED,
                   "%s: %s is stored in %s and cannot become %s: quantise the original",
                   wf_package_dir(l->package), r->t->name, wf_format_name(r->dtype),
                   wf_format_name(format));
}

static weft_status load_slices(wf_loader *l, wf_buffers *b, const wf_slice *slices,
                               int32_t n_slices, bool table, wf_weight *out, weft_error *err)
{
    int32_t     stored = WF_F32;
    int64_t     row = 0;
    weft_status status = check_slices(l, slices, n_slices, out->n, out->k, &stored, err);
    if (status != WEFT_OK)
        return status;
    out->format = wf_linear_format(stored, l->dtype, l->quantize, table);
    status = weight_alloc(l, b, out, err);
    for (int32_t i = 0; i < n_slices && status == WEFT_OK; i++) {
        wf_region r;
        status = wf_region_find(l->package, &slices[i], &r, err);
        if (status == WEFT_OK)
            status = check_format(l, &r, out->format, err);
        if (status == WEFT_OK)
            status = pack_region(l, &r, out, row, err);
        row += r.rows;
    }
    return status;
}

weft_status wf_load_linear_slices(wf_loader *l, wf_buffers *b, const wf_slice *slices,
                                  int32_t n_slices, int64_t n, int64_t k, wf_weight *out,
                                  weft_error *err)
{
    *out = (wf_weight){.n = n, .k = k};
    return load_slices(l, b, slices, n_slices, false, out, err);
}

static weft_status load_names(wf_loader *l, wf_buffers *b, const char *const *names,
                              int32_t n_names, bool table, wf_weight *out, weft_error *err)
{
    wf_slice slices[NAMES_MOST];
    assert(n_names >= 1 && n_names <= NAMES_MOST);
    for (int32_t i = 0; i < n_names; i++)
        slices[i] = WF_WHOLE(names[i]);
    if (n_names == 1)
        slices[0].rows = out->n;
    return load_slices(l, b, slices, n_names, table, out, err);
}

weft_status wf_load_linear(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                           int64_t n, int64_t k, wf_weight *out, weft_error *err)
{
    *out = (wf_weight){.n = n, .k = k};
    return load_names(l, b, names, n_names, false, out, err);
}

bool wf_formats_join(int32_t first, int32_t next)
{
    return first == next || (!wf_is_grouped(first) && !wf_is_grouped(next));
}

/* The format that a linear weight of one tensor would get. */
static weft_status format_of(const wf_loader *l, const char *name, int32_t *format, weft_error *err)
{
    wf_region   r;
    weft_status status = wf_region_find(l->package, &WF_WHOLE(name), &r, err);
    if (status == WEFT_OK)
        *format = wf_linear_format(r.dtype, l->dtype, l->quantize, false);
    return status;
}

weft_status wf_load_parts(wf_loader *l, wf_buffers *b, const char *const *names,
                          const int64_t *rows, int32_t n_names, int64_t k, wf_weight *parts,
                          weft_error *err)
{
    weft_status status = WEFT_OK;
    int32_t     first = WF_F32, next = WF_F32, end, n_parts = 0;
    memset(parts, 0, (size_t)n_names * sizeof *parts);
    for (int32_t i = 0; i < n_names && status == WEFT_OK; i = end) {
        int64_t n = rows[i];
        status = format_of(l, names[i], &first, err);
        for (end = i + 1; end < n_names && status == WEFT_OK; end++) {
            status = format_of(l, names[end], &next, err);
            if (status != WEFT_OK || !wf_formats_join(first, next))
                break;
            n += rows[end];
        }
        if (status == WEFT_OK)
            status = wf_load_linear(l, b, &names[i], end - i, n, k, &parts[n_parts++], err);
    }
    return status;
}

weft_status wf_load_table(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                          int64_t n, int64_t k, wf_weight *out, weft_error *err)
{
    *out = (wf_weight){.n = n, .k = k};
    return load_names(l, b, names, n_names, true, out, err);
}

/* A slice of plain elements, whose rows may be cut anywhere. */
static weft_status find_plain(wf_loader *l, const wf_slice *s, wf_region *r, weft_error *err)
{
    weft_status status = wf_region_find(l->package, s, r, err);
    if (status == WEFT_OK && wf_is_grouped(r->dtype))
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: %s is quantised; weft needs it as F32, BF16 or F16",
                       wf_package_dir(l->package), s->name);
    if (status == WEFT_OK)
        wf_region_flatten(r);
    return status;
}

weft_status wf_load_f32_slice(wf_loader *l, wf_buffers *b, const wf_slice *s, float **out,
                              weft_error *err)
{
    wf_region   r;
    void       *mem;
    int64_t     step;
    weft_status status = find_plain(l, s, &r, err);
    if (status != WEFT_OK)
        return status;
    uint64_t n = wf_region_numel(&r);
    status = wf_buffers_add(b, l->queue, n != 0 ? n * sizeof(float) : 4, false, &mem, err);
    *out = mem;
    if (status == WEFT_OK)
        status = wf_region_step(&r, &step, err);
    for (int64_t i = 0; status == WEFT_OK && i < r.rows; i += step) {
        wf_piece p = wf_region_piece(&r, i, step);
        p.op = (wf_op){
            .kind = WF_OP_CONVERT,
            .u.convert = {.dst = *out + i * r.cols, .n = p.rows * r.cols, .src_dtype = r.dtype}};
        status = add_piece(l, &p, err);
    }
    return status;
}

weft_status wf_load_f32(wf_loader *l, wf_buffers *b, const char *name, float **out, weft_error *err)
{
    return wf_load_f32_slice(l, b, &WF_WHOLE(name), out, err);
}

/* The row of q8 or q4, which is packed, and read as an embedding is. */
static weft_status load_rounded_row(wf_loader *l, wf_buffers *b, const wf_slice *s, int64_t k,
                                    float *dst, weft_error *err)
{
    wf_weight   w = {.n = 1, .k = k};
    void       *zero;
    weft_status status = load_slices(l, b, s, 1, true, &w, err);
    if (status == WEFT_OK)
        status = wf_loader_finish(l, err);
    if (status == WEFT_OK)
        status = wf_buffers_add(b, l->queue, sizeof(int32_t), true, &zero, err);
    if (status != WEFT_OK)
        return status;
    wf_op op = {.kind = WF_OP_EMBED,
                .u.embed = {.dst = dst, .w = w, .ids = zero, .m = 1, .dst_stride = k}};
    status = wf_queue_submit(l->queue, &op, err);
    return status == WEFT_OK ? wf_queue_wait(l->queue, err) : status;
}

weft_status wf_load_table_row(wf_loader *l, wf_buffers *b, const char *name, int64_t row, int64_t k,
                              float **out, weft_error *err)
{
    const wf_slice s = {name, row, 1, 0, WF_ALL};
    wf_buffers     scratch = {.device = l->device};
    wf_region      r;
    void          *mem;
    weft_status    status = wf_region_find(l->package, &s, &r, err);
    *out = NULL;
    if (status != WEFT_OK)
        return status;
    if (!wf_is_grouped(wf_linear_format(r.dtype, l->dtype, l->quantize, true))) {
        status = wf_load_f32_slice(l, b, &s, out, err);
        return status == WEFT_OK ? wf_loader_finish(l, err) : status;
    }
    status = wf_buffers_add(b, l->queue, (uint64_t)k * sizeof(float), false, &mem, err);
    if (status != WEFT_OK)
        return status;
    status = load_rounded_row(l, &scratch, &s, k, mem, err);
    (void)wf_queue_wait(l->queue, NULL);
    wf_buffers_free(&scratch);
    *out = mem;
    return status;
}

weft_status wf_load_values(wf_loader *l, wf_buffers *b, const float *src, uint64_t n, float **out,
                           weft_error *err)
{
    uint64_t    bytes = n * sizeof *src;
    void       *mem;
    weft_status status = wf_buffers_add(b, l->queue, bytes, false, &mem, err);
    *out = mem;
    if (status == WEFT_OK)
        status = wf_queue_upload(l->queue, mem, src, bytes, err);
    return status == WEFT_OK ? wf_queue_wait(l->queue, err) : status;
}

/* The rows of the region to dst, one after the other, as stored. */
static weft_status read_region(wf_loader *l, const wf_region *r, uint8_t *dst, weft_error *err)
{
    int64_t     step;
    weft_status status = wf_region_step(r, &step, err);
    for (int64_t i = 0; status == WEFT_OK && i < r->rows; i += step) {
        wf_piece p = wf_region_piece(r, i, step);
        status = check_cancel(l, err);
        if (status == WEFT_OK)
            status = wf_piece_read(&p, dst, err);
        dst += (uint64_t)p.rows * p.row_bytes;
    }
    return status;
}

weft_status wf_load_host_slice(wf_loader *l, const wf_slice *s, float *dst, uint64_t n,
                               weft_error *err)
{
    wf_region   r;
    weft_status status = find_plain(l, s, &r, err);
    if (status != WEFT_OK)
        return status;
    if (wf_region_numel(&r) != n)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s has %llu elements, not %llu",
                       wf_package_dir(l->package), s->name, (unsigned long long)wf_region_numel(&r),
                       (unsigned long long)n);
    uint64_t spare = n * (sizeof *dst - (uint64_t)wf_dtype_bytes(r.dtype));
    uint8_t *raw = (uint8_t *)dst + spare;
    status = read_region(l, &r, raw, err);
    if (status == WEFT_OK)
        wf_st_to_f32(dst, raw, r.t->dtype, n);
    return status;
}

weft_status wf_load_host(wf_loader *l, const char *name, float *dst, uint64_t n, weft_error *err)
{
    return wf_load_host_slice(l, &WF_WHOLE(name), dst, n, err);
}
