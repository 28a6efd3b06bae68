/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a quantised model grows in. */
#include "core/model/quantize_part.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"
#include "core/io/writer.h"

#define UNFINISHED ".weft-" /* what names of files begin with that a wf_writer has not finished */
#define TRIES 100

/* ---- its names ---- */

static weft_status name_part(const wf_quantize *q, wf_part *p, weft_error *err)
{
    struct stat st;
    size_t      n = strlen(q->out);
    while (n > 1 && q->out[n - 1] == '/')
        n--;
    if (n == 0 || n + sizeof ".part" > WF_PART_PATH_BYTES)
        return wf_fail(err, WEFT_E_INVALID, "the directory to write has no name, or one too long");
    snprintf(p->out, sizeof p->out, "%.*s", (int)n, q->out);
    snprintf(p->part, sizeof p->part, "%.*s.part", (int)n, q->out);
    p->lock = -1;
    if (lstat(p->out, &st) == 0)
        return wf_fail(err, WEFT_E_INVALID, "%s: exists already; give a directory that does not",
                       wf_quote(p->out).s);
    return WEFT_OK;
}

weft_status wf_part_path(const wf_part *p, const char *name, char *path, weft_error *err)
{
    int n = snprintf(path, WF_PART_PATH_BYTES, "%s/%s", p->part, name);
    return n > 0 && n < WF_PART_PATH_BYTES
               ? WEFT_OK
               : wf_fail(err, WEFT_E_INVALID, "%s: its name is too long", wf_quote(name).s);
}

weft_status wf_part_write(const wf_part *p, const char *name, const char *text, uint64_t bytes,
                          weft_error *err)
{
    char        path[WF_PART_PATH_BYTES];
    wf_writer  *w;
    weft_status status = wf_part_path(p, name, path, err);
    if (status == WEFT_OK)
        status = wf_writer_open(path, NULL, &w, err);
    if (status != WEFT_OK)
        return status;
    status = wf_writer_write(w, text, bytes, err);
    if (status == WEFT_OK)
        return wf_writer_commit(&w, err);
    wf_writer_abort(&w);
    return status;
}

/* ---- its lock ---- */

static void unlock(wf_part *p)
{
    if (p->lock >= 0)
        close(p->lock);
    p->lock = -1;
}

static weft_status fail_open(const wf_part *p, weft_error *err)
{
    if (errno == ENOTDIR)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: is no directory: remove it, or choose another directory to write",
                       wf_quote(p->part).s);
    return wf_fail_errno(err, WEFT_E_IO, p->part, "cannot be opened");
}

/* Whether what is locked is still what has the name: another run may have finished it, or given it
 * up, in between. */
static bool has_its_name(const wf_part *p)
{
    struct stat held, named;
    return fstat(p->lock, &held) == 0 && stat(p->part, &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* The directory is there and locked. A file system without locks does without. */
static weft_status lock(wf_part *p, weft_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (mkdir(p->part, 0777) != 0 && errno != EEXIST)
            return wf_fail_errno(err, WEFT_E_IO, p->part, "cannot be made");
        p->lock = open(p->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (p->lock < 0 && errno != ENOENT)
            return fail_open(p, err);
        if (p->lock >= 0 && flock(p->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            break;
        if (p->lock >= 0 && has_its_name(p))
            return WEFT_OK;
        unlock(p);
    }
    unlock(p);
    return wf_fail(err, WEFT_E_IO, "%s: another process is writing it", wf_quote(p->part).s);
}

/* ---- what it holds ---- */

static bool is_unfinished(const char *name)
{
    return strncmp(name, UNFINISHED, sizeof UNFINISHED - 1) == 0;
}

/* Whether it holds anything but the note and files that are not whole. */
static weft_status find_work(const wf_part *p, bool *work, weft_error *err)
{
    struct dirent *entry;
    DIR           *d = opendir(p->part);
    *work = false;
    if (d == NULL)
        return wf_fail_errno(err, WEFT_E_IO, p->part, "cannot be listed");
    while (!*work && (entry = readdir(d)) != NULL)
        *work = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                strcmp(entry->d_name, WF_PART_NOTE) != 0 && !is_unfinished(entry->d_name);
    closedir(d);
    return WEFT_OK;
}

/* What a killed run has left in the middle of a file. */
static void remove_unfinished(const wf_part *p)
{
    struct dirent *entry;
    DIR           *d = opendir(p->part);
    while (d != NULL && (entry = readdir(d)) != NULL)
        if (is_unfinished(entry->d_name))
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d != NULL)
        closedir(d);
}

/* Without a file that the next run could keep the directory goes, too. */
void wf_part_leave(wf_part *p)
{
    char path[WF_PART_PATH_BYTES];
    bool work;
    if (p->lock >= 0 && find_work(p, &work, NULL) == WEFT_OK && !work &&
        wf_part_path(p, WF_PART_NOTE, path, NULL) == WEFT_OK) {
        remove_unfinished(p);
        (void)unlink(path);
        (void)rmdir(p->part);
    }
    unlock(p);
}

/* ---- its note ---- */

static void print_note(FILE *f, const wf_quantize *q, const char *dir)
{
    const wf_st_file *file;
    const char       *name;
    fprintf(f, "%s\n", dir);
    for (uint32_t i = 0; (file = wf_package_file(q->package, i, &name)) != NULL; i++)
        fprintf(f, "%llu %s\n", (unsigned long long)file->file.bytes, name);
    fprintf(f, "%s\n", q->what);
}

/* The note's text, for wf_free. What is known last, the options, is at its end. */
static weft_status make_note(const wf_quantize *q, char **note, weft_error *err)
{
    char  *text = NULL, *dir = realpath(wf_package_dir(q->package), NULL);
    size_t bytes = 0;
    *note = NULL;
    if (dir == NULL)
        return wf_fail_errno(err, WEFT_E_IO, wf_package_dir(q->package), "cannot be found");
    FILE *f = open_memstream(&text, &bytes);
    if (f != NULL)
        print_note(f, q, dir);
    if (f != NULL && fclose(f) == 0 && text != NULL)
        *note = wf_strdup(text);
    free(text);
    free(dir);
    return *note != NULL ? WEFT_OK
                         : wf_fail_nomem(err, WF_PART_PATH_BYTES, "a list of weight files");
}

/* Whether the note in the directory begins with n bytes of this one, its NUL among them where all
 * are to be equal. */
static weft_status check_note(const wf_part *p, const char *note, size_t n, weft_error *err)
{
    char        path[WF_PART_PATH_BYTES], *found = NULL;
    uint64_t    bytes;
    weft_status status = wf_part_path(p, WF_PART_NOTE, path, err);
    if (status == WEFT_OK)
        status = wf_file_load(path, WF_PART_NOTE_BYTES, &found, &bytes, err);
    if (status == WEFT_E_NOTFOUND)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: holds files that are not of weft model quantize: remove it, or choose "
                       "another directory to write",
                       wf_quote(p->part).s);
    if (status == WEFT_OK && strncmp(found, note, n) != 0)
        status = wf_fail(err, WEFT_E_INVALID,
                         "%s was begun from other files or with other options: remove it, or "
                         "choose another directory to write",
                         wf_quote(p->part).s);
    wf_free(found);
    return status;
}

/* ---- beginning and end ---- */

weft_status wf_part_can(const wf_quantize *q, weft_error *err)
{
    wf_part     p;
    char       *note = NULL;
    bool        work = false;
    weft_status status = name_part(q, &p, err);
    if (status == WEFT_OK)
        status = make_note(q, &note, err);
    if (status == WEFT_OK)
        status = lock(&p, err);
    if (status == WEFT_OK)
        status = find_work(&p, &work, err);
    if (status == WEFT_OK && work)
        status = check_note(&p, note, strlen(note) - 1, err);
    if (status == WEFT_OK && faccessat(AT_FDCWD, p.part, W_OK | X_OK, AT_EACCESS) != 0)
        status = wf_fail_errno(err, WEFT_E_IO, p.part, "cannot be written");
    wf_part_leave(&p);
    wf_free(note);
    return status;
}

static weft_status begin_locked(const wf_part *p, const char *note, weft_error *err)
{
    bool        work;
    weft_status status = find_work(p, &work, err);
    if (status != WEFT_OK || work)
        return status == WEFT_OK ? check_note(p, note, strlen(note) + 1, err) : status;
    remove_unfinished(p);
    return wf_part_write(p, WF_PART_NOTE, note, strlen(note), err);
}

weft_status wf_part_begin(const wf_quantize *q, wf_part *p, weft_error *err)
{
    char       *note = NULL;
    weft_status status = name_part(q, p, err);
    if (status == WEFT_OK)
        status = make_note(q, &note, err);
    if (status == WEFT_OK)
        status = lock(p, err);
    if (status == WEFT_OK)
        status = begin_locked(p, note, err);
    wf_free(note);
    if (status != WEFT_OK)
        wf_part_leave(p);
    return status;
}

weft_status wf_part_finish(wf_part *p, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (rename(p->part, p->out) != 0)
        status = wf_fail(err, WEFT_E_IO, "%s: cannot be renamed to %s: %s", wf_quote(p->part).s,
                         wf_quote(p->out).s, strerror(errno));
    else if (unlinkat(p->lock, WF_PART_NOTE, 0) != 0)
        status = wf_fail_errno(err, WEFT_E_IO, p->out, "its " WF_PART_NOTE " cannot be removed");
    unlock(p);
    return status;
}
