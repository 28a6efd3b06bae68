/* SPDX-License-Identifier: Apache-2.0 */
/* Names of documents, and a part's way into them. */
#include "output/transcript.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exit.h"
#include "output/say.h"
#include "output/subtitles.h"

#define NAME_TRIES 100000u /* recordings of one name in one folder */

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

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int32_t make_folder(const char *path)
{
    if (is_folder(path) || mkdir(path, 0777) == 0)
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

int32_t cli_outputs_init(cli_outputs *o, const cli *c, bool many)
{
    const char *formats = c->value[OWN_FORMAT];
    int         n = 0;
    o->path = c->value[OWN_OUTPUT];
    if (o->path != NULL && o->path[0] == '\0')
        return cli_usage(c, "-o needs a name");
    if (formats == NULL)
        guess_format(o);
    else if (!cli_outputs_parse(o, formats))
        return cli_usage(c, "--format %.100s: give txt, srt, vtt and json, with commas between",
                         formats);
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        n += o->wanted[f];
    if (o->path == NULL)
        return check_stdout(o, c, n, many);
    o->folder = many || n > 1 || o->path[strlen(o->path) - 1] == '/' || is_folder(o->path);
    return o->folder ? make_folder(o->path) : CLI_EXIT_OK;
}

void cli_outputs_deinit(cli_outputs *o)
{
    for (size_t i = 0; i < o->n_taken; i++)
        free(o->taken[i]);
    free(o->taken);
    o->taken = NULL;
    o->n_taken = o->cap = 0;
}

/* ---- names
 * -----------------------------------------------------------------------------------
 */

static bool is_taken(const cli_outputs *o, const char *name)
{
    for (size_t i = 0; i < o->n_taken; i++)
        if (strcmp(o->taken[i], name) == 0)
            return true;
    return false;
}

/* Takes name. */
static bool take_name(cli_outputs *o, char *name)
{
    if (o->n_taken == o->cap) {
        size_t cap = o->cap != 0 ? 2 * o->cap : 16;
        char **grown = realloc(o->taken, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        o->taken = grown;
        o->cap = cap;
    }
    o->taken[o->n_taken++] = name;
    return true;
}

/* "talk" of "a/talk.flac"; *n its length. */
static const char *base_of(const char *source, size_t *n)
{
    const char *slash = strrchr(source, '/'), *base = slash != NULL ? slash + 1 : source;
    const char *dot = strrchr(base, '.');
    if (strcmp(source, "-") == 0) {
        base = "stdin";
        dot = NULL;
    }
    *n = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    return base;
}

/* Without "-2" and the like at its end, however many. */
static size_t stem(const char *name, size_t n)
{
    for (size_t at = n; at > 0;) {
        while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
            at--;
        if (at == n || at == 0 || name[at - 1] != '-')
            break;
        n = --at;
    }
    return n;
}

bool cli_may_share_name(const char *a, const char *b)
{
    size_t      n, m;
    const char *of_a = base_of(a, &n), *of_b = base_of(b, &m);
    n = stem(of_a, n);
    return n == stem(of_b, m) && strncmp(of_a, of_b, n) == 0;
}

/* The base name; of a second recording called talk, "talk-2". The list keeps it. NULL: out of
 * memory, or too many. */
static const char *name_for(cli_outputs *o, const char *source)
{
    size_t      n;
    const char *base = base_of(source, &n);
    char       *name = strndup(base, n);
    for (unsigned i = 2; name != NULL && is_taken(o, name) && i < NAME_TRIES; i++) {
        free(name);
        if (asprintf(&name, "%.*s-%u", (int)n, base, i) < 0)
            name = NULL;
    }
    if (name != NULL && !is_taken(o, name) && take_name(o, name))
        return name;
    free(name);
    return NULL;
}

/* ---- documents
 * -------------------------------------------------------------------------------
 */

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

static bool open_sheet(cli_transcript *t, int format, const char *name)
{
    char *path = NULL;
    if (t->to->folder && asprintf(&path, "%s/%s.%s", t->to->path, name, endings[format]) < 0) {
        cli_place_say(t->place, "out of memory: the name of a transcript");
        t->code = CLI_EXIT_MEMORY;
        return false;
    }
    const char *target = path != NULL ? path : t->to->path;
    if (target != NULL && cli_is_same_file(target, t->source)) {
        cli_place_say(t->place, "%.600s: is the recording itself; give -o another name", target);
        t->code = CLI_EXIT_USAGE;
    } else if (cli_sheet_open(&t->sheet[format], target, t->place)) {
        begin(t, format);
    } else {
        t->code = CLI_EXIT_UNEXPECTED;
    }
    free(path);
    return t->code == CLI_EXIT_OK;
}

static bool open_all(cli_transcript *t)
{
    const char *name = t->to->folder ? name_for(t->to, t->source) : "";
    if (name == NULL) {
        cli_place_say(t->place, "%.600s: no name was found for its transcript", t->source);
        t->code = CLI_EXIT_MEMORY;
        return false;
    }
    for (int f = 0; f < CLI_FORMAT_COUNT; f++) {
        if (!t->to->wanted[f] || open_sheet(t, f, name))
            continue;
        while (--f >= 0)
            if (t->to->wanted[f])
                (void)cli_sheet_close(&t->sheet[f], false);
        return false;
    }
    t->open = true;
    return true;
}

/* A line for each part; with labels PATH and a tab before it, newlines of the
 * text as spaces. */
static void put_line(cli_transcript *t, const weft_part_result *p)
{
    cli_sheet  *s = &t->sheet[CLI_TXT];
    const char *text = p->text;
    size_t      left = (size_t)p->text_bytes;
    if (t->to->labels) {
        cli_sheet_put(s, t->source, strlen(t->source));
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

static void put_part(cli_transcript *t, int format, const weft_part_result *p)
{
    if (format == CLI_TXT && p->text_bytes > 0)
        put_line(t, p);
    else if (format == CLI_SRT)
        t->n_cues += cli_srt_cue(&t->sheet[format], t->n_cues + 1, p);
    else if (format == CLI_VTT)
        (void)cli_vtt_cue(&t->sheet[format], p);
    else if (format == CLI_JSON && !cli_parts_json_add(&t->json, &t->sheet[format], p)) {
        cli_place_say(t->place, "out of memory: a part of a transcript");
        t->code = CLI_EXIT_MEMORY;
    }
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
