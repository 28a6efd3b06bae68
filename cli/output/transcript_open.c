/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a recording get their names, anew or where an earlier run was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "output/say.h"
#include "output/subtitles.h"
#include "output/target.h"
#include "output/transcript.h"

void cli_transcript_init(cli_transcript *t, cli_outputs *to, const char *source, cli_place *place)
{
    memset(t, 0, sizeof *t);
    t->to = to;
    t->place = place;
    t->source = source;
}

static char *document_path(const cli_outputs *o, int format, const char *name)
{
    char *path = NULL;
    if (!o->folder)
        return strdup(o->path);
    int n = asprintf(&path, "%s%s%s.%s", o->path, cli_folder_slash(o->path), name,
                     cli_format_endings[format]);
    return n < 0 ? NULL : path;
}

static void say_memory(cli_transcript *t)
{
    cli_place_say(t->place, "out of memory: the name of a transcript");
    t->code = CLI_EXIT_MEMORY;
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
    char *path = t->to->path != NULL ? document_path(t->to, format, name) : NULL;
    if (t->to->path != NULL && path == NULL) {
        say_memory(t);
        return CLI_OPEN_FAILED;
    }
    enum cli_opened how = open_target(t, format, path);
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
    t->open = how == CLI_OPENED;
    return how;
}

/* Beside a regular file, or one that will be, of a recording that can be read again; else NULL. */
static char *journal_path(const cli_transcript *t, const char *name)
{
    const cli_outputs *o = t->to;
    struct stat        st;
    if (o->path == NULL || o->identity == NULL || stat(t->source, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    if (!o->folder && cli_is_stream(o->path))
        return NULL;
    return cli_journal_path(o->folder ? o->path : NULL, o->folder ? name : o->path);
}

bool cli_transcript_open(cli_transcript *t)
{
    enum cli_opened how = CLI_OPEN_BUSY;
    const char     *name = "";
    while (how == CLI_OPEN_BUSY) {
        name = t->to->folder ? cli_names_for(&t->to->names, t->source) : "";
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
    if (t->open)
        t->journal_path = journal_path(t, name);
    return t->open;
}

/* ---- going on with what an earlier run left ---- */

static bool all_there(const cli_transcript *t, const char *name)
{
    bool there = true;
    for (int f = 0; there && f < CLI_FORMAT_COUNT; f++) {
        char *path = t->to->wanted[f] ? document_path(t->to, f, name) : NULL;
        there = !t->to->wanted[f] || (path != NULL && access(path, F_OK) == 0);
        free(path);
    }
    return there;
}

/* In a folder another recording of the same name without its ending may have begun it. */
static bool is_of_another(const cli_transcript *t, const json_t *head)
{
    const char   *slash = strrchr(t->source, '/');
    const json_t *of = json_object_get(head, "recording");
    const char   *name = json_string_value(json_object_get(of, "name"));
    return t->to->folder && name != NULL &&
           strcmp(name, slash != NULL ? slash + 1 : t->source) != 0;
}

static enum cli_resumed refuse(cli_transcript *t, int32_t code, const char *path, const char *why)
{
    cli_place_say(t->place,
                  "%.300s: cannot go on with %.200s: %.250s; without --resume it is begun anew",
                  t->source, path, why);
    t->code = code;
    return CLI_RESUME_FAILED;
}

/* Opens the documents and puts the journal's parts into them. */
static enum cli_resumed replay(cli_transcript *t, const char *path, const char *name)
{
    weft_part_result part;
    const char      *taken = t->to->folder ? cli_names_for(&t->to->names, t->source) : name;
    enum cli_opened  how = taken != NULL ? open_as(t, taken) : CLI_OPEN_FAILED;
    if (how == CLI_OPEN_BUSY)
        return refuse(t, CLI_EXIT_UNEXPECTED, path, "another process is writing the documents");
    if (taken == NULL)
        say_memory(t);
    if (how == CLI_OPEN_FAILED)
        return CLI_RESUME_FAILED;
    while (cli_journal_next(&t->journal, &part))
        if (!cli_transcript_put(t, &part))
            return CLI_RESUME_FAILED;
    if (t->journal.error != 0)
        return refuse(t, CLI_EXIT_UNEXPECTED, path, strerror(t->journal.error));
    return CLI_RESUME_ON;
}

static enum cli_resumed go_on(cli_transcript *t, const json_t *head, const char *name)
{
    char    why[512];
    json_t *now = cli_journal_head(t->to->identity, t->source);
    bool    differs = now == NULL || cli_journal_differs(head, now, why, sizeof why);
    if (now == NULL)
        snprintf(why, sizeof why, "the recording cannot be read");
    json_decref(now);
    return differs ? refuse(t, CLI_EXIT_USAGE, t->journal_path, why)
                   : replay(t, t->journal_path, name);
}

static enum cli_resumed resume_as(cli_transcript *t, const char *name)
{
    json_t                *head = NULL;
    enum cli_resumed       how = CLI_RESUME_NEW;
    enum cli_journal_found found = CLI_JOURNAL_NONE;
    if (t->journal_path != NULL)
        found = cli_journal_open(&t->journal, t->journal_path, &head);
    if (found == CLI_JOURNAL_BUSY)
        how = refuse(t, CLI_EXIT_UNEXPECTED, t->journal_path, "another process is at work on it");
    else if (found == CLI_JOURNAL_BAD)
        how = refuse(t, CLI_EXIT_USAGE, t->journal_path, "it is damaged, or none of weft's");
    else if (found == CLI_JOURNAL_NONE)
        how = all_there(t, name) ? CLI_RESUME_DONE : CLI_RESUME_NEW;
    else if (found == CLI_JOURNAL_THERE && !is_of_another(t, head))
        how = go_on(t, head, name);
    json_decref(head);
    if (how != CLI_RESUME_ON)
        cli_journal_close(&t->journal, true);
    return how;
}

enum cli_resumed cli_transcript_resume(cli_transcript *t)
{
    char *name = t->to->folder ? cli_names_next(&t->to->names, t->source) : strdup("");
    if (name == NULL) {
        say_memory(t);
        return CLI_RESUME_FAILED;
    }
    t->journal_path = journal_path(t, name);
    enum cli_resumed how = resume_as(t, name);
    if (how != CLI_RESUME_ON) {
        free(t->journal_path);
        t->journal_path = NULL;
    }
    free(name);
    return how;
}
