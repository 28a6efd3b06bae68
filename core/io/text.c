/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text that came from outside fit to be quoted in a message. */
#include "core/io/text.h"

#include <stdbool.h>
#include <string.h>

#include "weft/utf8.h"

/* Whether the character is a control character (C0, DEL or C1), which a terminal would obey. */
static bool is_control(const char *s, int32_t length)
{
    unsigned char first = (unsigned char)s[0];
    return length == 1 ? first < 0x20 || first == 0x7F
                       : first == 0xC2 && (unsigned char)s[1] < 0xA0;
}

/* Appends text[0..n) to out at `at`, as many whole characters as fit cap bytes. Returns the new
 * end. */
static size_t append(char *out, size_t at, size_t cap, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        int32_t length = weft_utf8_char(text + i, n - i, NULL);
        bool    bad = length <= 0 || is_control(text + i, length);
        size_t  take = bad ? 1 : (size_t)length;
        if (at + take > cap)
            break;
        if (bad)
            out[at] = '?';
        else
            memcpy(out + at, text + i, take);
        at += take;
        i += length <= 0 ? 1 : (size_t)length;
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
        while (weft_utf8_continues(*tail))
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
        } else if (!weft_utf8_continues(text[i])) {
            (*column)++;
        }
    }
}

bool wf_text_is_pointer(const void *bytes, uint64_t n)
{
    static const char version[] = "version https://git-lfs.github.com/spec/";
    return n >= sizeof version - 1 && memcmp(bytes, version, sizeof version - 1) == 0;
}
