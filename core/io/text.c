/* SPDX-License-Identifier: Apache-2.0 */
/* Text that came from outside: checked as UTF-8, and made fit to be quoted in a message. The table
 * of well-formed sequences is table 3-7 of the Unicode standard. */
#include "core/io/text.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the well-formed sequence at s, of which n >= 1 may be read; 0: none begins there. */
static uint64_t sequence(const unsigned char *s, uint64_t n)
{
    unsigned char low = 0x80, high = 0xBF;
    uint64_t      length = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (length == 1)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < length)
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (s[1] < low || s[1] > high)
        return 0;
    for (uint64_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return length;
}

uint64_t wf_utf8_prefix(const char *s, uint64_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    uint64_t             i = 0;
    while (i < n) {
        uint64_t step = sequence(u + i, n - i);
        if (step == 0)
            break;
        i += step;
    }
    return i;
}

/* C0, DEL and C1 are commands to a terminal. */
static bool is_control(const unsigned char *s, uint64_t length)
{
    return length == 1 ? s[0] < 0x20 || s[0] == 0x7F : s[0] == 0xC2 && s[1] < 0xA0;
}

/* Appends text[0..n) to out in whole characters while they end within cap; returns the new end. */
static size_t append(char *out, size_t at, size_t cap, const char *text, size_t n)
{
    const unsigned char *u = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        uint64_t step = sequence(u + i, n - i);
        bool     bad = step == 0 || is_control(u + i, step);
        size_t   take = bad ? 1 : (size_t)step;
        if (at + take > cap)
            break;
        if (bad)
            out[at] = '?';
        else
            memcpy(out + at, text + i, take);
        at += take;
        i += step == 0 ? 1 : (size_t)step;
    }
    return at;
}

wf_quoted wf_quote(const char *text)
{
    const size_t cap = WF_QUOTED_BYTES - 1, half = (cap - 3) / 2;
    wf_quoted    q;
    size_t       n = strlen(text), end;
    if (n <= cap) {
        end = append(q.s, 0, cap, text, n);
    } else {
        const char *tail = text + n - half;
        while (((unsigned char)*tail & 0xC0) == 0x80)
            tail++;
        end = append(q.s, 0, half, text, n);
        memcpy(q.s + end, "...", 3);
        end = append(q.s, end + 3, cap, tail, (size_t)(text + n - tail));
    }
    q.s[end] = '\0';
    return q;
}

void wf_text_place(const char *text, uint64_t offset, int32_t *line, int32_t *column)
{
    *line = 1;
    *column = 1;
    for (uint64_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            (*column)++;
        }
    }
}
