/* SPDX-License-Identifier: Apache-2.0 */
/* Writes subtitles as SubRip (.srt) and WebVTT (.vtt). Each part of a recording that has words
 * becomes a cue, or several where its lines are too many for one; these share the time of the
 * part's speech by their characters and none reaches beyond it. */
#ifndef WEFT_CLI_SUBTITLES_H
#define WEFT_CLI_SUBTITLES_H

#include "output/sheet.h"
#include "output/wrap.h"

/* When the text of a part is shown: while it is spoken, and at least for the five sixths of a
 * second that reading takes, but not beyond the part, behind which the next one may begin. */
void cli_part_times(const weft_part_result *part, int64_t *start_us, int64_t *end_us);
/* Writes the head of a WebVTT file: "WEBVTT" and an empty line. */
void cli_vtt_begin(cli_sheet *s);
/* Writes the cues of a part; number, from 1, is that of the first. The text is written so that a
 * player shows it as it is: white space and control characters become single spaces or ends of
 * lines, and bytes that are not UTF-8 become U+FFFD. SRT has no escapes, so "-->" becomes an arrow,
 * U+2192, in it; in VTT &, < and > are written as &amp;, &lt; and &gt;. Returns the number of cues
 * written, 0 where the part has no character to show; -1: out of memory. */
int64_t cli_srt_cues(cli_sheet *s, const cli_wrap *w, int64_t number, const weft_part_result *part);
int64_t cli_vtt_cues(cli_sheet *s, const cli_wrap *w, const weft_part_result *part);

#endif
