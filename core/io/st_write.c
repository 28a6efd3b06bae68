/* SPDX-License-Identifier: Apache-2.0 */
/* Writes safetensors files, with the same bytes as the reference writer for the same tensors. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "weft/utf8.h"
#include "core/io/json.h"
#include "core/io/st_dtype.h"
#include "core/io/text.h"

typedef struct entry {
    const wf_st_out       *out;
    const wf_st_dtype_row *row;
    uint64_t               bytes;
} entry;

static weft_status fail_tensor(const char *path, const wf_st_out *t, const char *what,
                               weft_error *err)
{
    return wf_fail(err, WEFT_E_INVALID, "%s: tensor \"%s\" cannot be written: %s", wf_quote(path).s,
                   wf_quote(t->name).s, what);
}

static weft_status entry_fill(const char *path, const wf_st_out *t, entry *e, weft_error *err)
{
    size_t length = strlen(t->name);
    if (length == 0 || length > WF_ST_MAX_NAME || weft_utf8_prefix(t->name, length) != length ||
        strcmp(t->name, "__metadata__") == 0)
        return fail_tensor(path, t, "its name is empty, reserved, too long or not UTF-8", err);
    e->out = t;
    e->row = t->dtype == WF_ST_OTHER ? NULL : wf_st_dtype_find(wf_st_dtype_name(t->dtype));
    if (e->row == NULL)
        return fail_tensor(path, t, "its dtype is not one of ours", err);
    if (t->rank < 0 || t->rank > WF_ST_MAX_RANK)
        return fail_tensor(path, t, "its rank is not 0 to 8", err);
    e->bytes = e->row->bits / 8;
    for (int32_t i = 0; i < t->rank; i++)
        if (t->shape[i] < 0 || !wf_mul(e->bytes, (uint64_t)t->shape[i], &e->bytes))
            return fail_tensor(path, t, "its shape is negative or overflows", err);
    return WEFT_OK;
}

static int by_dtype_and_name(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->row != y->row)
        return x->row > y->row ? -1 : 1;
    return strcmp(x->out->name, y->out->name);
}

/* The header's entry {"dtype":..,"shape":[..],"data_offsets":[..]}; NULL: out of memory. */
static json_t *entry_json(const entry *e, uint64_t begin)
{
    json_t *shape = json_array();
    int     bad = shape == NULL;
    for (int32_t i = 0; i < e->out->rank; i++)
        bad |= json_array_append_new(shape, json_integer((json_int_t)e->out->shape[i]));
    if (bad) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s,s:o,s:[I,I]}", "dtype", e->row->name, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + e->bytes));
}

/* Makes the header's text, which the caller frees with wf_free. INVALID: two tensors have one name.
 */
static weft_status header_make(const char *path, const entry *entries, uint64_t n, char **text,
                               weft_error *err)
{
    uint64_t    at = 0;
    weft_status status = WEFT_OK;
    json_t     *root = json_object();
    *text = NULL;
    for (uint64_t i = 0; i < n && root != NULL && status == WEFT_OK; i++) {
        const char *name = entries[i].out->name;
        if (json_object_get(root, name) != NULL)
            status = fail_tensor(path, entries[i].out, "another has its name", err);
        else if (json_object_set_new(root, name, entry_json(&entries[i], at)) != 0)
            status = wf_fail(err, WEFT_E_NOMEM, "out of memory: a safetensors header");
        at += entries[i].bytes;
    }
    if (root != NULL && status == WEFT_OK)
        *text = json_dumps(root, JSON_COMPACT);
    if (status == WEFT_OK && *text == NULL)
        status = wf_fail(err, WEFT_E_NOMEM, "out of memory: a safetensors header");
    json_decref(root);
    return status;
}

/* Writes the header: its length, its text, and blanks up to a multiple of 8. */
static weft_status header_put(wf_writer *w, const char *text, weft_error *err)
{
    static const char blanks[] = "        ";
    unsigned char     le[8];
    uint64_t          bytes = strlen(text), padded = (bytes + 7) / 8 * 8;
    for (uint32_t i = 0; i < sizeof(le); i++)
        le[i] = (unsigned char)(padded >> (8 * i));
    weft_status status = wf_writer_write(w, le, sizeof(le), err);
    if (status == WEFT_OK)
        status = wf_writer_write(w, text, bytes, err);
    if (status == WEFT_OK)
        status = wf_writer_write(w, blanks, padded - bytes, err);
    return status;
}

/* Who writes the tensors' bytes. */
typedef struct source {
    wf_st_put put;
    void     *ctx;
} source;

static weft_status all_put(const char *path, const char *header, const entry *entries, uint64_t n,
                           const source *from, weft_error *err)
{
    wf_writer  *w;
    weft_status status = wf_writer_open(path, NULL, &w, err);
    if (status == WEFT_OK)
        status = header_put(w, header, err);
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++)
        status = from->put(from->ctx, entries[i].out, w, err);
    if (status == WEFT_OK)
        return wf_writer_commit(&w, err);
    wf_writer_abort(&w);
    return status;
}

/* Fills the entries in the order of the file, and checks that every offset fits an int64. */
static weft_status entries_fill(const char *path, const wf_st_out *tensors, uint64_t n,
                                entry *entries, weft_error *err)
{
    uint64_t total = 0;
    for (uint64_t i = 0; i < n; i++) {
        weft_status status = entry_fill(path, &tensors[i], &entries[i], err);
        if (status != WEFT_OK)
            return status;
        if (!wf_add(total, entries[i].bytes, &total) || total > INT64_MAX)
            return fail_tensor(path, &tensors[i], "the file would be too large", err);
    }
    qsort(entries, n, sizeof(*entries), by_dtype_and_name);
    return WEFT_OK;
}

weft_status wf_st_write_by(const char *path, const wf_st_out *tensors, uint64_t n, wf_st_put put,
                           void *ctx, weft_error *err)
{
    const source from = {put, ctx};
    char        *header = NULL;
    if (n > WF_ST_MAX_TENSORS)
        return wf_fail(err, WEFT_E_INVALID, "%s: %" PRIu64 " tensors, over the limit of %u",
                       wf_quote(path).s, n, WF_ST_MAX_TENSORS);
    entry *entries = wf_zalloc_n((size_t)n, sizeof(*entries));
    if (entries == NULL)
        return wf_fail_nomem(err, n * sizeof(*entries), "a list of tensors");
    wf_json_init();
    weft_status status = entries_fill(path, tensors, n, entries, err);
    if (status == WEFT_OK)
        status = header_make(path, entries, n, &header, err);
    if (status == WEFT_OK)
        status = all_put(path, header, entries, n, &from, err);
    wf_free(header);
    wf_free(entries);
    return status;
}

static weft_status put_data(void *ctx, const wf_st_out *t, wf_writer *w, weft_error *err)
{
    entry       e;
    weft_status status = entry_fill(ctx, t, &e, err);
    return status == WEFT_OK ? wf_writer_write(w, t->data, e.bytes, err) : status;
}

weft_status wf_st_write(const char *path, const wf_st_out *tensors, uint64_t n, weft_error *err)
{
    return wf_st_write_by(path, tensors, n, put_data, (void *)(uintptr_t)path, err);
}
