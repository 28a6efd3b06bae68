/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner piece by piece, UTF-8 to the byte, and the class tables at their edges. */
#include "common.h"

#include <stdlib.h>

/* Text and its pieces, cut at '^' (which no text here holds), as the regular expression cuts them.
 */
static const char *const pieces[] = {
    "Hello^ world",
    "it^'s^ we^'ll^ WE^'VE^ I^'M^ he^'D^ don^'t",
    "'l",
    "''^s",
    "x^'\xc5\xbf^q",
    "'re^\xcc\x81", /* a combining mark is no letter */
    "123^456^7",
    "a^1^b",
    " ^1",
    "  ^ a",
    " ^\t^1",
    "\ta",
    "\xc2\xa0"
    "b",
    "!a",
    "!!^a",
    "!!\n\n^a",
    "!^ a",
    "a^\n^b",
    "a^\r\n\r\n^b",
    "a^ \n^ b",
    "a^ \n^ ^ ^1",
    "a^  ",
    "a^\n^  ",
    "a^  ^ !",
    "   \n",
    ".\n",
    " .",
    "  ^ .",
    "\xe3\x80\x80",
    "a^\xe3\x80\x80^\xe3\x80\x80"
    "b",
    "\xe6\x97\xa5\xe6\x9c\xac^3^\xe8\xaa\x9e",
    "\xe0\xa4\x95^\xe0\xa4\xbe\xe0\xa4\x95",
    "\xd9\xa1\xd9\xa2\xd9\xa3^\xd9\xa4",
    "\xf0\x9f\x99\x82ok",
    "\xff"
    "a", /* an ill-formed byte is a character like a comma */
    " \xff\xfe\n^a",
    "\xe2\x82^a",
    "\xed\xa0\x80",
    "<eot^>",
};

static void check_pieces(const char *marked)
{
    uint8_t  text[128];
    uint64_t cuts[64], n = 0, n_cuts = 0, at = 0;
    for (const char *c = marked; *c != '\0'; c++) {
        if (*c == '^')
            cuts[n_cuts++] = n;
        else
            text[n++] = (uint8_t)*c;
    }
    cuts[n_cuts++] = n;
    for (uint64_t i = 0; i < n_cuts; i++) {
        at = txt_split_next(text, n, at);
        if (at != cuts[i])
            fail_msg("\"%s\": piece %d ends at %d, not %d", marked, (int)i, (int)at, (int)cuts[i]);
    }
}

static void test_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        check_pieces(pieces[i]);
}

/* Any bytes: pieces are never empty and never pass the end. */
static void test_pieces_cover_anything(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        uint8_t  text[64];
        uint64_t n = 1 + random_next(&seed) % sizeof text, at = 0;
        for (uint64_t i = 0; i < n; i++)
            text[i] = (uint8_t)(random_next(&seed) >> (round % 3 * 8));
        while (at < n) {
            uint64_t end = txt_split_next(text, n, at);
            assert_true(end > at && end <= n);
            at = end;
        }
    }
}

typedef struct utf8_case {
    const char *bytes;
    uint32_t    cp, length;
} utf8_case;

/* Table 3-7 of the Unicode Standard at its edges. */
static const utf8_case utf8[] = {
    {"\x7f", 0x7f, 1},
    {"\x80", TXT_NONE, 1},
    {"\xc0\x80", TXT_NONE, 1},
    {"\xc1\xbf", TXT_NONE, 1},
    {"\xc2\x80", 0x80, 2},
    {"\xdf\xbf", 0x7ff, 2},
    {"\xc2", TXT_NONE, 1},
    {"\xc2\x7f", TXT_NONE, 1},
    {"\xe0\x9f\xbf", TXT_NONE, 1},
    {"\xe0\xa0\x80", 0x800, 3},
    {"\xed\x9f\xbf", 0xd7ff, 3},
    {"\xed\xa0\x80", TXT_NONE, 1},
    {"\xed\xbf\xbf", TXT_NONE, 1},
    {"\xee\x80\x80", 0xe000, 3},
    {"\xef\xbf\xbf", 0xffff, 3},
    {"\xe2\x82", TXT_NONE, 1},
    {"\xf0\x8f\xbf\xbf", TXT_NONE, 1},
    {"\xf0\x90\x80\x80", 0x10000, 4},
    {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
    {"\xf4\x90\x80\x80", TXT_NONE, 1},
    {"\xf5\x80\x80\x80", TXT_NONE, 1},
    {"\xff", TXT_NONE, 1},
};

static void test_utf8(void **state)
{
    (void)state;
    uint32_t length;
    for (size_t i = 0; i < sizeof utf8 / sizeof utf8[0]; i++) {
        const uint8_t *s = (const uint8_t *)utf8[i].bytes;
        assert_int_equal(txt_utf8(s, strlen(utf8[i].bytes), &length), utf8[i].cp);
        assert_int_equal(length, utf8[i].length);
    }
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        uint8_t bytes[4];
        if (cp == 0xd800)
            cp = 0xe000;
        uint32_t n = txt_utf8_put(cp, bytes);
        assert_int_equal(txt_utf8(bytes, n, &length), cp);
        assert_int_equal(length, n);
    }
}

typedef struct class_case {
    uint32_t cp;
    int class;
} class_case;

/* Chosen by hand from the Unicode character database: edges of runs, marks, the number kinds other
 * than digits, every kind of white space, and letters that are recent (16.0: U+1C89). */
static const class_case classes[] = {
    {'@', TXT_OTHER},     {'A', TXT_LETTER},     {'Z', TXT_LETTER},     {'[', TXT_OTHER},
    {'`', TXT_OTHER},     {'a', TXT_LETTER},     {'z', TXT_LETTER},     {'{', TXT_OTHER},
    {'/', TXT_OTHER},     {'0', TXT_NUMBER},     {'9', TXT_NUMBER},     {':', TXT_OTHER},
    {0x08, TXT_OTHER},    {0x09, TXT_SPACE},     {0x0d, TXT_SPACE},     {0x0e, TXT_OTHER},
    {0x1c, TXT_OTHER},    {0x20, TXT_SPACE},     {0x7f, TXT_OTHER},     {0x85, TXT_SPACE},
    {0xa0, TXT_SPACE},    {0xaa, TXT_LETTER},    {0xb2, TXT_NUMBER},    {0xbc, TXT_NUMBER},
    {0xd7, TXT_OTHER},    {0x301, TXT_OTHER},    {0x3c9, TXT_LETTER},   {0x663, TXT_NUMBER},
    {0x93e, TXT_OTHER},   {0x1680, TXT_SPACE},   {0x180e, TXT_OTHER},   {0x1c89, TXT_LETTER},
    {0x2000, TXT_SPACE},  {0x200a, TXT_SPACE},   {0x200b, TXT_OTHER},   {0x2028, TXT_SPACE},
    {0x2029, TXT_SPACE},  {0x202f, TXT_SPACE},   {0x205f, TXT_SPACE},   {0x2060, TXT_OTHER},
    {0x2167, TXT_NUMBER}, {0x2460, TXT_NUMBER},  {0x3000, TXT_SPACE},   {0x3007, TXT_NUMBER},
    {0x4e00, TXT_LETTER}, {0xd7a3, TXT_LETTER},  {0xe000, TXT_OTHER},   {0xfeff, TXT_OTHER},
    {0xfffd, TXT_OTHER},  {0x1f642, TXT_OTHER},  {0x20000, TXT_LETTER}, {0x323af, TXT_LETTER},
    {0x323b0, TXT_OTHER}, {0x1fbf9, TXT_NUMBER}, {0x10ffff, TXT_OTHER}, {TXT_NONE, TXT_OTHER},
};

static void test_classes(void **state)
{
    (void)state;
    uint32_t counts[4] = {0};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (txt_class(classes[i].cp) != classes[i].class)
            fail_msg("U+%04X has the wrong class", classes[i].cp);
    for (uint32_t cp = 0; cp < 0x110000; cp++)
        counts[txt_class(cp)]++;
    /* As many as tiktoken's \p{L}, \p{N} and \s match. */
    assert_int_equal(counts[TXT_LETTER], 141028);
    assert_int_equal(counts[TXT_NUMBER], 1911);
    assert_int_equal(counts[TXT_SPACE], 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pieces_cover_anything),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
