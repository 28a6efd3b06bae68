/* SPDX-License-Identifier: Apache-2.0 */
/* The splitting expressions of tekken and of GPT-4o, in which a word ends before a capital letter.
 * With U for the letters that are not small, the letters without case and the marks, and L for the
 * small letters, the letters without case and the marks, the first of these alternatives that fits
 * gives the piece:
 *   1. one character that is no letter, number, CR or LF, or none; U*, L+
 *   2. likewise; U+, L*
 *   3. one number; GPT-4o: one to three
 *   4. a space or none; then characters that are no space, letter or number; then CR, LF and /
 *   5. white space as in Llama 3's expression
 * GPT-4o lets 's and its like follow 1 and 2.
 *
 * In 1, U* takes as much as it can and gives back until L+ has a character: that is the character
 * behind, where it is small, and else the last one within that has no case. What was given back is
 * capitals only, which the next piece takes by 2; so no character is looked at more than a few
 * times. Source: mistral-common (the expression in tekken.json); openai/tiktoken (o200k_base). */
#include "scan.h"

#include "steps.h"

static int category_at(const scan *s, uint64_t at, uint64_t *next)
{
    uint32_t length;
    if (at >= s->n)
        return -1;
    uint32_t cp = txt_utf8(s->text + at, s->n - at, &length);
    *next = at + length;
    return txt_category_of(cp);
}

static bool has_no_case(int category)
{
    return category == TXT_CAT_CASELESS || category == TXT_CAT_MARK;
}

/* The end of L* from `at`. */
static uint64_t small(const scan *s, uint64_t at)
{
    uint64_t next = at;
    for (int c; c = category_at(s, at, &next), c == TXT_CAT_LOWER || has_no_case(c);)
        at = next;
    return at;
}

/* The end of U* from `at`; *open becomes the end of its last character without case, or `at`. */
static uint64_t large(const scan *s, uint64_t at, uint64_t *open)
{
    uint64_t next = at;
    *open = at;
    for (int c; c = category_at(s, at, &next), c == TXT_CAT_UPPER || has_no_case(c);) {
        at = next;
        if (has_no_case(c))
            *open = at;
    }
    return at;
}

/* U* L+ from `at`: the end, or `at` where it does not fit. */
static uint64_t ends_small(const scan *s, uint64_t at)
{
    uint64_t       open;
    const uint64_t end = large(s, at, &open), last = small(s, end);
    return last != end ? last : open;
}

/* U+ L* from `at`: the end, or `at` where it does not fit. */
static uint64_t begins_large(const scan *s, uint64_t at)
{
    uint64_t       open;
    const uint64_t end = large(s, at, &open);
    return end != at ? small(s, end) : at;
}

/* Alternatives 1 and 2; before: the end of the character that may stand before the word, or `at`.
 */
static uint64_t word(const scan *s, uint64_t at, uint64_t before)
{
    uint64_t end = ends_small(s, before);
    if (end != before)
        return end;
    if (before != at && (end = ends_small(s, at)) != at)
        return end;
    if ((end = begins_large(s, before)) != before)
        return end;
    return before != at ? begins_large(s, at) : at;
}

static uint64_t others(const scan *s, uint64_t at)
{
    uint64_t end = run(s, at, TXT_OTHER, UINT64_MAX);
    if (end != at)
        while (end < s->n && (is_newline(s, end) || s->text[end] == '/'))
            end++;
    return end;
}

static uint64_t next_piece(const scan *s, uint64_t at, uint64_t numbers, bool contracts)
{
    uint64_t next = at, end;
    const int class = class_at(s, at, &next);
    bool stands = class != TXT_LETTER && class != TXT_NUMBER && !is_newline(s, at);
    if ((end = word(s, at, stands ? next : at)) != at)
        return contracts && end < s->n && s->text[end] == '\'' ? contraction(s, end) : end;
    if (class == TXT_NUMBER)
        return run(s, at, TXT_NUMBER, numbers);
    if (class == TXT_OTHER)
        return others(s, at);
    if (s->text[at] == ' ' && (end = others(s, next)) != next)
        return end;
    return white(s, at, true);
}

uint64_t txt_split_tekken(const uint8_t *text, uint64_t n, uint64_t at)
{
    const scan s = {text, n};
    return next_piece(&s, at, 1, false);
}

uint64_t txt_split_gpt4o(const uint8_t *text, uint64_t n, uint64_t at)
{
    const scan s = {text, n};
    return next_piece(&s, at, 3, true);
}
