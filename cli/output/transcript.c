/* SPDX-License-Identifier: Apache-2.0 */
/* A part's way into the documents. */
#include "output/transcript.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/say.h"
#include "output/subtitles.h"

/* A line for each part; with labels PATH and a tab before it, newlines of the
 * text as spaces. */
static void put_line(cli_transcript *t, const weft_part_result *p)
{
    cli_sheet  *s = &t->sheet[CLI_TXT];
    const char *text = p->text;
    size_t      left = (size_t)p->text_bytes;
    if (t->to->labels) { /* on standard output alone */
        cli_place_path(t->place, t->source);
        cli_sheet_put(s, "\t", 1);
    }
    while (left > 0) {
        const char *newline = t->to->labels ? memchr(text, '\n', left) : NULL;
        size_t      n = newline != NULL ? (size_t)(newline - text) : left;
        cli_sheet_put(s, text, n);
        if (newline != NULL)
            cli_sheet_put(s, " ", 1);
        n += newline != NULL;
        text += n;
        left -= n;
    }
    cli_sheet_put(s, "\n", 1);
}

static void fail_memory(cli_transcript *t)
{
    cli_place_say(t->place, "out of memory: a part of a transcript");
    t->code = CLI_EXIT_MEMORY;
}

static void put_subtitles(cli_transcript *t, int format, const weft_part_result *p)
{
    cli_sheet      *s = &t->sheet[format];
    const cli_wrap *w = &t->to->wrap;
    int64_t n = format == CLI_SRT ? cli_srt_cues(s, w, t->n_cues + 1, p) : cli_vtt_cues(s, w, p);
    if (n < 0)
        fail_memory(t);
    else if (format == CLI_SRT)
        t->n_cues += n;
}

static void put_part(cli_transcript *t, int format, const weft_part_result *p)
{
    if (format == CLI_SRT || format == CLI_VTT)
        put_subtitles(t, format, p);
    else if (format == CLI_TXT && p->text_bytes > 0)
        put_line(t, p);
    else if (format == CLI_JSON && !cli_parts_json_add(&t->json, &t->sheet[format], p))
        fail_memory(t);
}

/* From the first part on, so that a file that is no recording is not read for it. */
static bool begin_journal(cli_transcript *t)
{
    errno = 0; /* not that of an earlier call: the head may fail for want of memory */
    json_t *head = cli_journal_head(t->to->identity, t->source);
    int     why = errno != 0 ? errno : ENOMEM;
    if (head == NULL) {
        t->journal.error = why;
        return false;
    }
    bool ok = cli_journal_begin(&t->journal, t->journal_path, head);
    json_decref(head);
    return ok;
}

static void forget_journal(cli_transcript *t)
{
    free(t->journal_path);
    t->journal_path = NULL;
}

/* Without a journal a run that is ended leaves a part of a document that nothing tells from a whole
 * one; an empty one tells, and goes with the end of the run. Who asks for --resume relies on it;
 * else a document is none the worse. */
static bool fail_begin(cli_transcript *t)
{
    const char *why = strerror(t->journal.error);
    if (t->to->resume) {
        cli_place_say(t->place, "%.600s: cannot be written: %s; without it --resume cannot go on",
                      t->journal_path, why);
        t->code = CLI_EXIT_UNEXPECTED;
        (void)cli_transcript_close(t, false, 0);
        return false;
    }
    cli_place_warn(t->place, "%.600s: cannot be written: %s; should this run be ended, --resume %s",
                   t->journal_path, why,
                   t->journal.file != NULL ? "will begin anew"
                                           : "will take what it leaves for the whole");
    forget_journal(t);
    return true;
}

/* False: the recording has failed, which was said. */
static bool note_part(cli_transcript *t, const weft_part_result *part)
{
    if (t->journal_path == NULL)
        return true;
    if (t->journal.file == NULL && !begin_journal(t))
        return fail_begin(t);
    if (part->silent != 0 || cli_journal_add(&t->journal, part))
        return true;
    cli_place_warn(t->place,
                   "%.600s: cannot be written: %s; should this run be ended, --resume will go on "
                   "before this part",
                   t->journal_path, strerror(t->journal.error));
    forget_journal(t);
    return true;
}

bool cli_transcript_add(cli_transcript *t, const weft_part_result *part)
{
    if (!t->open && !cli_transcript_open(t))
        return false;
    return note_part(t, part) && cli_transcript_put(t, part);
}

bool cli_transcript_put(cli_transcript *t, const weft_part_result *part)
{
    if (part->end_us > t->end_us)
        t->end_us = part->end_us;
    if (part->silent != 0)
        return true;
    t->n_words += part->text_bytes > 0;
    t->n_cut += part->stopped == 0;
    bool ok = true;
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        if (t->to->wanted[f]) {
            put_part(t, f, part);
            ok = cli_sheet_flush(&t->sheet[f]) && ok;
        }
    return ok && t->code == CLI_EXIT_OK;
}

int32_t cli_transcript_close(cli_transcript *t, bool keep, int64_t duration_us)
{
    int64_t end_us = t->end_us > 0 ? t->end_us : duration_us;
    if (keep && !t->open && t->code == CLI_EXIT_OK)
        (void)cli_transcript_open(t);
    for (int f = 0; t->open && f < CLI_FORMAT_COUNT; f++) {
        if (!t->to->wanted[f])
            continue;
        bool whole = f != CLI_JSON || cli_parts_json_end(&t->json, &t->sheet[f], end_us);
        if (!whole)
            t->code = CLI_EXIT_MEMORY;
        t->code = cli_worse(t->code, cli_sheet_close(&t->sheet[f], keep && whole));
    }
    cli_parts_json_deinit(&t->json);
    cli_journal_close(&t->journal, !t->whole || t->code != CLI_EXIT_OK);
    forget_journal(t);
    t->open = false;
    return t->code;
}
