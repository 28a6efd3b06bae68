/* SPDX-License-Identifier: Apache-2.0 */
/* One weight file, written once more: pieces are read, quantised where that is asked for, and
 * written, so that memory for two pieces is all that is needed. */
#include "core/base/mem.h"
#include "core/device/cpu/quant.h"
#include "core/model/quantize.h"
#include "core/model/region.h"

typedef struct writing {
    const wf_quantize *q;
    const wf_st_file  *file;
    uint64_t          *done;
    uint8_t           *src, *dst; /* WF_PIECE_MOST each: quantised rows are no longer than others */
} writing;

static weft_status step(const writing *g, uint64_t bytes, weft_error *err)
{
    *g->done += bytes;
    wf_progress_tell(g->q->progress, "weights", *g->done, wf_package_tensor_bytes(g->q->package),
                     "bytes");
    return wf_scope_check(g->q->scope, err);
}

static weft_status copy_tensor(const writing *g, const wf_st_tensor *t, wf_writer *w,
                               weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint64_t at = 0; at < t->bytes && status == WEFT_OK; at += WF_PIECE_BYTES) {
        uint64_t n = t->bytes - at < WF_PIECE_BYTES ? t->bytes - at : WF_PIECE_BYTES;
        status = wf_st_read(g->file, t, at, g->src, n, err);
        if (status == WEFT_OK)
            status = wf_writer_write(w, g->src, n, err);
        if (status == WEFT_OK)
            status = step(g, n, err);
    }
    return status;
}

/* by: as wf_quantize_rows. */
static weft_status write_rows(const writing *g, const wf_st_tensor *t, int32_t format,
                              const float *by, wf_writer *w, weft_error *err)
{
    int64_t     rows, k = (int64_t)wf_st_numel(t) / t->shape[0];
    wf_region   r = {.file = g->file,
                     .t = t,
                     .rows = t->shape[0],
                     .cols = k,
                     .width = k,
                     .dtype = wf_st_format(t)};
    weft_status status = wf_region_step(&r, &rows, err);
    for (int64_t i = 0; i < r.rows && status == WEFT_OK; i += rows) {
        wf_piece p = wf_region_piece(&r, i, rows);
        wf_pack  a = {{NULL, r.rows, k, format, 0}, g->src, 0, p.rows, r.dtype, 0};
        status = wf_piece_read(&p, g->src, err);
        if (status != WEFT_OK)
            break;
        wf_quantize_rows(g->q->ops, g->q->pool, &a, by, g->dst);
        status = wf_writer_write(w, g->dst, (uint64_t)(p.rows * wf_row_bytes(format, k)), err);
        if (status == WEFT_OK)
            status = step(g, (uint64_t)p.rows * p.row_bytes, err);
    }
    return status;
}

static weft_status quantize_tensor(const writing *g, const wf_st_tensor *t, int32_t format,
                                   wf_writer *w, weft_error *err)
{
    const wf_calibration *c = format == WF_Q4 ? g->q->calibration : NULL;
    const int64_t         k = (int64_t)wf_st_numel(t) / t->shape[0];
    const size_t          n = (size_t)(wf_groups(k) * WF_GROUP);
    if (c == NULL)
        return write_rows(g, t, format, NULL, w, err);
    float *by = wf_alloc(n * sizeof *by);
    if (by == NULL)
        return wf_fail_nomem(err, n * sizeof *by, "how much columns count");
    bool        known = wf_calibration_weights(c, t->name, k, by);
    weft_status status = write_rows(g, t, format, known ? by : NULL, w, err);
    wf_free(by);
    return status;
}

/* The format that a tensor is to get; -1: it is copied. */
static int32_t format_for(const wf_quantize *q, const wf_st_tensor *t)
{
    const json_t *format = json_object_get(q->formats, t->name);
    return format != NULL && t->rank >= 2 && wf_st_numel(t) > 0
               ? (int32_t)json_integer_value(format)
               : -1;
}

static weft_status put(void *ctx, const wf_st_out *out, wf_writer *w, weft_error *err)
{
    const writing      *g = ctx;
    const wf_st_tensor *t = wf_st_find(g->file, out->name);
    int32_t             format = format_for(g->q, t);
    return format < 0 || wf_is_grouped(wf_st_format(t)) ? copy_tensor(g, t, w, err)
                                                        : quantize_tensor(g, t, format, w, err);
}

static weft_status describe(const wf_quantize *q, const wf_st_tensor *t, wf_st_out *out,
                            weft_error *err)
{
    int32_t stored = wf_st_format(t), format = format_for(q, t);
    *out = (wf_st_out){.name = t->name, .dtype = t->dtype, .rank = t->rank};
    memcpy(out->shape, t->shape, sizeof out->shape);
    if (t->dtype == WF_ST_OTHER || (format >= 0 && stored < 0))
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: %s is of a type that weft does not write (F32, BF16, F16, I64, I32 and "
                       "U8)",
                       wf_package_dir(q->package), t->name);
    if (format >= 0 && wf_is_grouped(stored) && stored != format)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: %s is stored in %s and cannot become %s: quantise the original",
                       wf_package_dir(q->package), t->name, wf_format_name(stored),
                       wf_format_name(format));
    if (format < 0 || wf_is_grouped(stored))
        return WEFT_OK;
    int64_t k = (int64_t)wf_st_numel(t) / t->shape[0];
    out->dtype = WF_ST_U8;
    out->rank = 3;
    out->shape[1] = wf_groups(k);
    out->shape[2] = wf_row_bytes(format, WF_GROUP);
    return WEFT_OK;
}

weft_status wf_quantize_check(const wf_quantize *q, const wf_st_file *file, weft_error *err)
{
    wf_st_out   out;
    weft_status status = WEFT_OK;
    for (uint64_t i = 0; i < file->n_tensors && status == WEFT_OK; i++)
        status = describe(q, &file->tensors[i], &out, err);
    return status;
}

weft_status wf_quantize_file(const wf_quantize *q, const wf_st_file *file, const char *path,
                             uint64_t *done, weft_error *err)
{
    writing     g = {q, file, done, wf_alloc(WF_PIECE_MOST), wf_alloc(WF_PIECE_MOST)};
    wf_st_out  *outs = wf_zalloc_n((size_t)file->n_tensors + 1, sizeof *outs);
    weft_status status = WEFT_OK;
    if (g.src == NULL || g.dst == NULL || outs == NULL)
        status = wf_fail_nomem(err, 2 * WF_PIECE_MOST, "pieces of weights");
    for (uint64_t i = 0; i < file->n_tensors && status == WEFT_OK; i++)
        status = describe(q, &file->tensors[i], &outs[i], err);
    if (status == WEFT_OK)
        status = wf_st_write_by(path, outs, file->n_tensors, put, &g, err);
    wf_free(g.src);
    wf_free(g.dst);
    wf_free(outs);
    return status;
}
