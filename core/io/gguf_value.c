/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a GGUF file by key. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/gguf_cursor.h"
#include "core/io/text.h"

static int by_key(const void *a, const void *b)
{
    return strcmp(((const wf_gguf_value *)a)->key, ((const wf_gguf_value *)b)->key);
}

const wf_gguf_value *wf_gguf_find(const wf_gguf_file *f, const char *key)
{
    const wf_gguf_value want = {.key = key};
    if (f->n_values == 0)
        return NULL;
    return bsearch(&want, f->values, f->n_values, sizeof *f->values, by_key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const wf_gguf_tensor *)a)->name, ((const wf_gguf_tensor *)b)->name);
}

const wf_gguf_tensor *wf_gguf_tensor_find(const wf_gguf_file *f, const char *name)
{
    const wf_gguf_tensor want = {.name = name};
    if (f->n_tensors == 0)
        return NULL;
    return bsearch(&want, f->tensors, f->n_tensors, sizeof *f->tensors, by_name);
}

static weft_status fail_kind(const wf_gguf_file *f, const char *key, const char *needed,
                             weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is no %s", wf_quote(f->file.path).s,
                   wf_quote(key).s, needed);
}

static weft_status find(const wf_gguf_file *f, const char *key, const wf_gguf_value **v,
                        weft_error *err)
{
    *v = wf_gguf_find(f, key);
    return *v != NULL ? WEFT_OK
                      : wf_fail(err, WEFT_E_NOTFOUND, "%s: %s is missing", wf_quote(f->file.path).s,
                                wf_quote(key).s);
}

weft_status wf_gguf_i64(const wf_gguf_file *f, const char *key, int64_t *out, weft_error *err)
{
    const wf_gguf_value *v;
    weft_status          status = find(f, key, &v, err);
    if (status != WEFT_OK)
        return status;
    if (wf_gguf_kind_bytes(v->kind) == 0 || v->kind == WF_GGUF_BOOL || v->kind == WF_GGUF_F32 ||
        v->kind == WF_GGUF_F64)
        return fail_kind(f, key, "integer", err);
    *out = v->one.i;
    return WEFT_OK;
}

weft_status wf_gguf_f64(const wf_gguf_file *f, const char *key, double *out, weft_error *err)
{
    const wf_gguf_value *v;
    weft_status          status = find(f, key, &v, err);
    if (status != WEFT_OK)
        return status;
    if (v->kind != WF_GGUF_F32 && v->kind != WF_GGUF_F64)
        return fail_kind(f, key, "floating-point number", err);
    *out = v->one.f;
    return WEFT_OK;
}

weft_status wf_gguf_bool(const wf_gguf_file *f, const char *key, bool *out, weft_error *err)
{
    const wf_gguf_value *v;
    weft_status          status = find(f, key, &v, err);
    if (status != WEFT_OK)
        return status;
    if (v->kind != WF_GGUF_BOOL)
        return fail_kind(f, key, "bool", err);
    *out = v->one.i != 0;
    return WEFT_OK;
}

weft_status wf_gguf_each(const wf_gguf_file *f, const wf_gguf_value *v, wf_gguf_each_fn fn,
                         void *ctx, weft_error *err)
{
    const bool     is_array = v->kind == WF_GGUF_ARRAY;
    wf_gguf_cursor c;
    wf_gguf_scalar s;
    if (!is_array && v->kind != WF_GGUF_STRING)
        return fn(ctx, &v->one, err);
    weft_status status = wf_gguf_cursor_open(&f->file, v->at, &c, err);
    uint64_t    n = is_array ? v->count : 1;
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++) {
        status = wf_gguf_scalar_read(&c, is_array ? v->item : v->kind, &s, err);
        if (status == WEFT_OK)
            status = fn(ctx, &s, err);
    }
    wf_gguf_cursor_close(&c);
    return status;
}

/* The element that is looked for in an array. */
typedef struct pick {
    int64_t  left;
    char    *text;
    uint64_t n;
} pick;

static weft_status take(void *ctx, const wf_gguf_scalar *s, weft_error *err)
{
    pick *p = ctx;
    if (p->left-- != 0)
        return WEFT_OK;
    p->n = s->n;
    p->text = wf_strndup(s->text, (size_t)s->n);
    return p->text != NULL ? WEFT_OK : wf_fail_nomem(err, s->n + 1, "a string of a GGUF file");
}

weft_status wf_gguf_str(const wf_gguf_file *f, const char *key, char **out, uint64_t *n,
                        weft_error *err)
{
    const wf_gguf_value *v;
    pick                 p = {.left = 0};
    weft_status          status = find(f, key, &v, err);
    *out = NULL;
    if (status == WEFT_OK && v->kind != WF_GGUF_STRING)
        status = fail_kind(f, key, "string", err);
    if (status == WEFT_OK)
        status = wf_gguf_each(f, v, take, &p, err);
    if (status == WEFT_OK && n != NULL)
        *n = p.n;
    *out = p.text;
    return status;
}

weft_status wf_gguf_str_at(const wf_gguf_file *f, const char *key, int64_t index, char **out,
                           weft_error *err)
{
    const wf_gguf_value *v;
    pick                 p = {.left = index};
    weft_status          status = find(f, key, &v, err);
    *out = NULL;
    if (status != WEFT_OK)
        return status;
    if (v->kind != WF_GGUF_ARRAY || v->item != WF_GGUF_STRING)
        return fail_kind(f, key, "array of strings", err);
    if (index < 0 || (uint64_t)index >= v->count)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: %s has no element %lld", wf_quote(f->file.path).s,
                       wf_quote(key).s, (long long)index);
    status = wf_gguf_each(f, v, take, &p, err);
    *out = p.text;
    return status;
}
