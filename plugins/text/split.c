/* SPDX-License-Identifier: Apache-2.0 */
/* The splitting expressions that are written as functions, and that of Llama 3 and Qwen2, which
 * differ in how many numbers make a piece. It is a scanner that looks at each character at most
 * twice. At each position the first of these alternatives that fits gives the piece:
 *   1. 's 't 'm 'd 're 've 'll in either case (and the long s, which folds to s)
 *   2. one character that is no letter, number, CR or LF, or none; then letters
 *   3. one to three numbers; Qwen2: one
 *   4. a space or none; then characters that are no space, letter or number; then CRs and LFs
 *   5. of a run of white space: up to its last CR or LF
 *   6. else all of it at the end of the text; before more text all but its last character
 *   7. else that one character
 * Source: meta-llama/llama3 llama/tokenizer.py (the expression); tiktoken's regular expressions. */
#include "scan.h"

#include "steps.h"

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define BLANKS "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORDS CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define OTHERS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define GPT2_END "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(end)                                                                                 \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" end "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER     \
    "*" end
#define SLASHED "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"

const char txt_split_regex[] = WORDS "\\p{N}{1,3}" OTHERS BLANKS;

txt_cut txt_cut_find(const uint8_t *regex, uint64_t n)
{
    static const struct {
        const char *regex;
        txt_cut     cut;
    } known[] = {
        {txt_split_regex, txt_split_next},
        {WORDS "\\p{N}" OTHERS BLANKS, txt_split_digits},
        {"'s|'t|'re|'ve|'m|'ll|'d" GPT2_END, txt_split_gpt2},
        {"'(?:[sdmt]|ll|ve|re)" GPT2_END, txt_split_gpt2},
        {CASED("") "|\\p{N}" SLASHED BLANKS, txt_split_tekken},
        {CASED(CONTRACTIONS "?") "|\\p{N}{1,3}" SLASHED BLANKS, txt_split_gpt4o},
    };
    for (uint32_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n == strlen(known[i].regex) && memcmp(regex, known[i].regex, n) == 0)
            return known[i].cut;
    return NULL;
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

static uint64_t next_piece(const uint8_t *text, uint64_t n, uint64_t at, uint64_t numbers)
{
    scan     s = {text, n};
    uint64_t next = at, end;
    int class = class_at(&s, at, &next);
    if (text[at] == '\'' && (end = contraction(&s, at)) != at)
        return end;
    if (class == TXT_LETTER)
        return run(&s, at, TXT_LETTER, UINT64_MAX);
    if (class == TXT_NUMBER)
        return run(&s, at, TXT_NUMBER, numbers);
    if (!is_newline(&s, at) && (end = run(&s, next, TXT_LETTER, UINT64_MAX)) != next)
        return end;
    if (class == TXT_OTHER)
        return others(&s, at);
    if (text[at] == ' ' && (end = others(&s, next)) != next)
        return end;
    return white(&s, at, true);
}

uint64_t txt_split_next(const uint8_t *text, uint64_t n, uint64_t at)
{
    return next_piece(text, n, at, 3);
}

uint64_t txt_split_digits(const uint8_t *text, uint64_t n, uint64_t at)
{
    return next_piece(text, n, at, 1);
}
