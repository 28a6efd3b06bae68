/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: every code point is read, and what table 3-7 of the Unicode standard leaves out is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "weft/utf8.h"

/* The longer forms are written by arithmetic, apart from the table that the reader uses. */
static uint64_t put(uint32_t c, int32_t length, char *dst)
{
    static const uint32_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int32_t i = length - 1; i > 0; i--, c >>= 6)
        dst[i] = (char)(0x80 | (c & 0x3F));
    dst[0] = (char)(lead[length] | c);
    return (uint64_t)length;
}

static int32_t shortest(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char     s[4];
        int32_t  length = shortest(c);
        bool     surrogate = c >= 0xD800 && c <= 0xDFFF;
        uint32_t seen = UINT32_MAX;
        put(c, length, s);
        assert_int_equal(weft_utf8_char(s, (uint64_t)length, &seen), surrogate ? -1 : length);
        assert_int_equal(seen, surrogate ? UINT32_MAX : c);
    }
}

static void beginnings_may_be_completed(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c < 0x110000; c += c < 0x1000 ? 1 : 61) {
        char s[4];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        for (int32_t n = 1; n < shortest(c); n++) {
            put(c, shortest(c), s);
            assert_int_equal(weft_utf8_char(s, (uint64_t)n, NULL), 0);
        }
    }
    assert_int_equal(weft_utf8_char("\xED\xA0", 2, NULL),
                     -1); /* a surrogate can no longer be avoided */
}

static void longer_forms_are_refused(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x10000; c++)
        for (int32_t length = shortest(c) + 1; length <= 4; length++) {
            char s[4];
            assert_int_equal(weft_utf8_char(s, put(c, length, s), NULL), -1);
        }
}

static void what_begins_no_character(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xBF",  "\xC0\x80",  "\xC1\xBF",      "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "\xC3(", "\xE2\x82(", "\xF0\x9F\x98(",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(weft_utf8_char(bad[i], strlen(bad[i]), NULL), -1);
}

static void the_longest_prefix(void **state)
{
    (void)state;
    assert_int_equal(weft_utf8_char("a", 0, NULL), 0);
    assert_int_equal(weft_utf8_prefix("", 0), 0);
    assert_int_equal(weft_utf8_prefix("a\0b", 3), 3);
    assert_int_equal(weft_utf8_prefix("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 10);
    assert_int_equal(weft_utf8_prefix("a\xC3\xA9\xE2\x82", 5), 3);
    assert_int_equal(weft_utf8_prefix("ab\xFF"
                                      "cd",
                                      5),
                     2);
}

static void bytes_that_continue(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(weft_utf8_continues((char)c) != 0, c >= 0x80 && c <= 0xBF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),         cmocka_unit_test(beginnings_may_be_completed),
        cmocka_unit_test(longer_forms_are_refused), cmocka_unit_test(what_begins_no_character),
        cmocka_unit_test(the_longest_prefix),       cmocka_unit_test(bytes_that_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
