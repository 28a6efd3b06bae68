/* SPDX-License-Identifier: Apache-2.0 */
/* Fixture files. */
#include "expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bytes fixture_read(const char *name)
{
    char  path[4096];
    bytes b = {NULL, 0};
    snprintf(path, sizeof path, "%s/%s", WEFT_FIXTURES, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    b.n = (uint64_t)ftell(f);
    rewind(f);
    b.p = malloc(b.n + 1);
    assert_non_null(b.p);
    assert_int_equal(fread(b.p, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

static json_t *parse(const uint8_t *p, uint64_t n)
{
    json_error_t e;
    json_t      *j = json_loadb((const char *)p, n, 0, &e);
    if (j == NULL)
        fail_msg("%s at line %d", e.text, e.line);
    return j;
}

json_t *fixture_json(const char *name)
{
    bytes   b = fixture_read(name);
    json_t *j = parse(b.p, b.n);
    free(b.p);
    return j;
}

expect expect_open(const char *name)
{
    expect   e = {fixture_read(name), NULL};
    uint64_t n;
    assert_true(e.file.n > 8);
    memcpy(&n, e.file.p, sizeof n);
    assert_true(n < e.file.n - 8);
    e.header = parse(e.file.p + 8, n);
    return e;
}

void expect_close(expect *e)
{
    json_decref(e->header);
    free(e->file.p);
}

const void *expect_tensor(const expect *e, const char *name, uint64_t *n, int64_t *dims)
{
    uint64_t header;
    json_t  *t = json_object_get(e->header, name);
    if (t == NULL)
        return NULL;
    json_t  *span = json_object_get(t, "data_offsets"), *shape = json_object_get(t, "shape");
    uint64_t a = (uint64_t)json_integer_value(json_array_get(span, 0));
    uint64_t b = (uint64_t)json_integer_value(json_array_get(span, 1));
    memcpy(&header, e->file.p, sizeof header);
    assert_true(a <= b && b <= e->file.n - 8 - header);
    for (size_t i = 0; dims != NULL && i < json_array_size(shape) && i < 6; i++)
        dims[i] = json_integer_value(json_array_get(shape, i));
    *n = b - a;
    return e->file.p + 8 + header + a;
}

uint64_t fnv(uint64_t hash, const void *p, uint64_t n)
{
    const uint8_t *q = p;
    for (uint64_t i = 0; i < n; i++)
        hash = (hash ^ q[i]) * 1099511628211u;
    return hash;
}

uint8_t *formula_picture(int32_t w, int32_t h)
{
    uint8_t *px = malloc(3u * (size_t)w * (size_t)h), *p = px;
    assert_non_null(px);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            for (int32_t c = 0; c < 3; c++)
                *p++ = (uint8_t)((7 * x + 13 * y + 29 * c) ^ (x * y));
    return px;
}

uint64_t hash_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return strtoull(text, NULL, 16);
}

void *scratch_of(uint64_t n)
{
    void *p = NULL;
    assert_true(n > 0);
    assert_int_equal(posix_memalign(&p, 16, n), 0);
    memset(p, 0xA5, n);
    return p;
}
