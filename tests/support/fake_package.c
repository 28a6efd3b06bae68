/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of the fake host: files of a directory, or texts that the test put there, and JSON by
 * path through jansson, with the statuses that weft/package.h promises. */
#include "tests/support/fake_package.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fake_file {
    struct fake_file *next;
    fake_host        *host;
    char             *name, *bytes; /* bytes NULL: no such file */
    uint64_t          n;
    json_t           *json; /* parsed at the first question */
} fake_file;

typedef struct fake_package {
    struct fake_package *next;
    fake_host           *host;
    const char          *dir;
    fake_file           *files;
} fake_package;

static void *need(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "fake host: out of memory\n");
        exit(1);
    }
    return p;
}

__attribute__((format(printf, 3, 4))) static weft_status fail(weft_error *err, weft_status code,
                                                              const char *fmt, ...)
{
    if (err != NULL && err->hdr.size >= sizeof *err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
        err->code = code;
    }
    return code;
}

static fake_package *of(const weft_package *p)
{
    return (fake_package *)(uintptr_t)p;
}

static fake_file *file_add(fake_package *p, const char *name)
{
    fake_file *f = need(calloc(1, sizeof *f));
    f->name = need(strdup(name));
    f->host = p->host;
    f->next = p->files;
    p->files = f;
    return f;
}

/* Whole, from the directory; f->bytes stays NULL where there is no such file. */
static void file_load(const fake_package *p, fake_file *f)
{
    char path[4096];
    if (p->dir == NULL || strchr(f->name, '/') != NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", p->dir, f->name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return;
    fseek(in, 0, SEEK_END);
    long n = ftell(in);
    rewind(in);
    if (n >= 0) {
        f->bytes = need(malloc((size_t)n + 1));
        f->n = fread(f->bytes, 1, (size_t)n, in);
    }
    fclose(in);
}

static fake_file *file_find(fake_package *p, const char *name)
{
    for (fake_file *f = p->files; f != NULL; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f;
    fake_file *f = file_add(p, name);
    file_load(p, f);
    return f;
}

static int64_t source_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    fake_file *f = ctx;
    f->host->reads++;
    if (f->host->read_fail_at != 0 && f->host->reads == f->host->read_fail_at)
        return WEFT_E_IO;
    if (offset >= f->n)
        return 0;
    uint64_t left = f->n - offset;
    if (n > left)
        n = left;
    if (n != 0)
        memcpy(dst, f->bytes + offset, (size_t)n);
    return (int64_t)n;
}

static int64_t source_length(void *ctx)
{
    return (int64_t)((fake_file *)ctx)->n;
}

static weft_status package_open(const weft_host *host, const weft_package *package,
                                const char *file, weft_source *out, weft_error *err)
{
    (void)host;
    fake_file *f = file_find(of(package), file);
    if (f->bytes == NULL)
        return fail(err, WEFT_E_NOTFOUND, "%s is not in the model directory", file);
    weft_source s = {WEFT_HDR(weft_source), f, source_read_at, source_length};
    memcpy(out, &s, out->hdr.size != 0 && out->hdr.size < sizeof s ? out->hdr.size : sizeof s);
    return WEFT_OK;
}

/* One step of a path: ".name" or "name" or "[index]"; *path moves past it. */
static json_t *step(json_t *at, const char **path)
{
    const char *s = *path;
    if (*s == '[') {
        char  *end;
        size_t index = (size_t)strtoul(s + 1, &end, 10);
        *path = *end == ']' ? end + 1 : end;
        return json_array_get(at, index);
    }
    if (*s == '.')
        s++;
    size_t n = strcspn(s, ".[");
    char  *key = need(strndup(s, n));
    at = json_object_get(at, key);
    free(key);
    *path = s + n;
    return at;
}

static weft_status value_at(const weft_package *package, const char *file, const char *path,
                            json_t **out, weft_error *err)
{
    fake_file   *f = file_find(of(package), file);
    json_error_t e;
    if (f->bytes == NULL)
        return fail(err, WEFT_E_NOTFOUND, "%s is not in the model directory", file);
    if (f->json == NULL)
        f->json = json_loadb(f->bytes, (size_t)f->n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (f->json == NULL)
        return fail(err, WEFT_E_CORRUPT, "%s: line %d: %s", file, e.line, e.text);
    json_t     *at = f->json;
    const char *rest = path;
    while (at != NULL && *rest != '\0')
        at = step(at, &rest);
    if (at == NULL || json_is_null(at))
        return fail(err, WEFT_E_NOTFOUND, "%s has no %s", file, path);
    *out = at;
    return WEFT_OK;
}

static weft_status wrong_type(const char *file, const char *path, const char *wanted,
                              weft_error *err)
{
    return fail(err, WEFT_E_CORRUPT, "%s: %s is not %s", file, path, wanted);
}

static weft_status get_count(const weft_host *host, const weft_package *p, const char *file,
                             const char *path, int64_t *n, weft_error *err)
{
    (void)host;
    json_t     *v;
    weft_status s = value_at(p, file, path, &v, err);
    if (s != WEFT_OK)
        return s;
    if (!json_is_array(v) && !json_is_object(v))
        return wrong_type(file, path, "a list or an object", err);
    *n = (int64_t)(json_is_array(v) ? json_array_size(v) : json_object_size(v));
    return WEFT_OK;
}

static weft_status get_i64(const weft_host *host, const weft_package *p, const char *file,
                           const char *path, int64_t *out, weft_error *err)
{
    (void)host;
    json_t     *v;
    weft_status s = value_at(p, file, path, &v, err);
    if (s != WEFT_OK)
        return s;
    double real = json_is_real(v) ? json_real_value(v) : 0.5;
    if (!json_is_integer(v) && (real < -9.0e15 || real > 9.0e15 || real != (double)(int64_t)real))
        return wrong_type(file, path, "a whole number", err);
    *out = json_is_integer(v) ? json_integer_value(v) : (int64_t)real;
    return WEFT_OK;
}

static weft_status get_f64(const weft_host *host, const weft_package *p, const char *file,
                           const char *path, double *out, weft_error *err)
{
    (void)host;
    json_t     *v;
    weft_status s = value_at(p, file, path, &v, err);
    if (s != WEFT_OK)
        return s;
    if (!json_is_number(v))
        return wrong_type(file, path, "a number", err);
    *out = json_number_value(v);
    return WEFT_OK;
}

static weft_status get_str(const weft_host *host, const weft_package *p, const char *file,
                           const char *path, const char **out, weft_error *err)
{
    (void)host;
    json_t     *v;
    weft_status s = value_at(p, file, path, &v, err);
    if (s != WEFT_OK)
        return s;
    if (!json_is_string(v))
        return wrong_type(file, path, "a string", err);
    *out = json_string_value(v);
    return WEFT_OK;
}

static weft_status get_bool(const weft_host *host, const weft_package *p, const char *file,
                            const char *path, int32_t *out, weft_error *err)
{
    (void)host;
    json_t     *v;
    weft_status s = value_at(p, file, path, &v, err);
    if (s != WEFT_OK)
        return s;
    if (!json_is_boolean(v))
        return wrong_type(file, path, "true or false", err);
    *out = json_is_true(v);
    return WEFT_OK;
}

const weft_if_package *fake_package_vtable(void)
{
    static const weft_if_package table = {
        WEFT_HDR(weft_if_package), package_open, get_count, get_i64, get_f64, get_str, get_bool};
    return &table;
}

weft_package *fake_package_open(fake_host *h, const char *dir)
{
    fake_package *p = need(calloc(1, sizeof *p));
    p->host = h;
    p->dir = dir;
    p->next = h->packages;
    h->packages = p;
    return (weft_package *)p;
}

void fake_package_put(weft_package *package, const char *file, const void *text, uint64_t bytes)
{
    fake_file *f = file_add(of(package), file);
    if (text == NULL)
        return;
    f->bytes = need(malloc((size_t)bytes + 1));
    f->n = bytes;
    if (bytes != 0)
        memcpy(f->bytes, text, (size_t)bytes);
}

static void file_free(fake_file *f)
{
    json_decref(f->json);
    free(f->name);
    free(f->bytes);
    free(f);
}

void fake_packages_free(fake_host *h)
{
    while (h->packages != NULL) {
        fake_package *p = h->packages;
        h->packages = p->next;
        while (p->files != NULL) {
            fake_file *f = p->files;
            p->files = f->next;
            file_free(f);
        }
        free(p);
    }
}
