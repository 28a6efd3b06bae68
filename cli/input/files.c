/* SPDX-License-Identifier: Apache-2.0 */
/* A walk without recursion: a stack of paths, a folder being replaced by what is in it. */
#include "input/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"

static weft_status fail(weft_error *err, weft_status code, const char *path, const char *what)
{
    err->code = code;
    err->stage = WEFT_STAGE_MEDIA;
    snprintf(err->message, sizeof err->message, "%.400s: %.80s", path, what);
    return code;
}

/* Takes path, also on failure. */
static weft_status push(cli_files *f, char *path, bool found, weft_error *err)
{
    if (path != NULL && f->n == f->cap) {
        size_t    cap = f->cap != 0 ? 2 * f->cap : 64;
        cli_file *grown = realloc(f->stack, cap * sizeof *grown);
        if (grown != NULL) {
            f->stack = grown;
            f->cap = cap;
        }
    }
    if (path == NULL || f->n == f->cap) {
        free(path);
        return fail(err, WEFT_E_NOMEM, "out of memory", "the list of files");
    }
    f->stack[f->n++] = (cli_file){path, found};
    return WEFT_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

weft_status cli_files_init(cli_files *f, char *const *operands, int32_t n, bool recursive,
                           weft_error *err)
{
    memset(f, 0, sizeof *f);
    f->recursive = recursive;
    f->many = n > 1;
    for (int32_t i = n - 1; i >= 0; i--) {
        weft_status st = push(f, strdup(operands[i]), false, err);
        if (st != WEFT_OK)
            return st;
        f->many = f->many || is_folder(operands[i]);
    }
    return WEFT_OK;
}

void cli_files_deinit(cli_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->stack[i].path);
    free(f->stack);
    memset(f, 0, sizeof *f);
}

static int by_name_backwards(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static char *join(const char *folder, const char *name)
{
    char       *path;
    size_t      n = strlen(folder);
    const char *slash = n > 0 && folder[n - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", folder, slash, name) >= 0 ? path : NULL;
}

/* A link to a folder is not followed: it may lead back here. */
static bool is_wanted(const cli_files *f, const char *path)
{
    struct stat to, link;
    if (stat(path, &to) != 0 || lstat(path, &link) != 0)
        return true; /* whoever opens it says what is wrong */
    return S_ISREG(to.st_mode) || (f->recursive && S_ISDIR(link.st_mode));
}

static weft_status push_folder(cli_files *f, const char *folder, weft_error *err)
{
    struct dirent **names;
    weft_status     st = WEFT_OK;
    int             n = scandir(folder, &names, is_visible, by_name_backwards);
    if (n < 0)
        return fail(err, errno == ENOMEM ? WEFT_E_NOMEM : WEFT_E_IO, folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *path = st == WEFT_OK ? join(folder, names[i]->d_name) : NULL;
        if (st == WEFT_OK && (path == NULL || is_wanted(f, path)))
            st = push(f, path, true, err);
        else
            free(path);
        free(names[i]);
    }
    free(names);
    return st;
}

weft_status cli_files_next(cli_files *f, cli_file *out, weft_error *err)
{
    *out = (cli_file){NULL, false};
    while (f->n > 0) {
        cli_file top = f->stack[--f->n];
        if (!is_folder(top.path)) {
            *out = top;
            return WEFT_OK;
        }
        weft_status st = push_folder(f, top.path, err);
        free(top.path);
        if (st != WEFT_OK)
            return st;
    }
    return WEFT_OK;
}

uint32_t cli_files_count(char *const *operands, int32_t n, bool recursive)
{
    weft_error err = CLI_ERROR_INIT;
    cli_files  f;
    uint32_t   count = 0;
    bool       more = cli_files_init(&f, operands, n, recursive, &err) == WEFT_OK;
    while (more) {
        cli_file    file;
        weft_status st = cli_files_next(&f, &file, &err);
        count += st == WEFT_OK && file.path != NULL;
        more = st == WEFT_OK ? file.path != NULL : st != WEFT_E_NOMEM;
        free(file.path);
    }
    cli_files_deinit(&f);
    return count;
}
