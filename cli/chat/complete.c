/* SPDX-License-Identifier: Apache-2.0 */
/* What a line that begins with a slash can be completed to. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chat/chat.h"
#include "output/json.h"
#include "output/target.h"

#define BLANKS " \t"
#define CHOICES_MAX 10000u /* of a folder with more the first ones are offered */

/* Takes text; without memory it is left out. */
static void add(cli_choices *c, char *text)
{
    if (text != NULL && c->n == c->cap && c->n < CHOICES_MAX) {
        size_t doubled = 2 * c->cap + 16, cap = doubled < CHOICES_MAX ? doubled : CHOICES_MAX;
        char **grown = realloc(c->v, cap * sizeof *grown);
        if (grown != NULL) {
            c->v = grown;
            c->cap = cap;
        }
    }
    if (text == NULL || c->n == c->cap)
        free(text);
    else
        c->v[c->n++] = text;
}

static void add_words(cli_choices *c, const char *typed)
{
    const char *name;
    bool        takes_file;
    for (size_t i = 0; (name = cli_chat_word_name(i, &takes_file)) != NULL; i++) {
        char *text = NULL;
        if (strncmp(name, typed, c->typed) == 0 &&
            asprintf(&text, "%s%s", name, takes_file ? " " : "") >= 0)
            add(c, text);
    }
}

/* Names that would make another line of this one, or of the terminal something else: those with
 * controls of C0, or of C1, which are C2 80 to C2 9F in UTF-8. */
static bool can_be_typed(const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++)
        if (*p < ' ' || *p == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0))
            return false;
    return cli_is_utf8(name, strlen(name));
}

/* A file's name as it goes on the line: a folder is gone on with, and where a quote was opened it
 * is closed behind a file. */
static char *as_typed(const char *folder, const char *name, const char *quote)
{
    char *path = NULL, *text = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return NULL;
    if (asprintf(&text, "%s%s", name, cli_is_folder(path) ? "/" : quote) < 0)
        text = NULL;
    free(path);
    return text;
}

static void add_files(cli_choices *c, const char *folder, const char *typed, const char *quote)
{
    struct dirent *entry;
    DIR           *d = opendir(folder);
    while (d != NULL && (entry = readdir(d)) != NULL) {
        const char *name = entry->d_name;
        bool        hidden = name[0] == '.' && typed[0] != '.';
        bool        itself = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!hidden && !itself && strncmp(name, typed, c->typed) == 0 && can_be_typed(name))
            add(c, as_typed(folder, name, quote));
    }
    if (d != NULL)
        closedir(d);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder that a name begins with: ~/ is the home, and nothing is the folder we are in. The
 * caller frees it; NULL: there is none, or memory is out. */
static char *folder_of(const char *name, size_t n)
{
    char       *folder = NULL;
    const char *home = n > 1 && strncmp(name, "~/", 2) == 0 ? getenv("HOME") : NULL;
    if (n == 0)
        return strdup(".");
    if (home != NULL)
        return asprintf(&folder, "%s%.*s", home, (int)(n - 1), name + 1) >= 0 ? folder : NULL;
    return strndup(name, n);
}

static void complete_file(cli_choices *c, const char *name)
{
    char quote[2] = "";
    if (name[0] == '\'' || name[0] == '"')
        quote[0] = *name++;
    const char *slash = strrchr(name, '/'), *typed = slash != NULL ? slash + 1 : name;
    char       *folder = folder_of(name, (size_t)(typed - name));
    c->typed = strlen(typed);
    if (folder != NULL)
        add_files(c, folder, typed, quote);
    free(folder);
}

static bool takes_file(const char *word, size_t n)
{
    const char *name;
    bool        takes = false;
    for (size_t i = 0; (name = cli_chat_word_name(i, &takes)) != NULL; i++)
        if (strlen(name) == n && strncmp(name, word, n) == 0)
            return takes;
    return false;
}

bool cli_chat_complete(const char *line, size_t bytes, cli_choices *out)
{
    if (bytes == 0 || line[0] != '/' || (bytes > 1 && line[1] == '/'))
        return false;
    char *word = strndup(line + 1, bytes - 1);
    if (word == NULL)
        return true;
    size_t n = strcspn(word, BLANKS);
    if (word[n] == '\0') {
        out->typed = n;
        add_words(out, word);
    } else if (takes_file(word, n)) {
        complete_file(out, word + n + strspn(word + n, BLANKS));
    }
    free(word);
    if (out->n > 0)
        qsort(out->v, out->n, sizeof *out->v, by_name);
    return true;
}
