/* SPDX-License-Identifier: Apache-2.0 */
/* Writes subtitles as SubRip (.srt) and WebVTT (.vtt). Each part of a recording that has words
 * becomes one cue. */
#ifndef WEFT_CLI_SUBTITLES_H
#define WEFT_CLI_SUBTITLES_H

#include "output/sheet.h"

/* Writes the head of a WebVTT file: "WEBVTT" and an empty line. */
void cli_vtt_begin(cli_sheet *s);
/* Writes a cue; number counts from 1. The text is written so that a player shows it as it is, on
 * one line: white space and control characters become single spaces, and bytes that are not UTF-8
 * become U+FFFD. SRT has no escapes, so "-->" becomes an arrow, U+2192, in it; in VTT &, < and >
 * are written as &amp;, &lt; and &gt;. Returns false, and writes no cue, where the part has no
 * character to show. */
bool cli_srt_cue(cli_sheet *s, int64_t number, const weft_part_result *part);
bool cli_vtt_cue(cli_sheet *s, const weft_part_result *part);

#endif
