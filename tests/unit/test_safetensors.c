/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: each rule of the format broken once, files cut at every place that matters, the
 * writer against the bytes of the reference writer, and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "core/io/safetensors.h"
#include "tests/unit/scratch.h"

/* A file of this header and this many bytes of data; length is what its first 8 bytes say. */
static const char *file_put(const char *name, uint64_t length, const char *header, size_t header_n,
                            size_t data)
{
    size_t         bytes = 8 + header_n + data;
    unsigned char *all = calloc(1, bytes);
    assert_non_null(all);
    for (uint32_t i = 0; i < 8; i++)
        all[i] = (unsigned char)(length >> (8 * i));
    memcpy(all + 8, header, header_n);
    const char *path = scratch_put(name, all, bytes);
    free(all);
    return path;
}

static const char *header_file(const char *header, size_t data)
{
    return file_put("t.safetensors", strlen(header), header, strlen(header), data);
}

typedef struct bad_case {
    const char *header;
    size_t      data;
    const char *what;
} bad_case;

#define F32_2(begin, end) "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" #begin "," #end "]}"

static const bad_case bads[] = {
    /* The header is JSON, an object from its first byte on, without duplicates. */
    {"", 0, "does not begin with {"},
    {" {}", 0, "does not begin with {"},
    {"[]", 0, "does not begin with {"},
    {"{", 0, "t.safetensors:1:1:"},
    {"{}}", 0, "end of file expected"},
    {"{} x", 0, "end of file expected"},
    {"{\"a\":" F32_2(0, 8) ",\"a\":" F32_2(0, 8) "}", 8, "duplicate object key"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "duplicate object key"},
    {"{\"\xFF\":" F32_2(0, 8) "}", 8, "unable to decode byte"},
    {"{\"a\\u0000b\":" F32_2(0, 8) "}", 8, "NUL byte"},
    /* Metadata is a map of strings. */
    {"{\"__metadata__\":[]}", 0, "__metadata__"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__"},
    {"{\"__metadata__\":null}", 0, "__metadata__"},
    /* A tensor's description. */
    {"{\"a\":[]}", 0, "tensor \"a\" is described by no object"},
    {"{\"a\":null}", 0, "tensor \"a\" is described by no object"},
    {"{\"a\":{}}", 0, "tensor \"a\" has no dtype"},
    {"{\"\":" F32_2(0, 8) "}", 8, "name of no byte"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor \"a\" has no dtype"},
    {"{\"a\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "has no dtype"},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "has no dtype"},
    {"{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "has no dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "has no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "has no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "no count"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "no count"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", 8, "no count"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e1],\"data_offsets\":[0,8]}}", 8, "no count"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,8]}}", 8,
     "too big integer"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8,
     "more than 8 dimensions"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "not two counts"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "not two counts"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "not two counts"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "not two counts"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0.0,8]}}", 8, "not two counts"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{}}}", 8, "not two counts"},
    /* The size follows from dtype and shape, without overflow, in whole bytes. */
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
     "overflows"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0,
     "overflows"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
     "overflows"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "whole bytes"},
    {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, "whole bytes"},
    {"{\"a\":" F32_2(0, 4) "}", 4, "spans 4 bytes where its shape needs 8"},
    {"{\"a\":" F32_2(0, 12) "}", 12, "spans 12 bytes where its shape needs 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, "needs 4"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,8]}}", 8, "needs 0"},
    /* The tensors lie in the file and tile it. */
    {"{\"a\":" F32_2(8, 0) "}", 8, "ends before it begins"},
    {"{\"a\":" F32_2(0, 8) "}", 7, "cut short"},
    {"{\"a\":" F32_2(9223372036854775800, 9223372036854775807) "}", 8, "cut short"},
    {"{\"a\":" F32_2(0, 8) "}", 9, "its tensors end at byte"},
    {"{}", 1, "its tensors end at byte"},
    {"{\"a\":" F32_2(8, 16) "}", 16, "\"a\" begins at byte"},
    {"{\"a\":" F32_2(0, 8) ",\"b\":" F32_2(12, 20) "}", 20, "\"b\" begins at byte"},
    {"{\"a\":" F32_2(0, 8) ",\"b\":" F32_2(4, 12) "}", 12, "\"b\" begins at byte"},
    {"{\"a\":" F32_2(0, 8) ",\"b\":" F32_2(0, 8) "}", 8, "begins at byte"},
    {"{\"a\":" F32_2(0, 8) ",\"b\":" F32_2(8, 16) "}", 17, "end at byte"},
};

static void bad_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        wf_st_file  f;
        weft_error  err = WF_ERROR_INIT;
        weft_status s = wf_st_open(header_file(bads[i].header, bads[i].data), &f, &err);
        if (s == WEFT_OK)
            fail_msg("accepted: %s", bads[i].header);
        assert_failure(s, &err, WEFT_E_CORRUPT, "t.safetensors", bads[i].what);
        assert_null(f.tensors);
        assert_int_equal(f.file.fd, -1);
    }
    scratch_empty("");
}

static void bad_lengths(void **state)
{
    static const struct {
        uint64_t    length;
        size_t      header;
        const char *what;
    } cases[] = {
        {3, 2, "the header ends at 11 and the file at 10"},
        {WF_ST_MAX_HEADER + 1, 2, "a header of 100000001 bytes"},
        {WF_ST_MAX_HEADER, 2, "cut short"},
        {UINT64_MAX, 2, "limit"},
        {UINT64_MAX - 7, 2, "limit"}, /* 8 + it is 0 in 64 bits */
        {(uint64_t)1 << 63, 2, "limit"},
        {1, 2, ":1:1:"}, /* half of {} */
    };
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_failure(
            wf_st_open(file_put("t.safetensors", cases[i].length, "{}", cases[i].header, 0), &f,
                       &err),
            &err, WEFT_E_CORRUPT, "t.safetensors", cases[i].what);
    assert_failure(wf_st_open(scratch_path("none"), &f, &err), &err, WEFT_E_NOTFOUND, "none",
                   "no such");
    scratch_empty("");
}

static void odd_but_legal(void **state)
{
    static const bad_case goods[] = {
        {"{}", 0, ""},
        {"{}      ", 0, ""},
        {"{\"__metadata__\":{\"format\":\"pt\",\"x\":\"\"}}", 0, ""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, ""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[0,0]}}", 0, ""},
        {"{\"z\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[8,8]},\"a\":" F32_2(0, 8) "}",
         8, ""},
        {"{\"b\":" F32_2(8, 16) ",\"a\":" F32_2(0, 8) "}", 16, ""},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, ""},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1,1,1,1,1,1,1,3],\"data_offsets\":[0,3]}}", 3,
         ""},
        {"{\"a\":{\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":\"BOOL\",\"more\":null}}", 1, ""},
        /* No alignment is promised. */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":" F32_2(1, 9) "}", 9,
         ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        wf_st_file f;
        weft_error err = WF_ERROR_INIT;
        if (wf_st_open(header_file(goods[i].header, goods[i].data), &f, &err) != WEFT_OK)
            fail_msg("refused: %s: %s", goods[i].header, err.message);
        assert_null(wf_st_find(&f, "__metadata__"));
        assert_null(wf_st_find(&f, "nothing"));
        wf_st_close(&f);
    }
    scratch_empty("");
}

static void name_lengths(void **state)
{
    char       header[2048];
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    for (int32_t n = 1024; n <= 1025; n++) {
        snprintf(header, sizeof(header), "{\"%0*d\":" F32_2(0, 8) "}", n, 0);
        weft_status s = wf_st_open(header_file(header, 8), &f, &err);
        assert_int_equal(s, n == 1024 ? WEFT_OK : WEFT_E_CORRUPT);
        wf_st_close(&f);
    }
    assert_failure(WEFT_E_CORRUPT, &err, WEFT_E_CORRUPT, "t.safetensors", "more than 1024");
    scratch_empty("");
}

static void too_many_tensors(void **state)
{
    size_t     bytes = (size_t)WF_ST_MAX_TENSORS * 13 + 64;
    char      *header = malloc(bytes), *at = header;
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_non_null(header);
    at = stpcpy(at, "{\"x\":0");
    for (uint32_t i = 0; i < WF_ST_MAX_TENSORS; i++)
        at += sprintf(at, ",\"%u\":0", i);
    at = stpcpy(at, "}");
    assert_failure(wf_st_open(header_file(header, 0), &f, &err), &err, WEFT_E_LIMIT,
                   "t.safetensors", "1000001 tensors");
    free(header);
    scratch_empty("");
}

/* Many tensors of odd sizes, some of them empty, in a header of more than 4 KiB. */
static const char *many_put(const char *name)
{
    static float  zeros[64];
    static char   names[96][40];
    wf_st_out     out[96];
    weft_error    err = WF_ERROR_INIT;
    const int32_t dtypes[] = {WF_ST_F32, WF_ST_BF16, WF_ST_U8, WF_ST_I64, WF_ST_F16, WF_ST_I32};
    for (int32_t i = 0; i < 96; i++) {
        snprintf(names[i], sizeof(names[i]), "layers.%d.some.weight", i);
        out[i] = (wf_st_out){names[i], dtypes[i % 6], 2, {i % 5, 1 + i % 3}, zeros};
    }
    const char *path = scratch_path(name);
    assert_int_equal(wf_st_write(path, out, 96, &err), WEFT_OK);
    return path;
}

/* Sets the file's length and opens it: only the whole one may pass. */
static void open_at_length(const char *path, uint64_t length, uint64_t whole)
{
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(truncate(path, (off_t)length), 0);
    weft_status s = wf_st_open(path, &f, &err);
    if (length == whole)
        assert_int_equal(s, WEFT_OK);
    else
        assert_failure(s, &err, WEFT_E_CORRUPT, "many",
                       length < whole ? "cut short" : "end at byte");
    wf_st_close(&f);
}

/* From the far end down to nothing, each length is the file cut there (truncate keeps the rest);
 * the lengths above 4 KiB are the tensors' ends and their neighbours, and one byte too many. */
static void cut_files(void **state)
{
    wf_st_file  f;
    weft_error  err = WF_ERROR_INIT;
    const char *path = many_put("many");
    char       *bytes;
    uint64_t    whole, copy;
    (void)state;
    assert_int_equal(wf_st_open(path, &f, &err), WEFT_OK);
    assert_int_equal(f.n_tensors, 96);
    whole = f.file.bytes;
    assert_true(f.tensors[0].begin > 4096);
    assert_int_equal(wf_file_load(path, 1 << 20, &bytes, &copy, &err), WEFT_OK);
    for (uint64_t i = 0; i < f.n_tensors; i++)
        for (uint64_t near = 0; near < 3; near++) {
            scratch_put("many", bytes, copy);
            open_at_length(path, f.tensors[i].begin + f.tensors[i].bytes + near - 1, whole);
        }
    scratch_put("many", bytes, copy);
    for (uint64_t length = 4097; length-- > 0;)
        open_at_length(path, length, whole);
    wf_free(bytes);
    wf_st_close(&f);
    scratch_empty("");
}

static void shrinking_file(void **state)
{
    float      got[8];
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_st_open(header_file("{\"a\":" F32_2(0, 8) "}", 8), &f, &err), WEFT_OK);
    const wf_st_tensor *t = wf_st_find(&f, "a");
    assert_int_equal(truncate(f.file.path, (off_t)(t->begin + 5)), 0);
    assert_failure(wf_st_read(&f, t, 0, got, 8, &err), &err, WEFT_E_IO, "t.safetensors", "shrank");
    assert_int_equal(truncate(f.file.path, 0), 0);
    assert_failure(wf_st_read(&f, t, 4, got, 4, &err), &err, WEFT_E_IO, "t.safetensors", "shrank");
    wf_st_close(&f);
    scratch_empty("");
}

static void reading(void **state)
{
    const float values[6] = {0, 1, 2, 3, 4, 5};
    wf_st_out   out[2] = {{"b", WF_ST_F32, 2, {2, 3}, values}, {"a", WF_ST_F32, 0, {0}, values}};
    float       got[6];
    wf_st_file  f;
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_st_write(scratch_path("ab"), out, 2, &err), WEFT_OK);
    assert_int_equal(wf_st_open(scratch_path("ab"), &f, &err), WEFT_OK);
    const wf_st_tensor *b = wf_st_find(&f, "b");
    assert_non_null(b);
    assert_int_equal(b->dtype, WF_ST_F32);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(wf_st_numel(b), 6);
    assert_int_equal(wf_st_numel(wf_st_find(&f, "a")), 1);
    assert_int_equal(wf_st_read(&f, b, 4, got, 16, &err), WEFT_OK);
    assert_memory_equal(got, values + 1, 16);
    assert_failure(wf_st_read(&f, b, 20, got, 5, &err), &err, WEFT_E_INVALID, "ab", "tensor \"b\"");
    assert_int_equal(wf_st_read(&f, b, 24, got, 0, &err), WEFT_OK);
    assert_int_equal(wf_st_read(&f, b, UINT64_MAX, got, 2, &err), WEFT_E_INVALID);
    assert_string_equal(wf_st_dtype_name(WF_ST_BF16), "BF16");
    assert_string_equal(wf_st_dtype_name(WF_ST_OTHER), "other");
    assert_string_equal(wf_st_dtype_name(-1), "other");
    wf_st_close(&f);
    scratch_empty("");
}

/* What safetensors 0.8.0 for Python writes for the same tensors (little-endian machine). */
static const char reference[] =
    "\x90\x01\0\0\0\0\0\0"
    "{\"a\xC3\xA9\\\"\\\\\":{\"dtype\":\"I64\",\"shape\":[1,2],\"data_offsets\":[0,16]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[20,32]},"
    "\"e\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[32,32]},"
    "\"i\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[32,36]},"
    "\"h\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[36,38]},"
    "\"c\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[38,41]}}       "
    "\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0" /* a with its accent */
    "\0\0\0\0"                           /* a */
    "\0\0\0\0\0\0\x80?\0\0\0@"           /* b */
    "\x07\0\0\0"                         /* i */
    "\0<\x01\x02\x03";                   /* h, c */

static void writer_like_reference(void **state)
{
    const float    f[3] = {0, 1, 2};
    const int64_t  l[2] = {0, 1};
    const int32_t  i = 7;
    const uint16_t h = 0x3C00;
    const uint8_t  c[3] = {1, 2, 3};
    wf_st_out      out[] = {
             {"b", WF_ST_F32, 1, {3}, f},  {"a\xC3\xA9\"\\", WF_ST_I64, 2, {1, 2}, l},
             {"c", WF_ST_U8, 1, {3}, c},   {"h", WF_ST_F16, 1, {1}, &h},
             {"i", WF_ST_I32, 0, {0}, &i}, {"e", WF_ST_F32, 2, {0, 4}, NULL},
             {"a", WF_ST_F32, 1, {1}, f},
    };
    char      *got;
    uint64_t   bytes;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_st_write(scratch_path("out"), out, 7, &err), WEFT_OK);
    assert_int_equal(wf_file_load(scratch_path("out"), 4096, &got, &bytes, &err), WEFT_OK);
    assert_int_equal(bytes, sizeof(reference) - 1);
    assert_memory_equal(got, reference, sizeof(reference) - 1);
    wf_free(got);
    scratch_empty("");
}

static void writer_refuses(void **state)
{
    const float f[2] = {0, 1};
    const struct {
        wf_st_out   out;
        const char *what;
    } cases[] = {
        {{"", WF_ST_F32, 1, {2}, f}, "name"},
        {{"__metadata__", WF_ST_F32, 1, {2}, f}, "reserved"},
        {{"\xFF", WF_ST_F32, 1, {2}, f}, "UTF-8"},
        {{"a", WF_ST_OTHER, 1, {2}, f}, "dtype"},
        {{"a", -1, 1, {2}, f}, "dtype"},
        {{"a", WF_ST_F32, 9, {1}, f}, "rank"},
        {{"a", WF_ST_F32, -1, {1}, f}, "rank"},
        {{"a", WF_ST_F32, 1, {-1}, f}, "negative"},
        {{"a", WF_ST_F32, 2, {INT64_MAX, 3}, f}, "overflows"},
        {{"a", WF_ST_F32, 1, {INT64_MAX / 3}, f}, "too large"},
    };
    wf_st_out  twice[2] = {{"a", WF_ST_F32, 1, {2}, f}, {"a", WF_ST_I64, 1, {1}, f}};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_failure(wf_st_write(scratch_path("out"), &cases[i].out, 1, &err), &err,
                       WEFT_E_INVALID, "out", cases[i].what);
    assert_failure(wf_st_write(scratch_path("out"), twice, 2, &err), &err, WEFT_E_INVALID, "out",
                   "another has its name");
    assert_failure(wf_st_write(scratch_path("no/out"), twice, 1, &err), &err, WEFT_E_IO, "no/out",
                   "No such file");
    assert_int_equal(scratch_empty(""), 0);
}

static void memory_runs_out(void **state)
{
    wf_st_file  f;
    const char *path = many_put("many");
    (void)state;
    weft_status s = WEFT_E_NOMEM;
    for (uint64_t n = 1; s != WEFT_OK; n++) {
        weft_error err = WF_ERROR_INIT;
        uint64_t   before = wf_mem_count();
        wf_mem_fail_at(n, false);
        s = wf_st_open(path, &f, &err);
        wf_mem_fail_at(0, false);
        if (wf_mem_count() - before >= n)
            assert_failure(s, &err, WEFT_E_NOMEM, "", "out of memory");
        else
            assert_int_equal(s, WEFT_OK);
    }
    wf_st_close(&f);
    const float f2[2] = {0, 1};
    wf_st_out   out[2] = {{"a", WF_ST_F32, 1, {2}, f2}, {"b", WF_ST_F32, 0, {0}, f2}};
    s = WEFT_E_NOMEM;
    for (uint64_t n = 1; s != WEFT_OK; n++) {
        scratch_empty("");
        wf_mem_fail_at(n, true);
        s = wf_st_write(scratch_path("out"), out, 2, NULL);
        wf_mem_fail_at(0, false);
        assert_int_equal(scratch_empty(""), s == WEFT_OK);
        assert_true(s == WEFT_OK || s == WEFT_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_headers),           cmocka_unit_test(bad_lengths),
        cmocka_unit_test(odd_but_legal),         cmocka_unit_test(name_lengths),
        cmocka_unit_test(too_many_tensors),      cmocka_unit_test(cut_files),
        cmocka_unit_test(shrinking_file),        cmocka_unit_test(reading),
        cmocka_unit_test(writer_like_reference), cmocka_unit_test(writer_refuses),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
