/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF: values of every kind read back, tensors where the file has them, and memory that runs out.
 * Broken files are in tests/cli/test_gguf.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "core/io/gguf.h"
#include "tests/unit/scratch.h"

#define TYPES WEFT_FIXTURES "/gguf/types.gguf"
#define VOCAB WEFT_FIXTURES "/gguf/llama.gguf"

/* A file that is written piece by piece. */
typedef struct text {
    unsigned char p[4096];
    size_t        n;
} text;

static void put(text *t, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        t->p[t->n++] = (unsigned char)(v >> (8 * i));
}

static void put_string(text *t, const char *s)
{
    put(t, strlen(s), 8);
    memcpy(t->p + t->n, s, strlen(s));
    t->n += strlen(s);
}

static void put_value(text *t, const char *key, int32_t kind, uint64_t v, size_t bytes)
{
    put_string(t, key);
    put(t, (uint64_t)kind, 4);
    put(t, v, bytes);
}

static void begin(text *t, uint64_t n_values)
{
    t->n = 0;
    put(t, 0x46554747u, 4);
    put(t, 3, 4);
    put(t, 0, 8);
    put(t, n_values, 8);
}

static void test_numbers(void **state)
{
    text         t;
    wf_gguf_file f;
    int64_t      i;
    double       d;
    bool         b;
    (void)state;
    begin(&t, 12);
    put_value(&t, "u8", WF_GGUF_U8, 200, 1);
    put_value(&t, "i8", WF_GGUF_I8, 0x80, 1);
    put_value(&t, "u16", WF_GGUF_U16, 65535, 2);
    put_value(&t, "i16", WF_GGUF_I16, 0x8000, 2);
    put_value(&t, "u32", WF_GGUF_U32, 0xffffffffu, 4);
    put_value(&t, "i32", WF_GGUF_I32, 0x80000000u, 4);
    put_value(&t, "f32", WF_GGUF_F32, 0x3fc00000u, 4);
    put_value(&t, "bool", WF_GGUF_BOOL, 1, 1);
    put_value(&t, "u64", WF_GGUF_U64, UINT64_MAX, 8);
    put_value(&t, "i64", WF_GGUF_I64, (uint64_t)INT64_MIN, 8);
    put_value(&t, "f64", WF_GGUF_F64, 0xbfe0000000000000u, 8);
    put_string(&t, "s");
    put(&t, WF_GGUF_STRING, 4);
    put_string(&t, "caf\xc3\xa9");
    assert_int_equal(wf_gguf_open(scratch_put("n.gguf", t.p, t.n), &f, NULL), WEFT_OK);
    static const struct {
        const char *key;
        int64_t     is;
    } integers[] = {{"u8", 200},        {"i8", -128},         {"u16", 65535},
                    {"i16", -32768},    {"u32", 4294967295u}, {"i32", INT32_MIN},
                    {"u64", INT64_MAX}, {"i64", INT64_MIN}};
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++) {
        assert_int_equal(wf_gguf_i64(&f, integers[k].key, &i, NULL), WEFT_OK);
        assert_true(i == integers[k].is);
        assert_int_equal(wf_gguf_f64(&f, integers[k].key, &d, NULL), WEFT_E_CORRUPT);
    }
    assert_int_equal(wf_gguf_f64(&f, "f32", &d, NULL), WEFT_OK);
    assert_true(d > 1.4 && d < 1.6);
    assert_int_equal(wf_gguf_f64(&f, "f64", &d, NULL), WEFT_OK);
    assert_true(d > -0.6 && d < -0.4);
    assert_int_equal(wf_gguf_bool(&f, "bool", &b, NULL), WEFT_OK);
    assert_true(b);
    assert_int_equal(wf_gguf_bool(&f, "u8", &b, NULL), WEFT_E_CORRUPT);
    assert_int_equal(wf_gguf_i64(&f, "bool", &i, NULL), WEFT_E_CORRUPT);
    assert_int_equal(wf_gguf_i64(&f, "none", &i, NULL), WEFT_E_NOTFOUND);
    char    *s;
    uint64_t n;
    assert_int_equal(wf_gguf_str(&f, "s", &s, &n, NULL), WEFT_OK);
    assert_string_equal(s, "caf\xc3\xa9");
    assert_int_equal(n, 5);
    wf_free(s);
    assert_int_equal(wf_gguf_str(&f, "u8", &s, &n, NULL), WEFT_E_CORRUPT);
    assert_null(s);
    wf_gguf_close(&f);
}

static weft_status count(void *ctx, const wf_gguf_scalar *s, weft_error *err)
{
    uint64_t *n = ctx;
    (void)err;
    assert_int_equal(s->kind, WF_GGUF_STRING);
    assert_int_equal(s->text[s->n], 0); /* one of the tokens has a NUL in it */
    ++*n;
    return WEFT_OK;
}

static weft_status stop(void *ctx, const wf_gguf_scalar *s, weft_error *err)
{
    uint64_t *n = ctx;
    (void)s;
    return ++*n == 3 ? wf_fail(err, WEFT_E_CANCELLED, "enough") : WEFT_OK;
}

static void test_arrays(void **state)
{
    wf_gguf_file f;
    uint64_t     n = 0;
    char        *s;
    (void)state;
    assert_int_equal(wf_gguf_open(VOCAB, &f, NULL), WEFT_OK);
    const wf_gguf_value *v = wf_gguf_find(&f, "tokenizer.ggml.tokens");
    assert_non_null(v);
    assert_int_equal(v->kind, WF_GGUF_ARRAY);
    assert_int_equal(wf_gguf_each(&f, v, count, &n, NULL), WEFT_OK);
    assert_int_equal(n, v->count);
    n = 0;
    assert_int_equal(wf_gguf_each(&f, v, stop, &n, NULL), WEFT_E_CANCELLED);
    assert_int_equal(n, 3);
    assert_int_equal(wf_gguf_str_at(&f, v->key, 1, &s, NULL), WEFT_OK);
    assert_string_equal(s, "<s>");
    wf_free(s);
    assert_int_equal(wf_gguf_str_at(&f, v->key, (int64_t)v->count, &s, NULL), WEFT_E_NOTFOUND);
    assert_int_equal(wf_gguf_str_at(&f, v->key, -1, &s, NULL), WEFT_E_NOTFOUND);
    assert_int_equal(wf_gguf_str_at(&f, "tokenizer.ggml.scores", 0, &s, NULL), WEFT_E_CORRUPT);
    wf_gguf_close(&f);
}

static void test_tensors(void **state)
{
    wf_gguf_file f;
    (void)state;
    assert_true(wf_gguf_is(TYPES));
    assert_false(wf_gguf_is(WEFT_FIXTURES "/gguf"));
    assert_false(wf_gguf_is(WEFT_FIXTURES "/gguf/llama.json"));
    assert_int_equal(wf_gguf_open(TYPES, &f, NULL), WEFT_OK);
    assert_int_equal(f.n_tensors, 21);
    const wf_gguf_tensor *t = wf_gguf_tensor_find(&f, "blk.0.attn_q.weight");
    assert_non_null(t);
    assert_string_equal(wf_gguf_type_of(t->type).name, "Q4_K");
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 256);
    assert_int_equal(t->shape[1], 64);
    assert_int_equal(t->bytes, 64 * 144);
    assert_int_equal(t->begin % f.alignment, 0);
    assert_null(wf_gguf_tensor_find(&f, "blk.2.attn_q.weight"));
    assert_null(wf_gguf_type_of(4).name);
    assert_null(wf_gguf_type_of(-1).name);
    assert_null(wf_gguf_type_of(1 << 20).name);
    wf_gguf_close(&f);
}

static void test_no_memory(void **state)
{
    wf_gguf_file f;
    weft_status  status = WEFT_E_NOMEM;
    uint64_t     n = 0;
    (void)state;
    while (status == WEFT_E_NOMEM) {
        wf_mem_fail_at(++n, true);
        status = wf_gguf_open(VOCAB, &f, NULL);
        wf_mem_fail_at(0, false);
        if (status == WEFT_E_NOMEM)
            assert_int_equal(f.file.fd, -1);
    }
    assert_int_equal(status, WEFT_OK);
    assert_true(n > 5);
    wf_gguf_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
