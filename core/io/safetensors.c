/* SPDX-License-Identifier: Apache-2.0 */
/* Reads safetensors files. Such a file has 8 bytes with a little-endian number N, N bytes of JSON,
 * and then the data, which the tensors fill from its first byte to its last without a gap. Nothing
 * in the header is used before it was checked against the file. */
#include "core/io/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/json.h"
#include "core/io/st_dtype.h"
#include "core/io/text.h"

#define PREFIX_BYTES 8u
#define METADATA "__metadata__"

const char *wf_st_dtype_name(int32_t dtype)
{
    for (size_t i = 0; i < WF_ST_DTYPES; i++)
        if (wf_st_dtypes[i].dtype == dtype && dtype != WF_ST_OTHER)
            return wf_st_dtypes[i].name;
    return "other";
}

uint64_t wf_st_numel(const wf_st_tensor *t)
{
    uint64_t n = 1;
    for (int32_t i = 0; i < t->rank; i++)
        n *= (uint64_t)t->shape[i]; /* checked when the file was opened */
    return n;
}

/* Fails with a message about one tensor of the file. */
static weft_status fail_tensor(const wf_st_file *f, const char *name, const char *what,
                               weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: tensor \"%s\" %s", wf_quote(f->file.path).s,
                   wf_quote(name).s, what);
}

/* Rule 1: the header lies within the file. *data is where the tensors' bytes begin. */
static weft_status header_bytes(const wf_st_file *f, uint64_t *n, uint64_t *data, weft_error *err)
{
    unsigned char le[PREFIX_BYTES];
    const char   *path = f->file.path;
    if (f->file.bytes < PREFIX_BYTES)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: %" PRIu64 " bytes are too few for a safetensors file; it was cut short",
                       wf_quote(path).s, f->file.bytes);
    weft_status status = wf_file_read(&f->file, 0, le, sizeof(le), err);
    if (status != WEFT_OK)
        return status;
    *n = 0;
    for (uint32_t i = 0; i < PREFIX_BYTES; i++)
        *n |= (uint64_t)le[i] << (8 * i);
    if (*n > WF_ST_MAX_HEADER)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: byte 0: a header of %" PRIu64 " bytes, where %u is the format's limit",
                       wf_quote(path).s, *n, WF_ST_MAX_HEADER);
    *data = PREFIX_BYTES + *n;
    if (*data > f->file.bytes)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: byte 0: the header ends at %" PRIu64 " and the file at %" PRIu64
                       "; it was cut short",
                       wf_quote(path).s, *data, f->file.bytes);
    return WEFT_OK;
}

/* Rule 2: JSON without duplicate keys, an object from its first byte on. */
static weft_status header_parse(const wf_st_file *f, uint64_t n, json_t **root, weft_error *err)
{
    weft_status status;
    char       *text = wf_alloc((size_t)n + 1);
    if (text == NULL)
        return wf_fail_nomem(err, n + 1, "a safetensors header");
    status = wf_file_read(&f->file, PREFIX_BYTES, text, n, err);
    if (status == WEFT_OK && (n == 0 || text[0] != '{'))
        status = wf_fail(err, WEFT_E_CORRUPT, "%s: byte 8: the header does not begin with {",
                         wf_quote(f->file.path).s);
    if (status == WEFT_OK)
        status = wf_json_parse(text, n, f->file.path, root, err);
    wf_free(text);
    return status;
}

static weft_status metadata_check(const wf_st_file *f, const json_t *meta, weft_error *err)
{
    const char *key;
    json_t     *value;
    if (!json_is_object(meta))
        return fail_tensor(f, METADATA, "is no object", err);
    json_object_foreach((json_t *)meta, key, value) if (!json_is_string(value)) return wf_fail(
        err, WEFT_E_CORRUPT, "%s: " METADATA " \"%s\" is no string", wf_quote(f->file.path).s,
        wf_quote(key).s);
    return WEFT_OK;
}

/* A non-negative integer of the header. */
static bool count_get(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

/* Rule 3: dtype and shape give the size without overflow. */
static weft_status shape_read(const wf_st_file *f, const json_t *info, wf_st_tensor *t,
                              uint64_t *bytes, weft_error *err)
{
    const char            *dtype = json_string_value(json_object_get(info, "dtype"));
    const wf_st_dtype_row *row = wf_st_dtype_find(dtype);
    const json_t          *shape = json_object_get(info, "shape");
    uint64_t               bits, dim;
    if (row == NULL)
        return fail_tensor(f, t->name, "has no dtype that is known", err);
    if (!json_is_array(shape))
        return fail_tensor(f, t->name, "has no shape", err);
    if (json_array_size(shape) > WF_ST_MAX_RANK)
        return fail_tensor(f, t->name, "has more than 8 dimensions", err);
    t->dtype = row->dtype;
    t->rank = (int32_t)json_array_size(shape);
    bits = row->bits;
    for (int32_t i = 0; i < t->rank; i++) {
        if (!count_get(json_array_get(shape, (size_t)i), &dim))
            return fail_tensor(f, t->name, "has a dimension that is no count", err);
        if (!wf_mul(bits, dim, &bits))
            return fail_tensor(f, t->name, "has a shape that overflows 64 bits", err);
        t->shape[i] = (int64_t)dim;
    }
    if (bits % 8 != 0)
        return fail_tensor(f, t->name, "does not fill whole bytes", err);
    *bytes = bits / 8;
    return WEFT_OK;
}

/* Rule 3, second half: the offsets lie within the data and span exactly that size. */
static weft_status tensor_read(const wf_st_file *f, uint64_t data, const json_t *info,
                               wf_st_tensor *t, weft_error *err)
{
    const json_t *offsets = json_object_get(info, "data_offsets");
    uint64_t      begin, end, room = f->file.bytes - data;
    if (!json_is_object(info))
        return fail_tensor(f, t->name, "is described by no object", err);
    weft_status status = shape_read(f, info, t, &t->bytes, err);
    if (status != WEFT_OK)
        return status;
    if (json_array_size(offsets) != 2 || !count_get(json_array_get(offsets, 0), &begin) ||
        !count_get(json_array_get(offsets, 1), &end))
        return fail_tensor(f, t->name, "has data_offsets that are not two counts", err);
    if (begin > end)
        return fail_tensor(f, t->name, "ends before it begins", err);
    if (end > room)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: tensor \"%s\" ends at data byte %" PRIu64 " and the file at %" PRIu64
                       "; it was cut short",
                       wf_quote(f->file.path).s, wf_quote(t->name).s, end, room);
    if (end - begin != t->bytes)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: tensor \"%s\" spans %" PRIu64 " bytes where its shape needs %" PRIu64,
                       wf_quote(f->file.path).s, wf_quote(t->name).s, end - begin, t->bytes);
    t->begin = data + begin;
    return WEFT_OK;
}

static int by_place(const void *a, const void *b)
{
    const wf_st_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const wf_st_tensor *)a)->name, ((const wf_st_tensor *)b)->name);
}

/* Rule 4: no hole, no overlap, nothing behind the last tensor. */
static weft_status tiling_check(wf_st_file *f, uint64_t data, weft_error *err)
{
    uint64_t at = data;
    qsort(f->tensors, f->n_tensors, sizeof(*f->tensors), by_place);
    for (uint64_t i = 0; i < f->n_tensors; i++) {
        if (f->tensors[i].begin != at)
            return wf_fail(err, WEFT_E_CORRUPT,
                           "%s: tensor \"%s\" begins at byte %" PRIu64 " where the one before ends "
                           "at %" PRIu64,
                           wf_quote(f->file.path).s, wf_quote(f->tensors[i].name).s,
                           f->tensors[i].begin, at);
        at += f->tensors[i].bytes; /* no overflow: both lie within the file */
    }
    if (at != f->file.bytes)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: its tensors end at byte %" PRIu64 " and the file at %" PRIu64,
                       wf_quote(f->file.path).s, at, f->file.bytes);
    qsort(f->tensors, f->n_tensors, sizeof(*f->tensors), by_name);
    return WEFT_OK;
}

/* Counts the tensors and the bytes of their names. */
static weft_status names_measure(wf_st_file *f, const json_t *root, uint64_t *bytes,
                                 weft_error *err)
{
    const char *key;
    json_t     *value;
    *bytes = 0;
    if (json_object_size(root) > WF_ST_MAX_TENSORS)
        return wf_fail(err, WEFT_E_LIMIT, "%s: %zu tensors, over the limit of %u",
                       wf_quote(f->file.path).s, json_object_size(root), WF_ST_MAX_TENSORS);
    json_object_foreach((json_t *)root, key, value)
    {
        size_t length = strlen(key);
        if (strcmp(key, METADATA) == 0)
            continue;
        if (length == 0 || length > WF_ST_MAX_NAME)
            return fail_tensor(f, key, "has a name of no byte or of more than 1024", err);
        *bytes += length + 1;
        f->n_tensors++;
    }
    return WEFT_OK;
}

static weft_status tensors_read(wf_st_file *f, uint64_t data, const json_t *root, weft_error *err)
{
    const char *key;
    json_t     *value;
    uint64_t    bytes;
    weft_status status = names_measure(f, root, &bytes, err);
    if (status != WEFT_OK)
        return status;
    f->tensors = wf_zalloc_n((size_t)f->n_tensors, sizeof(*f->tensors));
    f->names = wf_alloc((size_t)bytes);
    if (f->tensors == NULL || f->names == NULL)
        return wf_fail_nomem(err, f->n_tensors * sizeof(*f->tensors) + bytes, "a list of tensors");
    char         *name = f->names;
    wf_st_tensor *t = f->tensors;
    json_object_foreach((json_t *)root, key, value)
    {
        if (strcmp(key, METADATA) == 0) {
            status = metadata_check(f, value, err);
        } else {
            t->name = name;
            name = stpcpy(name, key) + 1;
            status = tensor_read(f, data, value, t++, err);
        }
        if (status != WEFT_OK)
            return status;
    }
    return tiling_check(f, data, err);
}

weft_status wf_st_open(const char *path, wf_st_file *out, weft_error *err)
{
    json_t  *root = NULL;
    uint64_t n = 0, data = 0;
    *out = (wf_st_file){.file.fd = -1};
    weft_status status = wf_file_open(path, &out->file, err);
    if (status == WEFT_OK)
        status = header_bytes(out, &n, &data, err);
    if (status == WEFT_OK)
        status = header_parse(out, n, &root, err);
    if (status == WEFT_OK)
        status = tensors_read(out, data, root, err);
    json_decref(root);
    if (status != WEFT_OK)
        wf_st_close(out);
    return status;
}

void wf_st_close(wf_st_file *f)
{
    wf_free(f->tensors);
    wf_free(f->names);
    wf_file_close(&f->file);
    *f = (wf_st_file){.file.fd = -1};
}

const wf_st_tensor *wf_st_find(const wf_st_file *f, const char *name)
{
    const wf_st_tensor want = {.name = name};
    if (f->n_tensors == 0)
        return NULL;
    return bsearch(&want, f->tensors, f->n_tensors, sizeof(*f->tensors), by_name);
}

weft_status wf_st_read(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset, void *dst,
                       uint64_t n, weft_error *err)
{
    uint64_t end;
    if (!wf_add(offset, n, &end) || end > t->bytes)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: tensor \"%s\" has %" PRIu64 " bytes; %" PRIu64 " at %" PRIu64
                       " were asked for",
                       wf_quote(f->file.path).s, wf_quote(t->name).s, t->bytes, n, offset);
    if (f->read != NULL)
        return f->read(f, t, offset, dst, n, err);
    return wf_file_read(&f->file, t->begin + offset, dst, n, err);
}
