/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON pull reader: events and paths, escapes, and what it refuses. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads all of text; the events with their paths and values go to log, one a line. */
static weft_status read_all(const char *text, uint64_t n, char *log, size_t cap, weft_error *err)
{
    static const char *const names[] = {"end",    "object", "array", "close", "string",
                                        "number", "true",   "false", "null"};
    fake_host                h;
    txt_json                 j;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fake_package_put(p, "x.json", text, n);
    weft_status s = txt_json_open(&h.host, p, "x.json", &j, err);
    assert_int_equal(s, WEFT_OK);
    log[0] = '\0';
    while ((s = txt_json_next(&j, err)) == WEFT_OK && j.event != TXT_J_END) {
        size_t used = strlen(log);
        bool   valued = j.event == TXT_J_STRING || j.event == TXT_J_NUMBER;
        snprintf(log + used, cap - used, "%s %s%s%s\n", j.path, names[j.event], valued ? " " : "",
                 valued ? (const char *)j.text.p : "");
    }
    txt_json_close(&j);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
    return s;
}

static void test_events_and_paths(void **state)
{
    (void)state;
    char        log[1024];
    const char *text =
        " {\"a\" : [1, {\"b\": \"x\"}, [] ], \"c\":{}, \"d.e[0]\": null,\r\n\t\"f\": -1.5e+3,"
        "\"g\": true, \"h\": false} ";
    assert_int_equal(read_all(text, strlen(text), log, sizeof log, NULL), WEFT_OK);
    assert_string_equal(
        log, " object\na array\na[0] number 1\na[1] object\na[1].b string x\na[1] close\n"
             "a[2] array\na[2] close\na close\nc object\nc close\nd?e?0] null\n"
             "f number -1.5e+3\ng true\nh false\n close\n");
}

static void test_strings(void **state)
{
    (void)state;
    char        log[256];
    const char *text =
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u0041\\u00e9\\u20AC\\uD83D\\ude00\", \"\xc3\xa9\"]";
    assert_int_equal(read_all(text, strlen(text), log, sizeof log, NULL), WEFT_OK);
    assert_string_equal(
        log,
        " array\n[0] string \"\\/\b\f\n\r\t\n[1] string A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n"
        "[2] string \xc3\xa9\n close\n");
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0",   "-0",   "10",     "1.25",
                                       "1e9", "1E-9", "0.0e+0", "-12.5e10"};
    static const char *const bad[] = {"01",  "-",   "+1",  ".5",  "1.",   "1e",
                                      "1e+", "0x1", "1-2", "--1", "1.2.3"};
    char                     log[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(read_all(good[i], strlen(good[i]), log, sizeof log, NULL), WEFT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_all(bad[i], strlen(bad[i]), log, sizeof log, NULL), WEFT_E_CORRUPT);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "x.json:1:0: the file ends"},
        {"{", "a key in quotes"},
        {"[1 2]", "x.json:1:4: a comma"},
        {"[1,]", "x.json:1:4"},
        {"{\"a\":1,}", "a key in quotes"},
        {"{\"a\" 1}", "a colon"},
        {"{a:1}", "a key in quotes"},
        {"[1}", "a comma"},
        {"[1]]", "something follows"},
        {"nul", "a value is expected"},
        {"[\n\n  tru]", "x.json:3:6: a value"},
        {"\"abc", "ends within a string"},
        {"\"a\nb\"", "control character"},
        {"\"\\x\"", "unknown escape"},
        {"\"\\u12g4\"", "four hexadecimal"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\xff\"", "not UTF-8"},
        {"\xef\xbb\xbf[]", "no number"},
    };
    char log[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
        assert_int_equal(read_all(cases[i][0], strlen(cases[i][0]), log, sizeof log, &err),
                         WEFT_E_CORRUPT);
        if (strstr(err.message, cases[i][1]) == NULL)
            fail_msg("%s: \"%s\"", cases[i][0], err.message);
    }
}

/* A million levels end at the cap; the cap itself is fine. */
static void test_depth(void **state)
{
    (void)state;
    enum { DEEP = 1000000 };
    char      *text = malloc(DEEP), *log = malloc(1 << 16);
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    memset(text, '[', DEEP);
    assert_int_equal(read_all(text, DEEP, log, 1 << 16, &err), WEFT_E_LIMIT);
    memset(text + TXT_MAX_DEPTH, ']', TXT_MAX_DEPTH);
    assert_int_equal(read_all(text, TXT_MAX_DEPTH * 2, log, 1 << 16, &err), WEFT_OK);
    text[TXT_MAX_DEPTH] = '[';
    assert_int_equal(read_all(text, TXT_MAX_DEPTH * 2, log, 1 << 16, &err), WEFT_E_LIMIT);
    free(log);
    free(text);
}

/* The value of a string just over the cap never gathers. */
static void test_long_string(void **state)
{
    (void)state;
    uint64_t   n = TXT_MAX_STRING + 3;
    char      *text = malloc(n), log[64];
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    memset(text, 'a', n);
    text[0] = '"';
    text[n - 1] = '"';
    assert_int_equal(read_all(text, n, log, sizeof log, &err), WEFT_E_LIMIT);
    text[n - 2] = '"';
    assert_int_equal(read_all(text, n - 1, log, sizeof log, &err), WEFT_OK);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_and_paths),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_long_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
