/* SPDX-License-Identifier: Apache-2.0 */
/* Where plugins are looked for, in this order: --plugin PATH, $WEFT_PLUGIN_PATH, the user's
 * directory ($XDG_DATA_HOME/weft/plugins), the built-in directory. Never the working directory;
 * variables are ignored in a program with raised privileges. Names are sorted within a directory
 * and no directory is entered below it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plugin/found.h"

#define DIR_FILES_MAX 1024u
#define DIR_CAP 4096u

const char *wf_where_name(int32_t where)
{
    static const char *const names[] = {"--plugin", "WEFT_PLUGIN_PATH", "user", "built-in"};
    return names[where];
}

static void found_clear(wf_found *f)
{
    wf_free(f->path);
    wf_free(f->reason);
    wf_manifest_free(&f->manifest);
}

void wf_found_list_clear(wf_found_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        found_clear(&l->v[i]);
    wf_free(l->v);
    memset(l, 0, sizeof *l);
}

void wf_found_reject(wf_found *f, const weft_error *why)
{
    f->state = WF_PLUGIN_REJECTED;
    f->status = why->code != WEFT_OK ? why->code : WEFT_E_INTERNAL;
    wf_free(f->reason);
    f->reason = wf_strdup(why->message); /* without memory for the reason the state alone tells */
}

void wf_found_warn(wf_found *f, const char *sentence)
{
    char *both = NULL;
    if (f->reason == NULL) {
        f->reason = wf_strdup(sentence);
        return;
    }
    size_t n = strlen(f->reason) + strlen(sentence) + 3;
    both = wf_alloc(n);
    if (both == NULL)
        return;
    snprintf(both, n, "%s; %s", f->reason, sentence);
    wf_free(f->reason);
    f->reason = both;
}

/* Opens the resolved path and makes sure that it is a plain file; fd is the caller's. */
static weft_status open_plain(const char *path, int *fd, struct stat *st, weft_error *err)
{
    /* NONBLOCK: opening a FIFO must not wait for a writer. */
    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return wf_fail(err, errno == ENOENT ? WEFT_E_NOTFOUND : WEFT_E_IO,
                       "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return WEFT_OK;
    close(*fd);
    *fd = -1;
    return wf_fail(err, WEFT_E_IO, "%s: not a regular file", path);
}

/* Searching is strict; what the user named or the program brought along is only warned about. */
static weft_status judge(wf_found *f, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status st = wf_trust_check(f->path, &why);
    if (st == WEFT_OK)
        return WEFT_OK;
    if (f->where == WF_WHERE_ENV || f->where == WF_WHERE_USER)
        return wf_fail(err, st, "%s", why.message);
    wf_found_warn(f, why.message);
    return WEFT_OK;
}

/* What the manifest says that this host does not know. */
static void warn_unknown(wf_found *f)
{
    char line[300];
    if (f->manifest.unknown == NULL)
        return;
    snprintf(line, sizeof line, "%s: its manifest has %s, which this version does not know",
             f->path, f->manifest.unknown);
    wf_found_warn(f, line);
}

static weft_status examine(wf_found *f, weft_error *err)
{
    struct stat st;
    int         fd;
    char       *real = realpath(f->path, NULL);
    weft_status s;
    if (real == NULL)
        return wf_fail(err, errno == ENOENT ? WEFT_E_NOTFOUND : WEFT_E_IO, "%s: %s", f->path,
                       errno == ENOENT ? "no such file" : strerror(errno));
    wf_free(f->path);
    f->path = wf_strdup(real);
    free(real);
    if (f->path == NULL)
        return wf_fail_nomem(err, 1, "a path");
    s = judge(f, err);
    if (s == WEFT_OK)
        s = open_plain(f->path, &fd, &st, err);
    if (s != WEFT_OK)
        return s;
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    s = wf_manifest_read(fd, (uint64_t)st.st_size, f->path, &f->manifest, err);
    close(fd);
    warn_unknown(f);
    return s == WEFT_OK ? wf_manifest_check_abi(&f->manifest, f->path, err) : s;
}

/* The same file by another way, or another file with its id: the first one found stays. */
static weft_status compare(const wf_found_list *l, const wf_found *f, bool *same, weft_error *err)
{
    *same = false;
    for (size_t i = 0; i < l->n; i++) {
        const wf_found *g = &l->v[i];
        if (f->ino != 0 && g->ino == f->ino && g->dev == f->dev) {
            *same = true;
            return WEFT_OK;
        }
        if (f->manifest.id != NULL && g->manifest.id != NULL && g->state != WF_PLUGIN_REJECTED &&
            strcmp(g->manifest.id, f->manifest.id) == 0)
            return wf_fail(err, WEFT_E_CONFLICT,
                           "%s: the id %s is already that of %s; remove one of "
                           "them",
                           f->path, f->manifest.id, g->path);
    }
    return WEFT_OK;
}

static weft_status push(wf_found_list *l, wf_found *f, weft_error *err)
{
    if (l->n == l->cap) {
        size_t    cap = l->cap != 0 ? 2 * l->cap : 16;
        wf_found *grown = wf_realloc(l->v, cap * sizeof *grown);
        if (grown == NULL) {
            found_clear(f);
            return wf_fail_nomem(err, cap * sizeof *grown, "the list of plugins");
        }
        l->v = grown;
        l->cap = cap;
    }
    l->v[l->n++] = *f;
    return WEFT_OK;
}

/* Takes path. */
static weft_status add(wf_found_list *l, char *path, int32_t where, weft_error *err)
{
    wf_found    f = {.path = path, .where = where};
    weft_error  why = WF_ERROR_INIT;
    bool        same = false;
    weft_status st;
    if (path == NULL)
        return wf_fail_nomem(err, 1, "a path");
    st = examine(&f, &why);
    if (st != WEFT_E_NOMEM) {
        weft_error  twin = WF_ERROR_INIT;
        weft_status ts = compare(l, &f, &same, &twin);
        if (st == WEFT_OK && ts != WEFT_OK) {
            st = ts;
            why = twin;
        }
    }
    if (st == WEFT_E_NOMEM || same) {
        found_clear(&f);
        return same ? WEFT_OK : wf_fail(err, st, "%s", why.message);
    }
    if (st != WEFT_OK)
        wf_found_reject(&f, &why);
    return push(l, &f, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_library_name(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 3 && strcmp(name + n - 3, ".so") == 0;
}

/* Full paths of the *.so in dir, unsorted. */
static weft_status list_dir(DIR *d, const char *dir, char **paths, size_t *n, weft_error *err)
{
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[DIR_CAP];
        int  len = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (!is_library_name(e->d_name) || len < 0 || (size_t)len >= sizeof path)
            continue;
        if (*n == DIR_FILES_MAX) {
            wf_log(WEFT_LOG_WARN, "%s: more than %u libraries; the rest is not looked at", dir,
                   DIR_FILES_MAX);
            return WEFT_OK;
        }
        paths[*n] = wf_strdup(path);
        if (paths[*n] == NULL)
            return wf_fail_nomem(err, (uint64_t)len + 1, "a path");
        ++*n;
    }
    return WEFT_OK;
}

typedef weft_status (*dir_fn)(void *ctx, const char *dir, int32_t where, weft_error *err);

/* Adds a directory's candidates to the wf_found_list *ctx. */
static weft_status search_dir(void *ctx, const char *dir, int32_t where, weft_error *err)
{
    wf_found_list *l = ctx;
    DIR           *d;
    char         **paths;
    size_t         n = 0;
    weft_status    st;
    if (dir[0] != '/') {
        wf_log(WEFT_LOG_WARN, "%s: not a full path, so no plugins are looked for there", dir);
        return WEFT_OK;
    }
    d = opendir(dir);
    if (d == NULL)
        return WEFT_OK; /* most people have none */
    paths = wf_zalloc_n(DIR_FILES_MAX, sizeof *paths);
    st = paths != NULL ? list_dir(d, dir, paths, &n, err) : wf_fail_nomem(err, 8192, "file names");
    closedir(d);
    if (n > 1)
        qsort(paths, n, sizeof *paths, by_name);
    for (size_t i = 0; i < n; i++) {
        if (st == WEFT_OK)
            st = add(l, paths[i], where, err);
        else
            wf_free(paths[i]);
    }
    wf_free(paths);
    return st;
}

static weft_status each_env(dir_fn fn, void *ctx, weft_error *err)
{
    const char *list = secure_getenv("WEFT_PLUGIN_PATH");
    weft_status st = WEFT_OK;
    for (const char *p = list; p != NULL && st == WEFT_OK;) {
        const char *colon = strchr(p, ':');
        size_t      n = colon != NULL ? (size_t)(colon - p) : strlen(p);
        char        dir[DIR_CAP];
        if (n > 0 && n < sizeof dir) {
            memcpy(dir, p, n);
            dir[n] = '\0';
            st = fn(ctx, dir, WF_WHERE_ENV, err);
        }
        p = colon != NULL ? colon + 1 : NULL;
    }
    return st;
}

/* XDG base directory specification: an unset or relative variable means ~/.local/share. */
static weft_status each_user(dir_fn fn, void *ctx, weft_error *err)
{
    const char *xdg = secure_getenv("XDG_DATA_HOME"), *home = secure_getenv("HOME");
    char        dir[DIR_CAP];
    int         n = 0;
    if (xdg != NULL && xdg[0] == '/')
        n = snprintf(dir, sizeof dir, "%s/weft/plugins", xdg);
    else if (home != NULL && home[0] == '/')
        n = snprintf(dir, sizeof dir, "%s/.local/share/weft/plugins", home);
    return n > 0 && (size_t)n < sizeof dir ? fn(ctx, dir, WF_WHERE_USER, err) : WEFT_OK;
}

/* Every directory that plugins are looked for in, in order. */
static weft_status each_dir(const char *builtin_dir, dir_fn fn, void *ctx, weft_error *err)
{
    weft_status st = each_env(fn, ctx, err);
    if (st == WEFT_OK)
        st = each_user(fn, ctx, err);
    if (st == WEFT_OK && builtin_dir != NULL && builtin_dir[0] != '\0')
        st = fn(ctx, builtin_dir, WF_WHERE_BUILTIN, err);
    return st;
}

static weft_status name_dir(void *ctx, const char *dir, int32_t where, weft_error *err)
{
    char  *text = ctx;
    size_t n = strlen(text);
    (void)where;
    (void)err;
    snprintf(text + n, WF_DIRS_TEXT_CAP - n, "%s%s", n > 0 ? ", " : "", dir);
    return WEFT_OK;
}

void wf_search_dirs(const char *builtin_dir, char *text)
{
    text[0] = '\0';
    each_dir(builtin_dir, name_dir, text, NULL);
}

weft_status wf_search(const char *const *paths, size_t n_paths, const char *builtin_dir,
                      wf_found_list *out, weft_error *err)
{
    weft_status st = WEFT_OK;
    for (size_t i = 0; i < n_paths && st == WEFT_OK; i++)
        st = add(out, wf_strdup(paths[i]), WF_WHERE_EXPLICIT, err);
    return st == WEFT_OK ? each_dir(builtin_dir, search_dir, out, err) : st;
}

weft_status wf_found_inspect(const char *path, wf_manifest *out, weft_error *err)
{
    struct stat st;
    int         fd;
    char       *real = realpath(path, NULL);
    weft_status s;
    memset(out, 0, sizeof *out);
    if (real == NULL)
        return wf_fail_stage(err,
                             wf_fail(err, errno == ENOENT ? WEFT_E_NOTFOUND : WEFT_E_IO, "%s: %s",
                                     path, errno == ENOENT ? "no such file" : strerror(errno)),
                             WEFT_STAGE_PLUGIN);
    s = open_plain(real, &fd, &st, err);
    if (s == WEFT_OK) {
        s = wf_manifest_read(fd, (uint64_t)st.st_size, path, out, err);
        close(fd);
    }
    free(real);
    return wf_fail_stage(err, s, WEFT_STAGE_PLUGIN);
}
