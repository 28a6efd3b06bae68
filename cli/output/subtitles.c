/* SPDX-License-Identifier: Apache-2.0 */
/* SRT as players read it; WebVTT: W3C Candidate Recommendation of April 2019,
 * section 4.1. */
#include "output/subtitles.h"

#include <stdlib.h>
#include <string.h>

#include "weft/utf8.h"

/* Five sixths of a second: the shortest subtitle of Netflix's Timed Text Style Guide. */
#define READABLE_US 833333
#define ARROW "\xE2\x86\x92" /* U+2192 */

/* 01:02:03,004; more than 99 hours take more digits. Milliseconds are cut,
 * never rounded: a cue may not begin after the next one does. */
static void put_time(cli_sheet *s, int64_t us, char point)
{
    long long ms = us > 0 ? (long long)us / 1000 : 0;
    cli_sheet_putf(s, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                   point, ms % 1000);
}

static void put_times(cli_sheet *s, int64_t start_us, int64_t end_us, char point)
{
    put_time(s, start_us, point);
    cli_sheet_put(s, " --> ", 5);
    put_time(s, end_us, point);
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

/* Clean text: what it stands for in the format. */
static void put_line(cli_sheet *s, bool vtt, const char *text, size_t n)
{
    for (size_t at = 0; at < n; at++) {
        const char *name = escaped(vtt, text[at]);
        if (!vtt && n - at >= 3 && memcmp(text + at, "-->", 3) == 0) {
            cli_sheet_put(s, ARROW, strlen(ARROW));
            at += 2;
        } else {
            cli_sheet_put(s, name != NULL ? name : text + at, name != NULL ? strlen(name) : 1);
        }
    }
    cli_sheet_put(s, "\n", 1);
}

/* White space as single spaces, none at the ends; what is no UTF-8 as U+FFFD. to: three bytes for
 * each of n. Returns the bytes written. */
static size_t clean(char *to, const char *text, size_t n)
{
    size_t made = 0;
    bool   gap = false;
    for (size_t at = 0; at < n;) {
        uint32_t c = 0;
        int32_t  len = weft_utf8_char(text + at, n - at, &c);
        size_t   kept = len > 0 ? (size_t)len : strlen(WEFT_UTF8_REPLACEMENT);
        if (len > 0 && is_space(c)) {
            gap = made > 0;
        } else {
            if (gap)
                to[made++] = ' ';
            memcpy(to + made, len > 0 ? text + at : WEFT_UTF8_REPLACEMENT, kept);
            made += kept;
            gap = false;
        }
        at += len > 0 ? (size_t)len : 1;
    }
    return made;
}

void cli_part_times(const weft_part_result *p, int64_t *start_us, int64_t *end_us)
{
    int64_t readable = p->speech_start_us + READABLE_US;
    *start_us = p->speech_start_us;
    *end_us = p->speech_end_us > readable ? p->speech_end_us
              : p->end_us > readable      ? readable
                                          : p->end_us;
}

/* A cue's share of the speech's time goes by its characters. */
static int64_t time_at(const weft_part_result *p, int64_t chars, int64_t all)
{
    int64_t start, end;
    cli_part_times(p, &start, &end);
    return start + (int64_t)((double)(end - start) * (double)chars / (double)all);
}

static void put_cue(cli_sheet *s, bool vtt, const cli_wrap *w, const char *text, const cli_cue *cue)
{
    size_t end;
    for (size_t at = cue->begin; at < cue->end;) {
        size_t next = cli_wrap_line(w, text, cue->end, at, &end);
        put_line(s, vtt, text + at, end - at);
        at = next;
    }
    cli_sheet_put(s, "\n", 1);
}

/* The cues of clean text; number 0: they are not counted. Returns how many. */
static int64_t put_cues(cli_sheet *s, const cli_wrap *w, int64_t number, const weft_part_result *p,
                        const char *text, size_t n)
{
    const bool vtt = number == 0;
    cli_cue    cue = {0, 0, 0, 0};
    int64_t    all = 0, made = 0;
    while (cli_wrap_next(w, text, n, &cue))
        all += cue.chars;
    for (cue = (cli_cue){0, 0, 0, 0}; cli_wrap_next(w, text, n, &cue); made++) {
        int64_t begin = time_at(p, cue.chars_before, all);
        int64_t end = time_at(p, cue.chars_before + cue.chars, all);
        if (!vtt)
            cli_sheet_putf(s, "%lld\n", (long long)(number + made));
        put_times(s, begin, end, vtt ? '.' : ',');
        put_cue(s, vtt, w, text, &cue);
    }
    return made;
}

static int64_t add_part(cli_sheet *s, const cli_wrap *w, int64_t number, const weft_part_result *p)
{
    size_t n = p->silent != 0 ? 0 : (size_t)p->text_bytes;
    char  *text = n > 0 ? malloc(3 * n) : NULL;
    if (n == 0)
        return 0;
    if (text == NULL)
        return -1;
    int64_t made = put_cues(s, w, number, p, text, clean(text, p->text, n));
    free(text);
    return made;
}

void cli_vtt_begin(cli_sheet *s)
{
    cli_sheet_put(s, "WEBVTT\n\n", 8);
}

int64_t cli_srt_cues(cli_sheet *s, const cli_wrap *w, int64_t number, const weft_part_result *part)
{
    return add_part(s, w, number, part);
}

int64_t cli_vtt_cues(cli_sheet *s, const cli_wrap *w, const weft_part_result *part)
{
    return add_part(s, w, 0, part);
}
