/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts text into the pieces that are merged by themselves. This is the regular expression of Llama
 * 3, written as a scanner that looks at each character at most twice. At each position the first of
 * these alternatives that fits gives the piece:
 *   1. 's 't 'm 'd 're 've 'll in either case (and the long s, which folds to s)
 *   2. one character that is no letter, number, CR or LF, or none; then letters
 *   3. one to three numbers
 *   4. a space or none; then characters that are no space, letter or number; then CRs and LFs
 *   5. of a run of white space: up to its last CR or LF
 *   6. else all of it at the end of the text; before more text all but its last character
 *   7. else that one character
 * A byte that is not UTF-8 counts as a character of its own that is neither letter, number nor
 * space, so any bytes come back from decoding as they were.
 * Source: meta-llama/llama3 llama/tokenizer.py (the expression); tiktoken's regular expressions. */
#include "text.h"

const char txt_split_regex[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{"
                               "1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                               "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

typedef struct scan {
    const uint8_t *text;
    uint64_t       n;
} scan;

/* The class of the character at `at` (-1 at the end of the text). *next becomes the place where the
 * next character begins. */
static int class_at(const scan *s, uint64_t at, uint64_t *next)
{
    uint32_t length;
    if (at >= s->n)
        return -1;
    uint32_t cp = txt_utf8(s->text + at, s->n - at, &length);
    *next = at + length;
    return txt_class(cp);
}

static bool is_newline(const scan *s, uint64_t at)
{
    return at < s->n && (s->text[at] == '\r' || s->text[at] == '\n');
}

/* The end of the longest run of characters of one class from `at`, of at most `most` characters. */
static uint64_t run(const scan *s, uint64_t at, int class, uint64_t most)
{
    uint64_t next = at;
    while (most-- > 0 && class_at(s, at, &next) == class)
        at = next;
    return at;
}

/* Alternative 1, at an apostrophe: returns the end of the piece, or `at` where it does not fit. (`|
 * 0x20` makes ASCII letters lower case and turns no other byte into a letter.) */
static uint64_t contraction(const scan *s, uint64_t at)
{
    static const char long_s[] = "\xc5\xbf";
    if (s->n - at < 2)
        return at;
    uint8_t a = s->text[at + 1] | 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return at + 2;
    if (s->n - at < 3)
        return at;
    if (memcmp(s->text + at + 1, long_s, 2) == 0)
        return at + 3;
    uint8_t b = s->text[at + 2] | 0x20;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? at + 3 : at;
}

/* Alternative 4 from `at`, which is past the optional space: returns the end of the piece, or `at`
 * where it does not fit. */
static uint64_t others(const scan *s, uint64_t at)
{
    uint64_t end = run(s, at, TXT_OTHER, UINT64_MAX);
    if (end != at)
        while (is_newline(s, end))
            end++;
    return end;
}

/* Alternatives 5 to 7, at white space: returns the end of the piece. */
static uint64_t white(const scan *s, uint64_t at)
{
    uint64_t end = at, last = at, after_newline = at, next = at;
    while (class_at(s, end, &next) == TXT_SPACE) {
        if (is_newline(s, end))
            after_newline = next;
        last = end;
        end = next;
    }
    if (after_newline != at)
        return after_newline;
    return end == s->n || last == at ? end : last;
}

uint64_t txt_split_next(const uint8_t *text, uint64_t n, uint64_t at)
{
    scan     s = {text, n};
    uint64_t next = at, end;
    int class = class_at(&s, at, &next);
    if (text[at] == '\'' && (end = contraction(&s, at)) != at)
        return end;
    if (class == TXT_LETTER)
        return run(&s, at, TXT_LETTER, UINT64_MAX);
    if (class == TXT_NUMBER)
        return run(&s, at, TXT_NUMBER, 3);
    if (!is_newline(&s, at) && (end = run(&s, next, TXT_LETTER, UINT64_MAX)) != next)
        return end;
    if (class == TXT_OTHER)
        return others(&s, at);
    if (text[at] == ' ' && (end = others(&s, next)) != next)
        return end;
    return white(&s, at);
}
