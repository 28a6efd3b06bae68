/* SPDX-License-Identifier: Apache-2.0 */
/* A part's way into the documents. */
#include "output/transcript.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exit.h"
#include "output/say.h"
#include "output/subtitles.h"
#include "output/target.h"

static const char *const endings[CLI_FORMAT_COUNT] = {"txt", "srt", "vtt", "json"};

bool cli_outputs_parse(cli_outputs *o, const char *list)
{
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        int    f = 0;
        while (f < CLI_FORMAT_COUNT && (strlen(endings[f]) != n || strncmp(endings[f], p, n) != 0))
            f++;
        if (f == CLI_FORMAT_COUNT)
            return false;
        o->wanted[f] = true;
        p += n;
        if (*p == '\0')
            return true;
    }
}

/* Without --format the name of the file to write may say it. */
static void guess_format(cli_outputs *o)
{
    const char *dot = o->path != NULL ? strrchr(o->path, '.') : NULL;
    for (int f = 0; dot != NULL && f < CLI_FORMAT_COUNT; f++)
        if (strcmp(dot + 1, endings[f]) == 0) {
            o->wanted[f] = true;
            return;
        }
    o->wanted[CLI_TXT] = true;
}

static int32_t make_folder(const char *path)
{
    if (cli_is_folder(path) || mkdir(path, 0777) == 0)
        return CLI_EXIT_OK;
    cli_say("-o %.600s: %s", path,
            errno == EEXIST ? "is no folder, and there is more than one file to write"
                            : strerror(errno));
    return errno == EEXIST ? CLI_EXIT_USAGE : CLI_EXIT_UNEXPECTED;
}

/* Standard output holds one document; several recordings only as lines of txt.
 */
static int32_t check_stdout(cli_outputs *o, const cli *c, int n_formats, bool many)
{
    if (n_formats > 1)
        return cli_usage(c, "several formats need -o DIR to be written to");
    if (many && !o->wanted[CLI_TXT])
        return cli_usage(c, "several recordings need -o DIR to be written to");
    o->labels = many;
    return CLI_EXIT_OK;
}

/* A name such as x.srt is a document's, not a folder's. */
static int32_t check_folder(const cli_outputs *o, const cli *c)
{
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        if (!cli_is_folder(o->path) && cli_has_ending(o->path, endings[f]))
            return cli_usage(c,
                             "-o %.600s is one document, and there are several to write: name a "
                             "folder, or end its name with /",
                             o->path);
    return make_folder(o->path);
}

static int32_t read_formats(cli_outputs *o, const cli *c)
{
    const char *formats = c->value[OWN_FORMAT];
    if (formats == NULL)
        guess_format(o);
    else if (!cli_outputs_parse(o, formats))
        return cli_usage(c, "--format %.100s: give txt, srt, vtt and json, with commas between",
                         formats);
    return CLI_EXIT_OK;
}

int32_t cli_outputs_init(cli_outputs *o, const cli *c, bool many)
{
    int     n = 0;
    int32_t code = cli_check_target(c, OWN_OUTPUT);
    o->path = c->value[OWN_OUTPUT];
    if (code == CLI_EXIT_OK)
        code = read_formats(o, c);
    if (code != CLI_EXIT_OK)
        return code;
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        n += o->wanted[f];
    if (o->path != NULL && cli_is_stdout(o->path))
        o->path = NULL;
    if (o->path == NULL)
        return check_stdout(o, c, n, many);
    o->folder = many || n > 1 || o->path[strlen(o->path) - 1] == '/' || cli_is_folder(o->path);
    return o->folder ? check_folder(o, c) : CLI_EXIT_OK;
}

void cli_outputs_deinit(cli_outputs *o)
{
    cli_names_deinit(&o->names);
}

void cli_transcript_init(cli_transcript *t, cli_outputs *to, const char *source, cli_place *place)
{
    memset(t, 0, sizeof *t);
    t->to = to;
    t->place = place;
    t->source = source;
}

static void begin(cli_transcript *t, int format)
{
    cli_sheet *s = &t->sheet[format];
    if (format == CLI_VTT)
        cli_vtt_begin(s);
    else if (format == CLI_JSON)
        cli_parts_json_begin(s, t->to->task, t->to->language);
}

/* In a folder a document that came there after this run began is another run's. */
static enum cli_opened open_target(cli_transcript *t, int format, const char *target)
{
    if (target != NULL && cli_is_same_file(target, t->source)) {
        cli_place_say(t->place, "%.600s: is the recording itself; give -o another name", target);
        t->code = CLI_EXIT_USAGE;
        return CLI_OPEN_FAILED;
    }
    enum cli_opened how = cli_sheet_open(&t->sheet[format], target, t->place);
    if (how == CLI_OPENED && t->to->folder && cli_is_newer_than_us(target)) {
        (void)cli_sheet_close(&t->sheet[format], false);
        return CLI_OPEN_BUSY;
    }
    if (how == CLI_OPENED)
        begin(t, format);
    else if (how == CLI_OPEN_FAILED)
        t->code = CLI_EXIT_UNEXPECTED;
    return how;
}

static enum cli_opened open_sheet(cli_transcript *t, int format, const char *name)
{
    char *path = NULL;
    if (t->to->folder && asprintf(&path, "%s/%s.%s", t->to->path, name, endings[format]) < 0) {
        cli_place_say(t->place, "out of memory: the name of a transcript");
        t->code = CLI_EXIT_MEMORY;
        return CLI_OPEN_FAILED;
    }
    enum cli_opened how = open_target(t, format, path != NULL ? path : t->to->path);
    free(path);
    return how;
}

static enum cli_opened open_as(cli_transcript *t, const char *name)
{
    enum cli_opened how = CLI_OPENED;
    int             f = 0;
    for (; how == CLI_OPENED && f < CLI_FORMAT_COUNT; f++)
        if (t->to->wanted[f])
            how = open_sheet(t, f, name);
    for (f--; how != CLI_OPENED && --f >= 0;)
        if (t->to->wanted[f])
            (void)cli_sheet_close(&t->sheet[f], false);
    return how;
}

/* Under the first name that no other run is using. */
static bool open_all(cli_transcript *t)
{
    enum cli_opened how = CLI_OPEN_BUSY;
    while (how == CLI_OPEN_BUSY) {
        const char *name = t->to->folder ? cli_names_for(&t->to->names, t->source) : "";
        if (name == NULL) {
            cli_place_say(t->place, "%.600s: no name was found for its transcript", t->source);
            t->code = CLI_EXIT_MEMORY;
            return false;
        }
        how = open_as(t, name);
        if (how != CLI_OPEN_BUSY || t->to->folder)
            continue;
        cli_place_say(t->place, "%.600s: another process is writing it", t->to->path);
        t->code = CLI_EXIT_UNEXPECTED;
        return false;
    }
    t->open = how == CLI_OPENED;
    return t->open;
}

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

bool cli_transcript_add(cli_transcript *t, const weft_part_result *part)
{
    if (!t->open && !open_all(t))
        return false;
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
        (void)open_all(t);
    for (int f = 0; t->open && f < CLI_FORMAT_COUNT; f++) {
        if (!t->to->wanted[f])
            continue;
        bool whole = f != CLI_JSON || cli_parts_json_end(&t->json, &t->sheet[f], end_us);
        if (!whole)
            t->code = CLI_EXIT_MEMORY;
        t->code = cli_worse(t->code, cli_sheet_close(&t->sheet[f], keep && whole));
    }
    cli_parts_json_deinit(&t->json);
    t->open = false;
    return t->code;
}
