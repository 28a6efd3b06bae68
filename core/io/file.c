/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files at offsets, and writes them as a whole or not at all. */
#include "core/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/text.h"

#define CHUNK_MAX ((uint64_t)1 << 30) /* Linux moves at most 2 GiB - 4 KiB per call */
#define PART_SUFFIX ".weft-part"

/* Fails with the message "PATH: WHAT: reason", whose reason comes from errno. */
static weft_status fail_errno(weft_error *err, weft_status code, const char *path, const char *what)
{
    char reason[128];
    snprintf(reason, sizeof(reason), "%m"); /* strerror_r is another function in each C library */
    return wf_fail(err, code, "%s: %s: %s", wf_quote(path).s, what, reason);
}

static weft_status stat_regular(wf_file *f, weft_error *err)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return fail_errno(err, WEFT_E_IO, f->path, "cannot be examined");
    if (!S_ISREG(st.st_mode))
        return wf_fail(err, WEFT_E_IO, "%s: %s, where a regular file is needed",
                       wf_quote(f->path).s,
                       S_ISDIR(st.st_mode) ? "is a directory" : "is a pipe, socket or device");
    f->bytes = (uint64_t)st.st_size;
    return WEFT_OK;
}

weft_status wf_file_open(const char *path, wf_file *out, weft_error *err)
{
    *out = (wf_file){.fd = -1};
    out->path = wf_strdup(path);
    if (out->path == NULL)
        return wf_fail_nomem(err, strlen(path) + 1, "a file name");
    /* Without O_NONBLOCK the open of a FIFO would wait for a writer. */
    do
        out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (out->fd < 0 && errno == EINTR);

    weft_status status;
    if (out->fd >= 0)
        status = stat_regular(out, err);
    else if (errno == ENOENT || errno == ENOTDIR)
        status = wf_fail(err, WEFT_E_NOTFOUND, "%s: no such file", wf_quote(path).s);
    else
        status = fail_errno(err, WEFT_E_IO, path, "cannot be opened");
    if (status != WEFT_OK)
        wf_file_close(out);
    return status;
}

void wf_file_close(wf_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    wf_free(f->path);
    *f = (wf_file){.fd = -1};
}

weft_status wf_file_read(const wf_file *f, uint64_t offset, void *dst, uint64_t n, weft_error *err)
{
    uint64_t end, done = 0;
    if (!wf_add(offset, n, &end) || end > f->bytes)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: %" PRIu64 " bytes at %" PRIu64 " reach past its end at %" PRIu64,
                       wf_quote(f->path).s, n, offset, f->bytes);
    while (done < n) {
        size_t  want = (size_t)(n - done < CHUNK_MAX ? n - done : CHUNK_MAX);
        ssize_t got = pread(f->fd, (char *)dst + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, WEFT_E_IO, f->path, "cannot be read");
        if (got == 0)
            return wf_fail(err, WEFT_E_IO,
                           "%s: ended early at byte %" PRIu64 ": it shrank while it was read",
                           wf_quote(f->path).s, offset + done);
        done += (uint64_t)got;
    }
    return WEFT_OK;
}

weft_status wf_file_load(const char *path, uint64_t max_bytes, char **out, uint64_t *bytes,
                         weft_error *err)
{
    wf_file f;
    char   *text = NULL;
    *out = NULL;
    *bytes = 0;
    weft_status status = wf_file_open(path, &f, err);
    if (status != WEFT_OK)
        return status;
    if (f.bytes > max_bytes) {
        status = wf_fail(err, WEFT_E_LIMIT,
                         "%s: %" PRIu64 " bytes, over the limit of %" PRIu64 " for such a file",
                         wf_quote(path).s, f.bytes, max_bytes);
        goto out;
    }
    text = wf_alloc((size_t)f.bytes + 1);
    if (text == NULL) {
        status = wf_fail_nomem(err, f.bytes + 1, wf_quote(path).s);
        goto out;
    }
    status = wf_file_read(&f, 0, text, f.bytes, err);
    if (status != WEFT_OK)
        goto out;
    text[f.bytes] = '\0';
    *bytes = f.bytes;
    *out = text;
    text = NULL;
out:
    wf_free(text);
    wf_file_close(&f);
    return status;
}

struct wf_writer {
    int   fd;
    bool  failed;
    bool  created; /* the temporary file was made here, and is to be removed on failure */
    char *path, *part;
};

/* Refuses a target that is a device or a directory: renaming over it would replace it, or fail only
 * at the end. */
static weft_status target_check(const char *path, weft_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return wf_fail(err, WEFT_E_IO, "%s: exists and is no regular file; choose another name",
                       wf_quote(path).s);
    return WEFT_OK;
}

/* Opens the temporary file and locks it. A file that a killed process left is taken over; one that
 * another process is writing is refused. Between opening and locking, that process may have renamed
 * the file. The name then means another file, and this tries again. */
static weft_status part_open(wf_writer *w, weft_error *err)
{
    struct stat held, named;
    for (int32_t tries = 0; tries < 100; tries++) {
        w->fd = open(w->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (w->fd < 0 && errno == EINTR)
            continue;
        if (w->fd < 0)
            return fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
        if (flock(w->fd, LOCK_EX | LOCK_NB) != 0)
            return wf_fail(err, WEFT_E_IO, "%s: another process is writing it",
                           wf_quote(w->path).s);
        if (fstat(w->fd, &held) == 0 && S_ISREG(held.st_mode) && lstat(w->part, &named) == 0 &&
            held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            w->created = true;
            return ftruncate(w->fd, 0) == 0
                       ? WEFT_OK
                       : fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
        }
        close(w->fd);
        w->fd = -1;
    }
    return wf_fail(err, WEFT_E_IO, "%s: cannot be written beside other writers",
                   wf_quote(w->path).s);
}

weft_status wf_writer_open(const char *path, wf_writer **out, weft_error *err)
{
    *out = NULL;
    weft_status status = target_check(path, err);
    if (status != WEFT_OK)
        return status;
    wf_writer *w = wf_zalloc(sizeof(*w));
    if (w == NULL)
        return wf_fail_nomem(err, sizeof(*w), "a file to write");
    w->fd = -1;
    size_t n = strlen(path) + sizeof(PART_SUFFIX);
    w->path = wf_strdup(path);
    w->part = wf_alloc(n);
    if (w->path == NULL || w->part == NULL) {
        status = wf_fail_nomem(err, n, "a file name");
        goto fail;
    }
    snprintf(w->part, n, "%s" PART_SUFFIX, path);
    status = part_open(w, err);
    if (status != WEFT_OK)
        goto fail;
    *out = w;
    return WEFT_OK;
fail:
    wf_writer_abort(&w);
    return status;
}

weft_status wf_writer_write(wf_writer *w, const void *src, uint64_t n, weft_error *err)
{
    uint64_t done = 0;
    while (done < n) {
        size_t  want = (size_t)(n - done < CHUNK_MAX ? n - done : CHUNK_MAX);
        ssize_t put = write(w->fd, (const char *)src + done, want);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            w->failed = true;
            return fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
        }
        done += (uint64_t)put;
    }
    return WEFT_OK;
}

/* Makes the new name survive a power cut. Not every file system can do that, so it is no failure
 * where this one cannot. */
static void directory_sync(const char *path)
{
    const char *slash = strrchr(path, '/');
    char       *dir = slash == NULL   ? wf_strdup(".")
                      : slash == path ? wf_strdup("/")
                                      : wf_strndup(path, (size_t)(slash - path));
    if (dir == NULL)
        return;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    wf_free(dir);
}

weft_status wf_writer_commit(wf_writer **w, weft_error *err)
{
    wf_writer  *held = *w;
    weft_status status = WEFT_OK;
    if (held->failed)
        status = wf_fail(err, WEFT_E_IO, "%s: not kept, since writing it failed",
                         wf_quote(held->path).s);
    else if (fsync(held->fd) != 0 || rename(held->part, held->path) != 0)
        status = fail_errno(err, WEFT_E_IO, held->path, "cannot be written");
    if (status == WEFT_OK) {
        held->created = false;
        directory_sync(held->path);
    }
    wf_writer_abort(w);
    return status;
}

void wf_writer_abort(wf_writer **w)
{
    if (*w == NULL)
        return;
    /* It is removed while the lock is held, so nobody else can have taken it over. */
    if ((*w)->created)
        (void)unlink((*w)->part);
    if ((*w)->fd >= 0)
        close((*w)->fd);
    wf_free((*w)->path);
    wf_free((*w)->part);
    wf_free(*w);
    *w = NULL;
}
