/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what must be refused and where it says so, what must be read, the caps, and memory that
 * runs out at every allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "core/base/mem.h"
#include "weft/utf8.h"
#include "core/io/json.h"
#include "core/io/text.h"
#include "tests/unit/scratch.h"

typedef struct bad_case {
    const char *text;
    size_t      bytes;
    const char *place; /* ":LINE:COLUMN:" and perhaps more of the message */
} bad_case;
#define BAD(text, place)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, place                                                              \
    }

/* Columns are jansson's: that of the last character it took. */
static const bad_case bads[] = {
    BAD("", ":1:1: '[' or '{' expected"),
    BAD(" \n ", ":2:"),
    BAD("1", ":1:1:"),
    BAD("\"a\"", ":1:3:"),
    BAD("null", ":1:4:"),
    BAD("true", ":1:4:"),
    BAD("{", ":1:1: string or '}' expected"),
    BAD("[", ":1:1:"),
    BAD("[1", ":1:2:"),
    BAD("[1,", ":1:3:"),
    BAD("[1,]", ":1:4:"),
    BAD("[,1]", ":1:2:"),
    BAD("[1 2]", ":1:4:"),
    BAD("[1}", ":1:3:"),
    BAD("[1]]", ":1:4: end of file expected"),
    BAD("{}{}", ":1:3:"),
    BAD("{\"a\"}", ":1:5: ':' expected"),
    BAD("{\"a\":}", ":1:6:"),
    BAD("{\"a\":1,}", ":1:8:"),
    BAD("{a:1}", ":1:2:"),
    BAD("{'a':1}", ":1:2:"),
    BAD("{1:1}", ":1:2:"),
    BAD("{\"a\":1 \"b\":2}", ":1:10:"),
    BAD("{\"a\":1,\n \"b\":2,\n \"a\":3}", ":3:4: duplicate object key"),
    BAD("{\"a\":{\"b\":1,\"b\":1}}", "duplicate object key"),
    BAD("{\"a\":1,\"\\u0061\":2}", "duplicate object key"),
    BAD("[NaN]", ":1:4:"),
    BAD("[nan]", ":1:4:"),
    BAD("[Infinity]", ":1:9:"),
    BAD("[-Infinity]", ":1:2:"),
    BAD("[-NaN]", ":1:2:"),
    BAD("[+1]", ":1:2:"),
    BAD("[01]", ":1:2:"),
    BAD("[-01]", ":1:3:"),
    BAD("[-]", ":1:2:"),
    BAD("[.5]", ":1:2:"),
    BAD("[1.]", ":1:3:"),
    BAD("[1e]", ":1:3:"),
    BAD("[1e+]", ":1:4:"),
    BAD("[0x10]", ":1:"),
    BAD("[1_000]", ":1:"),
    BAD("[1e400]", "real number overflow"),
    BAD("[9223372036854775808]", "too big integer"),
    BAD("[-9223372036854775809]", "too big negative integer"),
    BAD("[tru]", ":1:4:"),
    BAD("[True]", ":1:5:"),
    BAD("[nul]", ":1:4:"),
    BAD("[undefined]", ":1:10:"),
    BAD("[\"a]", "premature end of input"),
    BAD("[\"a\nb\"]", "unexpected newline"),
    BAD("[\"a\tb\"]", "control character"),
    BAD("[\"a\\", ":1:"),
    BAD("[\"\\x41\"]", "invalid escape"),
    BAD("[\"\\u12\"]", "invalid escape"),
    BAD("[\"\\u12G4\"]", "invalid escape"),
    BAD("[\"\\uD800\"]", "invalid Unicode"),
    BAD("[\"\\uDC00\"]", "invalid Unicode"),
    BAD("[\"\\uD800\\u0041\"]", "invalid Unicode"),
    BAD("[\"\\u0000\"]", "\\u0000 is not allowed"),
    BAD("{\"a\\u0000b\":1}", "NUL byte in object key"),
    BAD("[1] // note", ":1:"),
    BAD("[1] # note", ":1:"),
    BAD("/* note */ [1]", ":1:"),
    BAD("\xEF\xBB\xBF[1]", ":1:1:"),
    BAD("[1]\0", ":1:"),
    BAD("\0[1]", ":1:1:"),
    BAD("[\"a\0b\"]", ":1:"),
    BAD("[\xA0"
        "1]",
        "unable to decode byte"),
    BAD("[\"\x80\"]", "unable to decode byte"),
    BAD("[\"\xC0\xAF\"]", "unable to decode byte"),
    BAD("[\"\xC3\"]", "unable to decode byte"),
    BAD("[\"\xE0\x80\xAF\"]", "unable to decode byte"),
    BAD("[\"\xED\xA0\x80\"]", "unable to decode byte"),
    BAD("[\"\xF4\x90\x80\x80\"]", "unable to decode byte"),
    BAD("[\"\xFE\xFF\"]", "unable to decode byte"),
    BAD("{\"\xFF\":1}", "unable to decode byte"),
    BAD("[\v1]", ":1:"),
    BAD("[1\f]", ":1:"),
};

static void bad_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        weft_error  err = WF_ERROR_INIT;
        json_t     *root = (json_t *)&err; /* must become NULL */
        weft_status s = wf_json_parse(bads[i].text, bads[i].bytes, "some.json", &root, &err);
        if (s == WEFT_OK)
            fail_msg("accepted: %s", bads[i].text);
        assert_failure(s, &err, WEFT_E_CORRUPT, "some.json:", bads[i].place);
        assert_null(root);
        size_t n = strlen(err.message);
        assert_int_equal(weft_utf8_prefix(err.message, n), n);
    }
}

static void what_is_no_json_is_named(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"},
    };
    json_t    *root;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_failure(wf_json_parse(rows[i].text, strlen(rows[i].text), "some.json", &root, &err),
                       &err, WEFT_E_CORRUPT, "some.json", rows[i].word);
        assert_null(root);
    }
}

static void good_text(void **state)
{
    static const char *const goods[] = {
        "{}",
        "[]",
        " \t\r\n[ ] \n",
        "[0,-0,-1,1.5e-3,1E+2,0.0]",
        "[9223372036854775807]",
        "[-9223372036854775808]",
        "[1e-400]",
        "[\"\\u00e9\\uD83D\\uDE00\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
        "[\"\xC2\x80\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"]",
        "[\"\x7F\"]",
        "{\"\":1}",
        "{\"a\":{\"a\":{\"a\":null}}}",
        "[true,false,null]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        weft_error err = WF_ERROR_INIT;
        json_t    *root;
        if (wf_json_parse(goods[i], strlen(goods[i]), "good", &root, &err) != WEFT_OK)
            fail_msg("refused: %s: %s", goods[i], err.message);
        json_decref(root);
    }
}

/* begin, each * n, end: parsed; the status. */
static weft_status parse_repeated(const char *begin, const char *each, size_t n, const char *end,
                                  json_t **root, weft_error *err)
{
    size_t b = strlen(begin), e = strlen(each), z = strlen(end), bytes = b + n * e + z;
    char  *text = malloc(bytes);
    assert_non_null(text);
    memcpy(text, begin, b);
    for (size_t i = 0; i < n; i++)
        memcpy(text + b + i * e, each, e);
    memcpy(text + b + n * e, end, z);
    weft_status s = wf_json_parse(text, bytes, "caps.json", root, err);
    free(text);
    return s;
}

static void caps(void **state)
{
    weft_error err = WF_ERROR_INIT;
    json_t    *root;
    (void)state;
    assert_int_equal(parse_repeated("", "[", 64, "]", &root, &err), WEFT_E_CORRUPT);
    assert_failure(parse_repeated("", "[", 65, "]", &root, &err), &err, WEFT_E_LIMIT,
                   "caps.json:1:65:", "limit of 64");
    assert_failure(parse_repeated("", "[", 1000000, "", &root, &err), &err, WEFT_E_LIMIT,
                   "caps.json:1:65:", "nested too deep");
    assert_failure(parse_repeated("", "{\"a\":\n", 1000000, "", &root, &err), &err, WEFT_E_LIMIT,
                   "caps.json:65:1:", "nested too deep");
    /* Brackets within strings are no nesting, wherever quotes are escaped. */
    assert_int_equal(parse_repeated("[\"", "\\\"[{", 1000, "\"]", &root, &err), WEFT_OK);
    json_decref(root);
    assert_int_equal(parse_repeated("[", "[],", 1000, "1]", &root, &err), WEFT_OK);
    json_decref(root);
    assert_int_equal(parse_repeated("[\"", "a", WF_JSON_MAX_STRING - 2, "\"]", &root, &err),
                     WEFT_OK);
    json_decref(root);
    assert_failure(parse_repeated("[\"", "a", WF_JSON_MAX_STRING + 1, "\"]", &root, &err), &err,
                   WEFT_E_LIMIT, "caps.json:1:2:", "string");
    assert_failure(parse_repeated("[", "[],", WF_JSON_MAX_CONTAINERS, "1]", &root, &err), &err,
                   WEFT_E_LIMIT, "caps.json:1:", "too many arrays");
    assert_failure(parse_repeated("[", "0,", WF_JSON_MAX_VALUES + 1, "1]", &root, &err), &err,
                   WEFT_E_LIMIT, "caps.json:1:", "too many values");
}

static void million_keys(void **state)
{
    weft_error err = WF_ERROR_INIT;
    json_t    *root;
    char      *text = malloc(20000000), *at = text;
    (void)state;
    assert_non_null(text);
    at = stpcpy(at, "{\"a\":1");
    for (int32_t i = 0; i < 1000000; i++)
        at += sprintf(at, ",\"%d\":1", i);
    at = stpcpy(at, "}");
    clock_t begin = clock();
    assert_int_equal(wf_json_parse(text, (uint64_t)(at - text), "keys", &root, &err), WEFT_OK);
    /* About 1 s with sanitizers on a slow core; quadratic time would be hours. */
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 60);
    assert_int_equal(json_object_size(root), 1000001);
    json_decref(root);
    free(text);
    assert_failure(parse_repeated("{\"a\":1", ",\"a\":1", 1000000, "}", &root, &err), &err,
                   WEFT_E_CORRUPT, "caps.json:1:", "duplicate");
}

static json_t *sample(void)
{
    static const char text[] =
        "{\"a\":{\"b\":[10,20,30,{\"c\":[7.0,7.5,\"s\",true,false,null,1e30]}]},"
        "\"big\":-9223372036854775808,\"n\":null,\"x y\":\"z\"}";
    weft_error err = WF_ERROR_INIT;
    json_t    *root;
    assert_int_equal(wf_json_parse(text, sizeof(text) - 1, "sample", &root, &err), WEFT_OK);
    return root;
}

static void paths(void **state)
{
    static const char *const absent[] = {
        "z",       "a.z",     "a.b[4]",    "a.b[-1]", "a.b[]",       "a.b[x]",
        "a.b[1",   "a.b[1]c", "a.b.c",     "a[0]",    "a.",          ".a",
        "a..b",    "[0]",     "n",         "n.x",     "a.b[3].c[5]", "a.b[18446744073709551616]",
        "a.b[1 ]", "big.x",   "a.b[0][0]",
    };
    json_t *root = sample();
    (void)state;
    assert_ptr_equal(wf_json_at(root, ""), root);
    assert_int_equal(json_integer_value(wf_json_at(root, "a.b[1]")), 20);
    assert_int_equal(json_integer_value(wf_json_at(root, "a.b[02]")), 30);
    assert_string_equal(json_string_value(wf_json_at(root, "a.b[3].c[2]")), "s");
    assert_string_equal(json_string_value(wf_json_at(root, "x y")), "z");
    assert_int_equal(json_integer_value(wf_json_at(wf_json_at(root, "a.b"), "[0]")), 10);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (wf_json_at(root, absent[i]) != NULL)
            fail_msg("found: %s", absent[i]);
    assert_null(wf_json_at(NULL, "a"));
    json_decref(root);
}

static void typed_reads(void **state)
{
    weft_error  err = WF_ERROR_INIT;
    json_t     *root = sample();
    int64_t     i = 0;
    int32_t     b = 2;
    double      d = 0;
    const char *s = NULL;
    (void)state;
    assert_int_equal(wf_json_i64(root, "f", "a.b[3].c[0]", &i, &err), WEFT_OK);
    assert_int_equal(i, 7);
    assert_int_equal(wf_json_i64(root, "f", "big", &i, &err), WEFT_OK);
    assert_true(i == INT64_MIN);
    assert_failure(wf_json_i64(root, "f", "a.b[3].c[1]", &i, &err), &err, WEFT_E_CORRUPT,
                   "f: ", "\"a.b[3].c[1]\" must be an integer and is a real number");
    assert_failure(wf_json_i64(root, "f", "a.b[3].c[6]", &i, &err), &err, WEFT_E_CORRUPT, "f",
                   "int");
    assert_failure(wf_json_i64(root, "f", "x y", &i, &err), &err, WEFT_E_CORRUPT, "f", "a string");
    assert_failure(wf_json_i64(root, "f", "n", &i, &err), &err, WEFT_E_NOTFOUND, "f", "\"n\"");
    assert_int_equal(wf_json_f64(root, "f", "a.b[0]", &d, &err), WEFT_OK);
    assert_true(d == 10.0);
    assert_int_equal(wf_json_f64(root, "f", "a.b[3].c[1]", &d, &err), WEFT_OK);
    assert_true(d == 7.5);
    assert_failure(wf_json_f64(root, "f", "a", &d, &err), &err, WEFT_E_CORRUPT, "f", "an object");
    assert_int_equal(wf_json_str(root, "f", "x y", &s, &err), WEFT_OK);
    assert_string_equal(s, "z");
    assert_failure(wf_json_str(root, "f", "a.b", &s, &err), &err, WEFT_E_CORRUPT, "f", "an array");
    assert_int_equal(wf_json_bool(root, "f", "a.b[3].c[3]", &b, &err), WEFT_OK);
    assert_int_equal(b, 1);
    assert_int_equal(wf_json_bool(root, "f", "a.b[3].c[4]", &b, &err), WEFT_OK);
    assert_int_equal(b, 0);
    assert_failure(wf_json_bool(root, "f", "big", &b, &err), &err, WEFT_E_CORRUPT, "f",
                   "an integer");
    assert_int_equal(wf_json_count(root, "f", "a.b", &i, &err), WEFT_OK);
    assert_int_equal(i, 4);
    assert_int_equal(wf_json_count(root, "f", "", &i, &err), WEFT_OK);
    assert_int_equal(i, 4);
    assert_failure(wf_json_count(root, "f", "a.b[3].c[3]", &i, &err), &err, WEFT_E_CORRUPT, "f",
                   "is true or false");
    assert_int_equal(wf_json_i64(root, "f", "nowhere", &i, NULL), WEFT_E_NOTFOUND);
    json_decref(root);
}

static void load_from_file(void **state)
{
    weft_error err = WF_ERROR_INIT;
    json_t    *root;
    (void)state;
    assert_failure(wf_json_load(scratch_path("none.json"), &root, &err), &err, WEFT_E_NOTFOUND,
                   "none.json", "no such file");
    scratch_put("x.json", "{\"a\": [1, 2]}", 13);
    assert_int_equal(wf_json_load(scratch_path("x.json"), &root, &err), WEFT_OK);
    assert_int_equal(json_integer_value(wf_json_at(root, "a[1]")), 2);
    json_decref(root);
    assert_int_equal(truncate(scratch_put("big.json", "", 0), (off_t)WF_JSON_MAX_BYTES + 1), 0);
    assert_failure(wf_json_load(scratch_path("big.json"), &root, &err), &err, WEFT_E_LIMIT,
                   "big.json", "limit");
    scratch_empty("");
}

/* Every allocation fails once, and from some place on: NOMEM or a whole tree, never a part. The
 * number of 15 digits makes jansson's scanner grow its buffer for the comma behind, where it
 * asserts if that fails. */
static void memory_runs_out(void **state)
{
    static const char text[] =
        "{\"0\":123456789012345,\"a name that is longer than small\":[1,2.718281828459045235360,"
        "\"some text that makes a buffer grow, and \",\""
        "grow again\",true,null,1,2,3,4,5,6,7,8,9],\"b\":{\"c\":{\"d\":\"\\u00e9\"}},\"e\":0,"
        "\"f\":1,\"g\":2,\"h\":3,\"i\":4,\"j\":5,\"k\":6,\"l\":7,\"m\":8}";
    json_t *want = NULL, *got = NULL;
    (void)state;
    assert_int_equal(wf_json_parse(text, sizeof(text) - 1, "t", &want, NULL), WEFT_OK);
    for (int32_t forever = 0; forever < 2; forever++) {
        weft_status s = WEFT_E_NOMEM;
        for (uint64_t n = 1; s != WEFT_OK; n++) {
            weft_error err = WF_ERROR_INIT;
            uint64_t   before = wf_mem_count();
            wf_mem_fail_at(n, forever != 0);
            s = wf_json_parse(text, sizeof(text) - 1, "t", &got, &err);
            wf_mem_fail_at(0, false);
            if (wf_mem_count() - before >= n)
                assert_failure(s, &err, WEFT_E_NOMEM, "t", "out of memory");
            else
                assert_int_equal(s, WEFT_OK);
            assert_true(n < 1000);
        }
        assert_true(json_equal(got, want));
        json_decref(got);
    }
    json_decref(want);
}

static void quoting(void **state)
{
    char long_name[1000];
    (void)state;
    assert_string_equal(wf_quote("plain \xC3\xA9").s, "plain \xC3\xA9");
    assert_string_equal(wf_quote("\x1B[31m\n\x7F\xC2\x9B\xFF\xC3").s, "?[31m?????");
    for (size_t i = 0; i + 2 < sizeof(long_name); i += 2)
        memcpy(long_name + i, "\xC3\xA9", 3);
    for (int32_t shift = 0; shift < 2; shift++) {
        wf_quoted q = wf_quote(long_name + 2 * shift);
        size_t    n = strlen(q.s);
        assert_non_null(strstr(q.s, "..."));
        assert_null(strchr(q.s, '?'));
        assert_int_equal(weft_utf8_prefix(q.s, n), n);
        assert_true(n > WF_QUOTED_BYTES - 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_text),        cmocka_unit_test(what_is_no_json_is_named),
        cmocka_unit_test(good_text),       cmocka_unit_test(caps),
        cmocka_unit_test(million_keys),    cmocka_unit_test(paths),
        cmocka_unit_test(typed_reads),     cmocka_unit_test(load_from_file),
        cmocka_unit_test(memory_runs_out), cmocka_unit_test(quoting),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
