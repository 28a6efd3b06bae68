/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader for configuration files. The whole text is read and checked before the first
 * entry is handed out. Entries that are there twice are found by sorting. */
#include "core/io/ini.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "weft/utf8.h"
#include "core/io/file.h"
#include "core/io/text.h"

typedef struct entry {
    const char *section, *key, *value; /* key NULL: the section's own line */
    int32_t     line;
} entry;

typedef struct reader {
    const char *name;
    char       *text; /* a copy, in which lines are cut up in place */
    entry      *entries;
    uint64_t    n, cap;
    const char *section; /* the current one; NULL: none yet */
    int32_t     line;
} reader;

static weft_status fail_at(const reader *r, const char *line, const char *at, const char *what,
                           weft_error *err)
{
    int32_t row, column;
    wf_text_place(line, (uint64_t)(at - line), &row, &column);
    return wf_fail(err, WEFT_E_CORRUPT, "%s:%d:%d: %s", wf_quote(r->name).s, r->line, column, what);
}

static weft_status entry_add(reader *r, const char *key, const char *value, weft_error *err)
{
    if (r->n == r->cap) {
        uint64_t cap = r->cap == 0 ? 64 : 2 * r->cap;
        entry   *grown = wf_realloc(r->entries, (size_t)cap * sizeof(*grown));
        if (grown == NULL)
            return wf_fail_nomem(err, cap * sizeof(*grown), "a configuration file");
        r->entries = grown;
        r->cap = cap;
    }
    r->entries[r->n++] = (entry){r->section, key, value, r->line};
    return WEFT_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts white space off the text that ends at `end`, but not beyond `from`. */
static void trim_end(char *from, char *end)
{
    while (end > from && is_blank(end[-1]))
        end--;
    *end = '\0';
}

static weft_status section_read(reader *r, char *line, weft_error *err)
{
    size_t n = strlen(line);
    char  *name = line + 1, *close = strchr(line, ']');
    if (close == NULL)
        return fail_at(r, line, line + n, "the section's closing ] is missing", err);
    if (close != line + n - 1)
        return fail_at(r, line, close + 1, "nothing may follow a section's ]", err);
    if (close == name)
        return fail_at(r, line, name, "a section needs a name", err);
    if (is_blank(*name) || is_blank(close[-1]))
        return fail_at(r, line, is_blank(*name) ? name : close - 1,
                       "no blanks at the ends of a section's name", err);
    if (strchr(name, '[') != NULL)
        return fail_at(r, line, strchr(name, '['), "no [ within a section's name", err);
    *close = '\0';
    r->section = name;
    return entry_add(r, NULL, NULL, err);
}

/* A value is what stands behind the =, quotes and all; who writes them may have meant otherwise. */
static void tell_doubts(const reader *r, const char *key, const char *value)
{
    size_t      n = strlen(value);
    const char *comment = strstr(value, " #") != NULL ? strstr(value, " #") : strstr(value, " ;");
    bool        quoted = n > 1 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0];
    if (quoted)
        wf_log(WEFT_LOG_WARN, "%s:%d: the quotes are part of the value of %s; it needs none",
               wf_quote(r->name).s, r->line, key);
    else if (comment != NULL)
        wf_log(WEFT_LOG_WARN,
               "%s:%d: \"%s\" is part of the value of %s; a comment has a line of "
               "its own",
               wf_quote(r->name).s, r->line, wf_quote(comment + 1).s, key);
}

static weft_status key_read(reader *r, char *line, weft_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t            n = strspn(line, allowed);
    char             *equals = line + n, *value;
    while (is_blank(*equals))
        equals++;
    if (*equals != '=') {
        const char *what = equals != line + n || line[n] == '\0'
                               ? "KEY = VALUE or [SECTION] is expected: here the = is missing"
                               : "a key is made of a-z, 0-9, _ . and -";
        return fail_at(r, line, equals, what, err);
    }
    if (n == 0)
        return fail_at(r, line, line, "a key is missing before the =", err);
    if (r->section == NULL)
        return fail_at(r, line, line, "a key before any [SECTION]", err);
    line[n] = '\0';
    value = equals + 1;
    while (is_blank(*value))
        value++;
    tell_doubts(r, line, value);
    return entry_add(r, line, value, err);
}

/* Reads one line, whose end has been cut off. */
static weft_status line_read(reader *r, char *line, size_t length, weft_error *err)
{
    size_t valid = (size_t)weft_utf8_prefix(line, length);
    if (valid != length)
        return fail_at(r, line, line + valid, "this is not UTF-8", err);
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7F)
            return fail_at(r, line, line + i, "a control character", err);
    trim_end(line, line + length);
    const char *first = line + strspn(line, " \t");
    if (*first == '\0' || *first == '#' || *first == ';')
        return WEFT_OK;
    if (first != line)
        return fail_at(r, line, line, "no blanks before a key: lines are not continued", err);
    return *line == '[' ? section_read(r, line, err) : key_read(r, line, err);
}

static weft_status lines_read(reader *r, char *text, char *end, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (char *line = text; line < end && status == WEFT_OK;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        else if (stop > line && stop[-1] == '\r')
            stop--;
        r->line++;
        status = line_read(r, line, (size_t)(stop - line), err);
        line = next;
    }
    return status;
}

/* The order in which equal sections and equal keys come side by side, the later line after the
 * earlier one. */
static int by_identity(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int          order = strcmp(x->section, y->section);
    if (order == 0 && x->key != NULL && y->key != NULL)
        order = strcmp(x->key, y->key);
    else if (order == 0 && x->key != y->key)
        order = x->key == NULL ? -1 : 1;
    return order != 0 ? order : x->line - y->line;
}

static int by_line(const void *a, const void *b)
{
    return ((const entry *)a)->line - ((const entry *)b)->line;
}

/* Checks for entries that are there twice: sorts the entries, compares neighbours, and sorts them
 * back into the order of the file. */
static weft_status twice_check(const reader *r, weft_error *err)
{
    if (r->n == 0)
        return WEFT_OK;
    qsort(r->entries, (size_t)r->n, sizeof(*r->entries), by_identity);
    for (uint64_t i = 1; i < r->n; i++) {
        const entry *x = &r->entries[i - 1], *y = &r->entries[i];
        if (strcmp(x->section, y->section) != 0 || (x->key == NULL) != (y->key == NULL) ||
            (x->key != NULL && strcmp(x->key, y->key) != 0))
            continue;
        return wf_fail(err, WEFT_E_CORRUPT, "%s:%d:1: %s \"%s\" stands already at line %d",
                       wf_quote(r->name).s, y->line, x->key != NULL ? "the key" : "the section",
                       wf_quote(x->key != NULL ? x->key : x->section).s, x->line);
    }
    qsort(r->entries, (size_t)r->n, sizeof(*r->entries), by_line);
    return WEFT_OK;
}

weft_status wf_ini_parse(const char *text, uint64_t bytes, const char *name, wf_ini_fn fn,
                         void *ctx, weft_error *err)
{
    reader r = {.name = name};
    if (bytes > WF_INI_MAX_BYTES)
        return wf_fail(err, WEFT_E_LIMIT,
                       "%s: %" PRIu64 " bytes, over the limit of %" PRIu64
                       " for a configuration file",
                       wf_quote(name).s, bytes, WF_INI_MAX_BYTES);
    r.text = wf_strndup(text, (size_t)bytes);
    if (r.text == NULL)
        return wf_fail_nomem(err, bytes + 1, "a configuration file");
    bool        bom = bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    weft_status status = lines_read(&r, r.text + (bom ? 3 : 0), r.text + bytes, err);
    if (status == WEFT_OK)
        status = twice_check(&r, err);
    for (uint64_t i = 0; i < r.n && status == WEFT_OK; i++) {
        const entry *e = &r.entries[i];
        if (e->key != NULL)
            status = fn(ctx, e->section, e->key, e->value, e->line, err);
    }
    wf_free(r.entries);
    wf_free(r.text);
    return status;
}

weft_status wf_ini_load(const char *path, wf_ini_fn fn, void *ctx, weft_error *err)
{
    char       *text;
    uint64_t    bytes;
    weft_status status = wf_file_load(path, WF_INI_MAX_BYTES, &text, &bytes, err);
    if (status != WEFT_OK)
        return status;
    status = wf_ini_parse(text, bytes, path, fn, ctx, err);
    wf_free(text);
    return status;
}
