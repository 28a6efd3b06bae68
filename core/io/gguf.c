/* SPDX-License-Identifier: Apache-2.0 */
/* Opens GGUF files. Such a file has a header with the two counts, the values, the tensors' names,
 * shapes, types and offsets, and behind the next multiple of the alignment the tensors' bytes.
 * Nothing in it is used before it was checked against the file. */
#include "core/io/gguf.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/gguf_cursor.h"
#include "core/io/text.h"

#define VALUE_LEAST 14u  /* bytes of the shortest value: a key of one byte, a kind, a bool */
#define TENSOR_LEAST 25u /* bytes of the shortest entry: a name of one byte and no axis */

/* A file that is being opened. While the names grow their places are kept as offsets. */
typedef struct opening {
    wf_gguf_file  *f;
    wf_gguf_cursor c;
    uint64_t       room; /* of names */
} opening;

/* It takes no memory, so that it never fails for want of it. */
bool wf_gguf_is(const char *path)
{
    struct stat st;
    char        magic[4];
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool        same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
                memcmp(magic, WF_GGUF_MAGIC, sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return same;
}

/* ---- header ---- */

static weft_status version_check(opening *o, uint64_t version, weft_error *err)
{
    const char *path = o->f->file.path;
    if ((version & 0xffff) == 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: a GGUF file in big-endian byte order; weft reads little-endian ones",
                       wf_quote(path).s);
    if (version != 2 && version != 3)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: GGUF version %" PRIu64 "; weft reads versions 2 and 3",
                       wf_quote(path).s, version);
    o->f->version = (uint32_t)version;
    return WEFT_OK;
}

/* A count of things of which each takes at least `least` bytes of the rest of the file. */
static weft_status count_read(opening *o, uint64_t most, uint32_t least, const char *what,
                              uint64_t *n, weft_error *err)
{
    const char *path = o->f->file.path;
    weft_status status = wf_gguf_uint(&o->c, 8, n, err);
    if (status != WEFT_OK)
        return status;
    if (*n > (o->c.file->bytes - o->c.at) / least)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: byte %" PRIu64 ": %" PRIu64 " %s cannot lie in the %" PRIu64
                       " bytes that follow; the file was cut short or damaged",
                       wf_quote(path).s, o->c.at - 8, *n, what, o->c.file->bytes - o->c.at);
    return *n <= most ? WEFT_OK
                      : wf_fail(err, WEFT_E_LIMIT, "%s: %" PRIu64 " %s, over the limit of %" PRIu64,
                                wf_quote(path).s, *n, what, most);
}

static weft_status header_read(opening *o, weft_error *err)
{
    uint64_t    magic, version;
    weft_status status = wf_gguf_uint(&o->c, 4, &magic, err);
    if (status == WEFT_OK && magic != 0x46554747u) /* "GGUF" */
        return wf_fail(err, WEFT_E_CORRUPT, "%s: does not begin with GGUF",
                       wf_quote(o->f->file.path).s);
    if (status == WEFT_OK)
        status = wf_gguf_uint(&o->c, 4, &version, err);
    if (status == WEFT_OK)
        status = version_check(o, version, err);
    if (status == WEFT_OK)
        status = count_read(o, WF_GGUF_MAX_TENSORS, TENSOR_LEAST, "tensors", &o->f->n_tensors, err);
    if (status == WEFT_OK)
        status = count_read(o, WF_GGUF_MAX_KEYS, VALUE_LEAST, "values", &o->f->n_values, err);
    if (status != WEFT_OK)
        return status;
    o->f->values = wf_zalloc_n((size_t)o->f->n_values + 1, sizeof *o->f->values);
    o->f->tensors = wf_zalloc_n((size_t)o->f->n_tensors + 1, sizeof *o->f->tensors);
    return o->f->values != NULL && o->f->tensors != NULL
               ? WEFT_OK
               : wf_fail_nomem(err, o->f->n_tensors * sizeof *o->f->tensors, "a list of tensors");
}

/* ---- names ---- */

/* A key or name, kept. *name is its offset until names_settle. */
static weft_status name_read(opening *o, uint64_t most, const char **name, weft_error *err)
{
    wf_gguf_file *f = o->f;
    uint64_t      n, need;
    weft_status   status = wf_gguf_text(&o->c, most, &n, err);
    if (status != WEFT_OK)
        return status;
    if (n == 0 || strlen(o->c.text) != n)
        return wf_gguf_bad(&o->c, "a name before this is empty or has a NUL in it", err);
    need = f->names_bytes + n + 1; /* no overflow: the file has as many bytes */
    if (need > o->room) {
        uint64_t room = need + need / 2 + 4096;
        char    *names = wf_realloc(f->names, (size_t)room);
        if (names == NULL)
            return wf_fail_nomem(err, room, "names of a GGUF file");
        f->names = names;
        o->room = room;
    }
    memcpy(f->names + f->names_bytes, o->c.text, (size_t)n + 1);
    *name = (const char *)(uintptr_t)f->names_bytes;
    f->names_bytes = need;
    return WEFT_OK;
}

static void names_settle(wf_gguf_file *f)
{
    for (uint64_t i = 0; i < f->n_values; i++)
        f->values[i].key = f->names + (uintptr_t)f->values[i].key;
    for (uint64_t i = 0; i < f->n_tensors; i++)
        f->tensors[i].name = f->names + (uintptr_t)f->tensors[i].name;
}

/* ---- values ---- */

static weft_status kind_read(opening *o, int32_t *kind, weft_error *err)
{
    uint64_t    v = 0;
    weft_status status = wf_gguf_uint(&o->c, 4, &v, err);
    *kind = (int32_t)v;
    return status != WEFT_OK || v < WF_GGUF_KINDS
               ? status
               : wf_gguf_bad(&o->c, "a value's type before this is none of GGUF's", err);
}

/* What has been read so far is no more than a file's values may be. */
static weft_status length_check(const opening *o, weft_error *err)
{
    if (o->c.at <= WF_GGUF_MAX_METADATA)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_LIMIT, "%s: its values have more than %" PRIu64 " bytes",
                   wf_quote(o->f->file.path).s, WF_GGUF_MAX_METADATA);
}

/* An array of numbers is passed by; strings are looked at one by one. */
static weft_status array_read(opening *o, wf_gguf_value *v, weft_error *err)
{
    uint64_t    bytes, n;
    weft_status status = kind_read(o, &v->item, err);
    if (status == WEFT_OK && v->item == WF_GGUF_ARRAY)
        return wf_gguf_bad(&o->c, "an array of arrays, which GGUF does not have", err);
    if (status == WEFT_OK)
        status = wf_gguf_uint(&o->c, 8, &v->count, err);
    if (status != WEFT_OK)
        return status;
    const uint32_t each = v->item == WF_GGUF_STRING ? 8 : wf_gguf_kind_bytes(v->item);
    if (!wf_mul(v->count, each, &bytes))
        return wf_gguf_bad(&o->c, "an array whose bytes overflow 64 bits", err);
    status = wf_gguf_room(&o->c, bytes, "an array of", err);
    v->at = o->c.at;
    if (status == WEFT_OK && v->item != WF_GGUF_STRING)
        o->c.at += bytes;
    for (uint64_t i = 0; v->item == WF_GGUF_STRING && i < v->count && status == WEFT_OK; i++) {
        status = wf_gguf_text(&o->c, WF_GGUF_MAX_STRING, &n, err);
        if (status == WEFT_OK)
            status = length_check(o, err);
    }
    v->size = o->c.at - v->at;
    return status;
}

static weft_status value_read(opening *o, wf_gguf_value *v, weft_error *err)
{
    weft_status status = name_read(o, WF_GGUF_MAX_KEY, &v->key, err);
    if (status == WEFT_OK)
        status = kind_read(o, &v->kind, err);
    if (status != WEFT_OK)
        return status;
    if (v->kind == WF_GGUF_ARRAY)
        return array_read(o, v, err);
    v->at = o->c.at;
    status = wf_gguf_scalar_read(&o->c, v->kind, &v->one, err);
    v->one.text = NULL; /* it lives in the cursor */
    v->size = o->c.at - v->at;
    return status;
}

static weft_status values_read(opening *o, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint64_t i = 0; i < o->f->n_values && status == WEFT_OK; i++) {
        status = value_read(o, &o->f->values[i], err);
        if (status == WEFT_OK)
            status = length_check(o, err);
    }
    return status;
}

/* ---- tensors ---- */

/* Shape and type give the bytes without overflow. */
static weft_status size_of(opening *o, wf_gguf_tensor *t, weft_error *err)
{
    const wf_gguf_type type = wf_gguf_type_of(t->type);
    uint64_t           n = 1;
    if (type.name == NULL)
        return wf_gguf_bad(&o->c, "a tensor's type before this is none that is known", err);
    for (int32_t i = 0; i < WF_GGUF_MAX_RANK; i++)
        if (t->shape[i] < 1 || !wf_mul(n, (uint64_t)t->shape[i], &n) || n > INT64_MAX)
            return wf_gguf_bad(&o->c,
                               "a tensor's shape before this has an axis of no element or "
                               "overflows 63 bits",
                               err);
    if (t->shape[0] % type.elements != 0)
        return wf_gguf_bad(&o->c, "a tensor's rows before this are no whole blocks of its type",
                           err);
    return wf_mul(n / type.elements, type.bytes, &t->bytes)
               ? WEFT_OK
               : wf_gguf_bad(&o->c, "a tensor before this has more bytes than 64 bits count", err);
}

/* t->begin becomes the offset within the data. */
static weft_status tensor_read(opening *o, wf_gguf_tensor *t, weft_error *err)
{
    uint64_t    rank = 0, v;
    weft_status status = name_read(o, WF_GGUF_MAX_NAME, &t->name, err);
    if (status == WEFT_OK)
        status = wf_gguf_uint(&o->c, 4, &rank, err);
    if (status == WEFT_OK && rank > WF_GGUF_MAX_RANK)
        status = wf_gguf_bad(&o->c, "a tensor before this has more than 4 axes", err);
    t->rank = (int32_t)rank;
    for (int32_t i = 0; i < WF_GGUF_MAX_RANK; i++)
        t->shape[i] = 1;
    for (int32_t i = 0; i < t->rank && status == WEFT_OK; i++) {
        status = wf_gguf_uint(&o->c, 8, &v, err);
        t->shape[i] = v > INT64_MAX ? 0 : (int64_t)v;
    }
    if (status == WEFT_OK)
        status = wf_gguf_uint(&o->c, 4, &v, err);
    if (status != WEFT_OK)
        return status;
    t->type = v > INT32_MAX ? -1 : (int32_t)v;
    status = size_of(o, t, err);
    return status == WEFT_OK ? wf_gguf_uint(&o->c, 8, &t->begin, err) : status;
}

/* ---- the whole ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const wf_gguf_value *)a)->key, ((const wf_gguf_value *)b)->key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const wf_gguf_tensor *)a)->name, ((const wf_gguf_tensor *)b)->name);
}

static weft_status fail_twice(const wf_gguf_file *f, const char *what, const char *name,
                              weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: the %s \"%s\" is there for the second time",
                   wf_quote(f->file.path).s, what, wf_quote(name).s);
}

static weft_status keys_sort(wf_gguf_file *f, weft_error *err)
{
    qsort(f->values, f->n_values, sizeof *f->values, by_key);
    for (uint64_t i = 1; i < f->n_values; i++)
        if (strcmp(f->values[i - 1].key, f->values[i].key) == 0)
            return fail_twice(f, "key", f->values[i].key, err);
    return WEFT_OK;
}

static weft_status tensors_sort(wf_gguf_file *f, weft_error *err)
{
    qsort(f->tensors, f->n_tensors, sizeof *f->tensors, by_name);
    for (uint64_t i = 1; i < f->n_tensors; i++)
        if (strcmp(f->tensors[i - 1].name, f->tensors[i].name) == 0)
            return fail_twice(f, "tensor", f->tensors[i].name, err);
    return WEFT_OK;
}

static weft_status open_all(opening *o, weft_error *err)
{
    weft_status status = header_read(o, err);
    if (status == WEFT_OK)
        status = values_read(o, err);
    for (uint64_t i = 0; status == WEFT_OK && i < o->f->n_tensors; i++)
        status = tensor_read(o, &o->f->tensors[i], err);
    if (status != WEFT_OK)
        return status;
    names_settle(o->f);
    status = keys_sort(o->f, err);
    if (status == WEFT_OK)
        status = wf_gguf_places(o->f, o->c.at, err);
    return status == WEFT_OK ? tensors_sort(o->f, err) : status;
}

weft_status wf_gguf_open(const char *path, wf_gguf_file *out, weft_error *err)
{
    opening o = {.f = out};
    *out = (wf_gguf_file){.file.fd = -1};
    weft_status status = wf_file_open(path, &out->file, err);
    if (status == WEFT_OK)
        status = wf_gguf_cursor_open(&out->file, 0, &o.c, err);
    if (status == WEFT_OK)
        status = open_all(&o, err);
    wf_gguf_cursor_close(&o.c);
    if (status != WEFT_OK)
        wf_gguf_close(out);
    return status;
}

void wf_gguf_close(wf_gguf_file *f)
{
    wf_free(f->values);
    wf_free(f->tensors);
    wf_free(f->names);
    wf_file_close(&f->file);
    *f = (wf_gguf_file){.file.fd = -1};
}
