/* SPDX-License-Identifier: Apache-2.0 */
/* SubRip (.srt) and WebVTT (.vtt): a cue for each part of a recording that has
 * words. */
#ifndef WEFT_CLI_SUBTITLES_H
#define WEFT_CLI_SUBTITLES_H

#include "output/sheet.h"

/* "WEBVTT" and an empty line. */
void cli_vtt_begin(cli_sheet *s);
/* A cue; number counts from 1. Text in the form that its parser gives back: one
 * line, white space and control characters as single spaces, bytes that are not
 * UTF-8 as U+FFFD. In SRT, which knows no escapes, "-->" becomes an arrow,
 * U+2192; in VTT &, < and > are written as their names. A part without a
 * character to show gives no cue and false. */
bool cli_srt_cue(cli_sheet *s, int64_t number, const weft_part_result *part);
bool cli_vtt_cue(cli_sheet *s, const weft_part_result *part);

#endif
