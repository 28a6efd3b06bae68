/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors from a package into device memory. */
#include "core/model/load.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

#define PIECE_BYTES ((uint64_t)32 << 20)

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
    weft_status status = wf_queue_create(d, &out->queue, err);
    if (status == WEFT_OK)
        status = wf_device_alloc(d, PIECE_BYTES, &out->staging, err);
    if (status == WEFT_OK && (out->host = wf_alloc_aligned((size_t)PIECE_BYTES)) == NULL)
        status = wf_fail_nomem(err, PIECE_BYTES, "reading weights");
    if (status != WEFT_OK)
        wf_loader_close(out);
    return status;
}

void wf_loader_close(wf_loader *l)
{
    if (l->queue != NULL)
        (void)wf_queue_wait(l->queue, NULL);
    wf_queue_destroy(&l->queue);
    if (l->device != NULL)
        wf_device_free(l->device, l->staging);
    wf_free_aligned(l->host);
    l->staging = l->host = NULL;
}

static void problem(wf_problems *pr, const char *name, const char *what)
{
    size_t at = strlen(pr->text);
    if (at + strlen(name) + strlen(what) + 8 < sizeof pr->text)
        snprintf(pr->text + at, sizeof pr->text - at, "%s%s %s", at != 0 ? ", " : "", name, what);
    pr->n++;
}

static void shape_text(char *text, size_t cap, int32_t rank, const int64_t *shape)
{
    size_t at = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < rank && at < cap; i++)
        at +=
            (size_t)snprintf(text + at, cap - at, "%s%lld", i != 0 ? "x" : "", (long long)shape[i]);
}

void wf_problems_check(wf_problems *pr, weft_package *p, const wf_want *w)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_error          why = WF_ERROR_INIT;
    if (pr->broken.code != WEFT_OK)
        return;
    weft_status status = wf_package_find(p, w->name, &file, &t, &why);
    if (status == WEFT_E_NOTFOUND) {
        if (pr->n == 0)
            pr->no_weights = wf_package_tensor_bytes(p) == 0;
        problem(pr, w->name, "is missing");
        return;
    }
    if (status != WEFT_OK) {
        pr->broken = why;
        return;
    }
    char has[80], wants[80], what[200];
    shape_text(has, sizeof has, t->rank, t->shape);
    shape_text(wants, sizeof wants, w->rank, w->shape);
    if (strcmp(has, wants) != 0) {
        snprintf(what, sizeof what, "is [%s], not [%s]", has, wants);
        problem(pr, w->name, what);
    } else if (t->dtype != WF_ST_F32 && t->dtype != WF_ST_BF16 && t->dtype != WF_ST_F16) {
        problem(pr, w->name, "is not F32, BF16 or F16");
    }
}

weft_status wf_problems_report(const wf_problems *pr, const weft_package *p, weft_error *err)
{
    if (pr->broken.code != WEFT_OK)
        return wf_fail(err, pr->broken.code, "%s", pr->broken.message);
    if (pr->n == 0)
        return WEFT_OK;
    if (pr->no_weights)
        return wf_fail(err, WEFT_E_NOTFOUND,
                       "%s has no weights: put model.safetensors, or its shards and "
                       "model.safetensors.index.json, there",
                       wf_package_dir(p));
    return wf_fail(err, WEFT_E_CORRUPT, "%s: %llu tensor%s not fit config.json: %s%s",
                   wf_package_dir(p), (unsigned long long)pr->n, pr->n == 1 ? " does" : "s do",
                   pr->text, pr->n > 4 ? ", ..." : "");
}

static int32_t ops_dtype(int32_t st_dtype)
{
    return st_dtype == WF_ST_BF16 ? WF_BF16 : st_dtype == WF_ST_F16 ? WF_F16 : WF_F32;
}

static weft_status find_floats(wf_loader *l, const char *name, const wf_st_file **file,
                               const wf_st_tensor **t, weft_error *err)
{
    weft_status status = wf_package_find(l->package, name, file, t, err);
    if (status != WEFT_OK)
        return status;
    if ((*t)->dtype != WF_ST_F32 && (*t)->dtype != WF_ST_BF16 && (*t)->dtype != WF_ST_F16)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: %s is not F32, BF16 or F16",
                       wf_package_dir(l->package), name);
    return WEFT_OK;
}

/* Brings n bytes of t from offset to the staging buffer and runs op on it. The wait lets the next
 * piece use both buffers again. */
static weft_status piece(wf_loader *l, const wf_st_file *file, const wf_st_tensor *t,
                         uint64_t offset, uint64_t n, const wf_op *op, weft_error *err)
{
    weft_status status = wf_st_read(file, t, offset, l->host, n, err);
    if (status == WEFT_OK)
        status = wf_queue_upload(l->queue, l->staging, l->host, n, err);
    if (status == WEFT_OK)
        status = wf_queue_submit(l->queue, op, err);
    if (status == WEFT_OK)
        status = wf_queue_wait(l->queue, err);
    l->bytes_done += n;
    if (status == WEFT_OK && l->progress != NULL)
        l->progress(l->progress_ctx, l->bytes_done);
    return status;
}

static weft_status pack_tensor(wf_loader *l, const wf_st_file *file, const wf_st_tensor *t,
                               const wf_weight *w, int64_t row0, int64_t rows, weft_error *err)
{
    uint64_t    row_bytes = (uint64_t)w->k * (uint64_t)wf_dtype_bytes(ops_dtype(t->dtype));
    weft_status status = WEFT_OK;
    if (row_bytes > PIECE_BYTES)
        return wf_fail(err, WEFT_E_LIMIT, "%s: %s has rows of %llu bytes",
                       wf_package_dir(l->package), t->name, (unsigned long long)row_bytes);
    int64_t step = (int64_t)(PIECE_BYTES / row_bytes);
    for (int64_t r = 0; r < rows && status == WEFT_OK; r += step) {
        int64_t n = rows - r < step ? rows - r : step;
        wf_op   op = {.kind = WF_OP_PACK,
                      .u.pack = {.w = *w,
                                 .src = l->staging,
                                 .row0 = row0 + r,
                                 .rows = n,
                                 .src_dtype = ops_dtype(t->dtype)}};
        status = piece(l, file, t, (uint64_t)r * row_bytes, (uint64_t)n * row_bytes, &op, err);
    }
    return status;
}

static weft_status weight_alloc(wf_loader *l, wf_buffers *b, wf_weight *w, weft_error *err)
{
    uint64_t    bytes;
    weft_error  why = WF_ERROR_INIT;
    weft_status status = wf_device_weight_bytes(l->device, w->format, w->n, w->k, &bytes, &why);
    if (status != WEFT_OK)
        return wf_fail(err, status, "%s: %s", wf_package_dir(l->package), why.message);
    return wf_buffers_add(b, l->queue, bytes, true, &w->data, err);
}

weft_status wf_load_linear(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                           int64_t n, int64_t k, wf_weight *out, weft_error *err)
{
    int64_t             row = 0;
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_status         status = find_floats(l, names[0], &file, &t, err);
    if (status != WEFT_OK)
        return status;
    *out = (wf_weight){.n = n, .k = k, .format = l->dtype};
    if (l->dtype == WF_DTYPE_AUTO)
        out->format = ops_dtype(t->dtype);
    status = weight_alloc(l, b, out, err);
    for (int32_t i = 0; i < n_names && status == WEFT_OK; i++) {
        status = find_floats(l, names[i], &file, &t, err);
        if (status != WEFT_OK)
            break;
        int64_t rows = t->rank > 0 ? t->shape[0] : 0;
        if (wf_st_numel(t) != (uint64_t)rows * (uint64_t)k || (n_names > 1 && rows > n - row))
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s does not fit in %lld x %lld",
                           wf_package_dir(l->package), names[i], (long long)n, (long long)k);
        rows = rows < n - row ? rows : n - row;
        status = pack_tensor(l, file, t, out, row, rows, err);
        row += rows;
    }
    if (status == WEFT_OK && row != n)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s and its neighbours have %lld rows, not %lld",
                       wf_package_dir(l->package), names[0], (long long)row, (long long)n);
    return status;
}

weft_status wf_load_f32(wf_loader *l, wf_buffers *b, const char *name, float **out, weft_error *err)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    void               *mem;
    weft_status         status = find_floats(l, name, &file, &t, err);
    if (status != WEFT_OK)
        return status;
    uint64_t n = wf_st_numel(t), each = (uint64_t)wf_dtype_bytes(ops_dtype(t->dtype));
    status = wf_buffers_add(b, l->queue, n != 0 ? n * sizeof(float) : 4, false, &mem, err);
    *out = mem;
    for (uint64_t i = 0; i < n && status == WEFT_OK; i += PIECE_BYTES / 4) {
        uint64_t part = n - i < PIECE_BYTES / 4 ? n - i : PIECE_BYTES / 4;
        wf_op    op = {.kind = WF_OP_CONVERT,
                       .u.convert = {.dst = *out + i,
                                     .src = l->staging,
                                     .n = (int64_t)part,
                                     .src_dtype = ops_dtype(t->dtype)}};
        status = piece(l, file, t, i * each, part * each, &op, err);
    }
    return status;
}

static float half_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 31u, man = h & 1023u, bits;
    float    f;
    if (exp == 31)
        bits = sign | 0x7f800000u | (man << 13);
    else if (exp != 0)
        bits = sign | ((exp + 112) << 23) | (man << 13);
    else {
        f = (float)man * 0x1p-24f;
        return sign != 0 ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

void wf_to_f32(float *dst, const void *src, int32_t st_dtype, uint64_t n)
{
    if (st_dtype == WF_ST_F32) {
        memcpy(dst, src, (size_t)n * sizeof(float));
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, (const uint8_t *)src + 2 * i, sizeof h);
        if (st_dtype == WF_ST_F16) {
            dst[i] = half_to_f32(h);
        } else {
            uint32_t bits = (uint32_t)h << 16;
            memcpy(&dst[i], &bits, sizeof bits);
        }
    }
}

weft_status wf_load_host(wf_loader *l, const char *name, float *dst, uint64_t n, weft_error *err)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_status         status = find_floats(l, name, &file, &t, err);
    if (status != WEFT_OK)
        return status;
    if (wf_st_numel(t) != n)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s has %llu elements, not %llu",
                       wf_package_dir(l->package), name, (unsigned long long)wf_st_numel(t),
                       (unsigned long long)n);
    uint64_t each = (uint64_t)wf_dtype_bytes(ops_dtype(t->dtype));
    for (uint64_t i = 0; i < n && status == WEFT_OK; i += PIECE_BYTES / 4) {
        uint64_t part = n - i < PIECE_BYTES / 4 ? n - i : PIECE_BYTES / 4;
        status = wf_st_read(file, t, i * each, l->host, part * each, err);
        if (status == WEFT_OK)
            wf_to_f32(dst + i, l->host, t->dtype, part);
    }
    return status;
}
