/* SPDX-License-Identifier: Apache-2.0 */
/* The directory around the weight files: what it is called while it grows, what else goes into it.
 */
#include "core/model/quantize.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"
#include "core/io/writer.h"

#define PATH_BYTES 4096
#define NOTE "weft-quantize.txt" /* what an unfinished directory is made of */
#define INDEX "model.safetensors.index.json"
#define OTHER_FILE_BYTES ((uint64_t)64 << 20) /* larger ones are no configuration */

typedef struct places {
    char out[PATH_BYTES], part[PATH_BYTES];
} places;

static weft_status places_of(const wf_quantize *q, places *at, weft_error *err)
{
    size_t n = strlen(q->out);
    while (n > 1 && q->out[n - 1] == '/')
        n--;
    if (n == 0 || n + sizeof ".part" > PATH_BYTES)
        return wf_fail(err, WEFT_E_INVALID, "the directory to write has no name, or one too long");
    snprintf(at->out, sizeof at->out, "%.*s", (int)n, q->out);
    snprintf(at->part, sizeof at->part, "%.*s.part", (int)n, q->out);
    return WEFT_OK;
}

static weft_status path_in(const places *at, const char *name, char *path, weft_error *err)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s", at->part, name);
    return n > 0 && n < PATH_BYTES
               ? WEFT_OK
               : wf_fail(err, WEFT_E_INVALID, "%s: its name is too long", wf_quote(name).s);
}

static weft_status write_whole(const places *at, const char *name, const char *text, uint64_t bytes,
                               weft_error *err)
{
    char        path[PATH_BYTES];
    wf_writer  *w;
    weft_status status = path_in(at, name, path, err);
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

/* ---- what an unfinished directory is made of ---- */

/* The note's text, for wf_free; NULL: no memory. */
static char *note_text(const wf_quantize *q)
{
    const wf_st_file *file;
    const char       *name;
    char             *text = NULL;
    size_t            bytes = 0;
    char             *dir = realpath(wf_package_dir(q->package), NULL);
    FILE             *f = open_memstream(&text, &bytes);
    if (f == NULL || dir == NULL) {
        free(dir);
        return NULL;
    }
    fprintf(f, "%s\n%s\n", dir, q->what);
    for (uint32_t i = 0; (file = wf_package_file(q->package, i, &name)) != NULL; i++)
        fprintf(f, "%llu %s\n", (unsigned long long)file->file.bytes, name);
    free(dir);
    int   failed = fclose(f);
    char *own = failed == 0 && text != NULL ? wf_strdup(text) : NULL;
    free(text);
    return own;
}

/* Whether the directory can be listed and holds nothing, but perhaps the note. */
static bool holds_no_work(const places *at)
{
    DIR           *d = opendir(at->part);
    struct dirent *entry;
    bool           none = d != NULL;
    while (none && (entry = readdir(d)) != NULL)
        none = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
               strcmp(entry->d_name, NOTE) == 0;
    if (d != NULL)
        closedir(d);
    return none;
}

/* After a failure: a directory without a file that the next run could keep goes, too. */
static void drop_without_work(const places *at)
{
    char path[PATH_BYTES];
    if (!holds_no_work(at) || path_in(at, NOTE, path, NULL) != WEFT_OK)
        return;
    (void)unlink(path);
    (void)rmdir(at->part);
}

static weft_status write_note(const places *at, const char *note, weft_error *err)
{
    weft_status status = write_whole(at, NOTE, note, strlen(note), err);
    if (status != WEFT_OK)
        drop_without_work(at);
    return status;
}

/* Begins the directory, or takes up one that was begun for the same, or that holds nothing yet. */
static weft_status begin(const places *at, const char *note, weft_error *err)
{
    char        path[PATH_BYTES], *found = NULL;
    uint64_t    bytes;
    weft_status status = path_in(at, NOTE, path, err);
    if (status != WEFT_OK)
        return status;
    if (mkdir(at->part, 0777) == 0)
        return write_note(at, note, err);
    if (errno != EEXIST)
        return wf_fail(err, WEFT_E_IO, "%s: cannot be made: %s", wf_quote(at->part).s,
                       strerror(errno));
    if (holds_no_work(at))
        return write_note(at, note, err);
    status = wf_file_load(path, OTHER_FILE_BYTES, &found, &bytes, err);
    bool same = status == WEFT_OK && strcmp(found, note) == 0;
    wf_free(found);
    if (same)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID,
                   "%s was begun from other files or with other options: remove it, or choose "
                   "another directory to write",
                   wf_quote(at->part).s);
}

/* ---- weight files ---- */

static weft_status check_files(const wf_quantize *q, weft_error *err)
{
    const wf_st_file *file;
    const char       *name;
    weft_status       status = WEFT_OK;
    for (uint32_t i = 0;
         status == WEFT_OK && (file = wf_package_file(q->package, i, &name)) != NULL; i++)
        status = wf_quantize_check(q, file, err);
    return status;
}

/* Whether an earlier run has written the file. */
static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static weft_status write_files(const wf_quantize *q, const places *at, weft_error *err)
{
    const wf_st_file *file;
    const char       *name;
    char              path[PATH_BYTES];
    uint64_t          done = 0;
    weft_status       status = WEFT_OK;
    for (uint32_t i = 0;
         status == WEFT_OK && (file = wf_package_file(q->package, i, &name)) != NULL; i++) {
        status = path_in(at, name, path, err);
        if (status == WEFT_OK && is_there(path))
            done += file->file.bytes;
        else if (status == WEFT_OK)
            status = wf_quantize_file(q, file, path, &done, err);
    }
    return status;
}

/* The index, where the directory has one: the same files, and another sum of bytes. */
static weft_status write_index(const wf_quantize *q, const places *at, weft_error *err)
{
    const json_t *index;
    wf_st_file    file;
    const char   *name;
    char          path[PATH_BYTES];
    uint64_t      total = 0;
    weft_status   status = wf_package_json(q->package, INDEX, &index, err);
    if (status == WEFT_E_NOTFOUND)
        return WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && wf_package_file(q->package, i, &name) != NULL; i++) {
        status = path_in(at, name, path, err);
        if (status == WEFT_OK)
            status = wf_st_open(path, &file, err);
        for (uint64_t k = 0; status == WEFT_OK && k < file.n_tensors; k++)
            total += file.tensors[k].bytes;
        if (status == WEFT_OK)
            wf_st_close(&file);
    }
    if (status != WEFT_OK)
        return status;
    json_t *copy = json_pack("{s:{s:I}, s:O}", "metadata", "total_size", (json_int_t)total,
                             "weight_map", json_object_get(index, "weight_map"));
    char   *text = copy != NULL ? json_dumps(copy, JSON_INDENT(2)) : NULL;
    status = text != NULL ? write_whole(at, INDEX, text, strlen(text), err)
                          : wf_fail_nomem(err, sizeof(json_t), INDEX);
    wf_free(text);
    json_decref(copy);
    return status;
}

/* ---- the other files ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

/* Weights of any kind, sums over them, and what is hidden. */
static bool is_left_out(const char *name)
{
    static const char *const ends[] = {".safetensors", INDEX,   ".bin", ".bin.index.json", ".pt",
                                       ".pth",         ".gguf", ".h5",  ".msgpack",        ".onnx"};
    bool                     out = name[0] == '.' || strcmp(name, NOTE) == 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        out = out || ends_with(name, ends[i]);
    return out;
}

static weft_status copy_file(const wf_quantize *q, const places *at, const char *name,
                             weft_error *err)
{
    char        path[PATH_BYTES], *text = NULL;
    struct stat st;
    uint64_t    bytes;
    weft_status status = wf_package_path(q->package, name, path, sizeof path, err);
    if (status != WEFT_OK || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return status;
    status = wf_file_load(path, OTHER_FILE_BYTES, &text, &bytes, err);
    if (status == WEFT_OK)
        status = write_whole(at, name, text, bytes, err);
    wf_free(text);
    return status;
}

static weft_status copy_files(const wf_quantize *q, const places *at, weft_error *err)
{
    DIR           *d = opendir(wf_package_dir(q->package));
    struct dirent *entry;
    weft_status    status = WEFT_OK;
    if (d == NULL)
        return wf_fail(err, WEFT_E_IO, "%s: cannot be listed: %s", wf_package_dir(q->package),
                       strerror(errno));
    while (status == WEFT_OK && (entry = readdir(d)) != NULL)
        if (!is_left_out(entry->d_name))
            status = copy_file(q, at, entry->d_name, err);
    closedir(d);
    return status;
}

static weft_status finish(const places *at, weft_error *err)
{
    char        path[PATH_BYTES];
    weft_status status = path_in(at, NOTE, path, err);
    if (status == WEFT_OK && (unlink(path) != 0 || rename(at->part, at->out) != 0))
        status = wf_fail(err, WEFT_E_IO, "%s: cannot be renamed to %s: %s", wf_quote(at->part).s,
                         wf_quote(at->out).s, strerror(errno));
    return status;
}

/* Everything that goes into the directory, which has begun. */
static weft_status write_all(const wf_quantize *q, const places *at, weft_error *err)
{
    weft_status status = write_files(q, at, err);
    if (status == WEFT_OK)
        status = write_index(q, at, err);
    if (status == WEFT_OK)
        status = copy_files(q, at, err);
    if (status != WEFT_OK)
        drop_without_work(at);
    return status;
}

/* What can be told before any work. */
static weft_status check(const wf_quantize *q, places *at, weft_error *err)
{
    struct stat st;
    weft_status status = places_of(q, at, err);
    if (wf_package_gguf(q->package) != NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: a GGUF file, which is not written anew; --quantize makes its weights "
                       "smaller while they are loaded",
                       wf_quote(wf_package_dir(q->package)).s);
    if (status == WEFT_OK && lstat(at->out, &st) == 0)
        return wf_fail(err, WEFT_E_INVALID, "%s: exists already; give a directory that does not",
                       wf_quote(at->out).s);
    return status == WEFT_OK ? check_files(q, err) : status;
}

weft_status wf_quantize_can(const wf_quantize *q, weft_error *err)
{
    places at;
    return check(q, &at, err);
}

weft_status wf_quantize_package(const wf_quantize *q, weft_error *err)
{
    places      at;
    char       *note;
    weft_status status = check(q, &at, err);
    if (status != WEFT_OK)
        return status;
    if ((note = note_text(q)) == NULL)
        return wf_fail_nomem(err, PATH_BYTES, "a list of files");
    status = begin(&at, note, err);
    wf_free(note);
    if (status == WEFT_OK)
        status = write_all(q, &at, err);
    return status == WEFT_OK ? finish(&at, err) : status;
}
