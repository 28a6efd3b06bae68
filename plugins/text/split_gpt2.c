/* SPDX-License-Identifier: Apache-2.0 */
/* GPT-2's splitting expression, which ByteLevel has built in. At each position the first of these
 * alternatives that fits gives the piece:
 *   1. 's 't 'm 'd 're 've 'll, in lower case only
 *   2. a space or none; then letters, or numbers, or characters that are none of these and no space
 *   3. of a run of white space: all of it at the end of the text; before more text all but its last
 *      character
 *   4. else that one character
 * Source: openai/gpt-2 src/encoder.py; huggingface/tokenizers pre_tokenizers/byte_level.rs. */
#include "scan.h"

#include "steps.h"

static uint64_t ending(const scan *s, uint64_t at)
{
    static const char *const endings[] = {"s", "t", "m", "d", "re", "ve", "ll"};
    for (uint32_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        uint64_t n = strlen(endings[i]);
        if (s->n - at - 1 >= n && memcmp(s->text + at + 1, endings[i], n) == 0)
            return at + 1 + n;
    }
    return at;
}

uint64_t txt_split_gpt2(const uint8_t *text, uint64_t n, uint64_t at)
{
    const scan s = {text, n};
    uint64_t   end, next = at + 1, ignored;
    if (text[at] == '\'' && (end = ending(&s, at)) != at)
        return end;
    uint64_t begin = text[at] == ' ' ? next : at;
    const int class = class_at(&s, begin, &ignored);
    if (class == TXT_LETTER || class == TXT_NUMBER || class == TXT_OTHER)
        return run(&s, begin, class, UINT64_MAX);
    return white(&s, at, false);
}
