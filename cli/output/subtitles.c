/* SPDX-License-Identifier: Apache-2.0 */
/* SRT as players read it; WebVTT: W3C Candidate Recommendation of April 2019,
 * section 4.1. */
#include "output/subtitles.h"

#include <string.h>

#include "weft/utf8.h"

#define ARROW "\xE2\x86\x92" /* U+2192 */

/* 01:02:03,004; more than 99 hours take more digits. Milliseconds are cut,
 * never rounded: a cue may not begin after the next one does. */
static void put_time(cli_sheet *s, int64_t us, char point)
{
    long long ms = us > 0 ? (long long)us / 1000 : 0;
    cli_sheet_putf(s, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                   point, ms % 1000);
}

static void put_times(cli_sheet *s, const weft_part_result *p, char point)
{
    put_time(s, p->start_us, point);
    cli_sheet_put(s, " --> ", 5);
    put_time(s, p->end_us, point);
    cli_sheet_put(s, "\n", 1);
}

/* C0, DEL, C1, the line and paragraph separators, and blanks. */
static bool is_space(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029;
}

static const char *escaped(bool vtt, char c)
{
    if (!vtt)
        return NULL;
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
}

/* The character at *at, written; *at moves past it. */
static void put_char(cli_sheet *s, bool vtt, const char *text, size_t n, size_t *at, int32_t len)
{
    const char *p = text + *at, *name = escaped(vtt, *p);
    if (len <= 0) {
        cli_sheet_put(s, WEFT_UTF8_REPLACEMENT, strlen(WEFT_UTF8_REPLACEMENT));
        *at += 1;
    } else if (!vtt && n - *at >= 3 && memcmp(p, "-->", 3) == 0) {
        cli_sheet_put(s, ARROW, strlen(ARROW));
        *at += 3;
    } else {
        cli_sheet_put(s, name != NULL ? name : p, name != NULL ? strlen(name) : (size_t)len);
        *at += (size_t)len;
    }
}

/* White space is held back until a character follows: none leads, none trails.
 */
static void put_text(cli_sheet *s, bool vtt, const char *text, size_t n)
{
    bool begun = false, gap = false;
    for (size_t at = 0; at < n;) {
        uint32_t c = 0;
        int32_t  len = weft_utf8_char(text + at, n - at, &c);
        if (len > 0 && is_space(c)) {
            gap = begun;
            at += (size_t)len;
            continue;
        }
        if (gap)
            cli_sheet_put(s, " ", 1);
        put_char(s, vtt, text, n, &at, len);
        begun = true;
        gap = false;
    }
    cli_sheet_put(s, "\n\n", 2);
}

static bool has_text(const weft_part_result *p)
{
    size_t n = p->silent != 0 ? 0 : (size_t)p->text_bytes;
    for (size_t at = 0; at < n;) {
        uint32_t c = 0;
        int32_t  len = weft_utf8_char(p->text + at, n - at, &c);
        if (len <= 0 || !is_space(c))
            return true;
        at += (size_t)len;
    }
    return false;
}

void cli_vtt_begin(cli_sheet *s)
{
    cli_sheet_put(s, "WEBVTT\n\n", 8);
}

bool cli_srt_cue(cli_sheet *s, int64_t number, const weft_part_result *part)
{
    if (!has_text(part))
        return false;
    cli_sheet_putf(s, "%lld\n", (long long)number);
    put_times(s, part, ',');
    put_text(s, false, part->text, (size_t)part->text_bytes);
    return true;
}

bool cli_vtt_cue(cli_sheet *s, const weft_part_result *part)
{
    if (!has_text(part))
        return false;
    put_times(s, part, '.');
    put_text(s, true, part->text, (size_t)part->text_bytes);
    return true;
}
