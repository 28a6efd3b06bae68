/* SPDX-License-Identifier: Apache-2.0 */
/* A file grows under another name in its folder, so that its own name never stands for a half. */
#include "core/io/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"

#define CHUNK_MAX ((uint64_t)1 << 30) /* Linux moves at most 2 GiB - 4 KiB per call */
#define PART_PREFIX ".weft-"
#define NAME_KEPT 200 /* bytes of a name; file systems take 255 with all that is around it */
#define TRIES 100

struct wf_writer {
    int       fd;
    bool      failed;
    bool      created; /* the part was made here, and is to be removed on failure */
    char     *path;    /* as it was given */
    wf_target target;
    char     *part; /* NULL: a stream */
};

static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/* ".weft-NAME" beside target; of a long name the beginning and a hash. */
static char *part_name(const char *target)
{
    const char *slash = strrchr(target, '/'), *name = slash != NULL ? slash + 1 : target;
    size_t      folder = (size_t)(name - target), n = strlen(name);
    size_t      cap = folder + sizeof PART_PREFIX + n + 20;
    char       *part = wf_alloc(cap);
    if (part == NULL)
        return NULL;
    memcpy(part, target, folder);
    if (n <= NAME_KEPT)
        snprintf(part + folder, cap - folder, PART_PREFIX "%s", name);
    else
        snprintf(part + folder, cap - folder, PART_PREFIX "%.*s-%016" PRIx64, NAME_KEPT, name,
                 hash_of(name));
    return part;
}

/* Not every file system has locks; one without them is written all the same. */
static bool is_locked_elsewhere(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static bool has_its_name(const wf_writer *w)
{
    struct stat held, named;
    return fstat(w->fd, &held) == 0 && S_ISREG(held.st_mode) && lstat(w->part, &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static void close_part(wf_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* What a killed process left is removed, under its lock, so that the new one has the right mode.
 * *busy: somebody is writing it. */
static weft_status remove_leftover(wf_writer *w, int32_t *busy, weft_error *err)
{
    w->fd = open(w->part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (w->fd < 0 && (errno == ENOENT || errno == EINTR))
        return WEFT_OK;
    if (w->fd < 0)
        return wf_fail_errno(err, WEFT_E_IO, w->part, "stands in the way");
    *busy = is_locked_elsewhere(w->fd);
    if (*busy == 0 && has_its_name(w))
        (void)unlink(w->part);
    close_part(w);
    return *busy == 0
               ? WEFT_OK
               : wf_fail(err, WEFT_E_IO, "%s: another process is writing it", wf_quote(w->path).s);
}

/* A file that is replaced keeps its owner where that may be set, and its mode; until then nobody
 * else may open what will hold its bytes. */
static weft_status keep_mode(wf_writer *w, weft_error *err)
{
    const wf_target *t = &w->target;
    if (!t->exists)
        return WEFT_OK;
    bool owned = fchown(w->fd, t->uid, t->gid) == 0;
    if (fchmod(w->fd, owned ? t->mode : t->mode & (mode_t)~0070) != 0)
        return wf_fail_errno(err, WEFT_E_IO, w->path,
                             "cannot get the mode of the file it replaces");
    return WEFT_OK;
}

/* Between opening and locking, a process that took this for a leftover may have removed it: then
 * this tries again. */
static weft_status open_part(wf_writer *w, int32_t *busy, weft_error *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    for (int i = 0; i < TRIES; i++) {
        w->fd = open(w->part, flags, w->target.exists ? 0600 : 0666);
        if (w->fd >= 0 && !is_locked_elsewhere(w->fd) && has_its_name(w)) {
            w->created = true;
            return keep_mode(w, err);
        }
        int why = w->fd >= 0 ? EEXIST : errno;
        close_part(w);
        errno = why;
        if (why != EEXIST && why != EINTR)
            return wf_fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
        weft_status status = why == EEXIST ? remove_leftover(w, busy, err) : WEFT_OK;
        if (status != WEFT_OK)
            return status;
    }
    return wf_fail(err, WEFT_E_IO, "%s: cannot be written beside other writers",
                   wf_quote(w->path).s);
}

static weft_status open_stream(wf_writer *w, weft_error *err)
{
    const wf_target *t = &w->target;
    do
        w->fd = t->descriptor >= 0 ? fcntl(t->descriptor, F_DUPFD_CLOEXEC, 0)
                                   : open(t->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    while (w->fd < 0 && errno == EINTR);
    return w->fd >= 0 ? WEFT_OK : wf_fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
}

static weft_status open_target(wf_writer *w, int32_t *busy, weft_error *err)
{
    weft_status status = wf_target_find(w->path, &w->target, err);
    if (status != WEFT_OK)
        return status;
    if (w->target.descriptor >= 0 || w->target.stream)
        return open_stream(w, err);
    w->part = part_name(w->target.path);
    if (w->part == NULL)
        return wf_fail_nomem(err, strlen(w->target.path), "a file name");
    return open_part(w, busy, err);
}

weft_status wf_writer_open(const char *path, int32_t *busy, wf_writer **out, weft_error *err)
{
    int32_t    unheard = 0, *is_busy = busy != NULL ? busy : &unheard;
    wf_writer *w = wf_zalloc(sizeof(*w));
    *out = NULL;
    *is_busy = 0;
    if (w == NULL)
        return wf_fail_nomem(err, sizeof(*w), "a file to write");
    w->fd = -1;
    w->path = wf_strdup(path);
    weft_status status = w->path != NULL ? open_target(w, is_busy, err)
                                         : wf_fail_nomem(err, strlen(path) + 1, "a file name");
    if (status == WEFT_OK)
        *out = w;
    else
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
            return wf_fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
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

/* Some file systems tell only here that the disk is full. */
static weft_status close_stream(wf_writer *w, weft_error *err)
{
    int fd = w->fd;
    w->fd = -1;
    return close(fd) == 0 || errno == EINTR
               ? WEFT_OK
               : wf_fail_errno(err, WEFT_E_IO, w->path, "cannot be written");
}

weft_status wf_writer_commit(wf_writer **w, weft_error *err)
{
    wf_writer  *held = *w;
    weft_status status = WEFT_OK;
    if (held->failed)
        status = wf_fail(err, WEFT_E_IO, "%s: not kept, since writing it failed",
                         wf_quote(held->path).s);
    else if (held->part == NULL)
        status = close_stream(held, err);
    else if (fsync(held->fd) != 0 || rename(held->part, held->target.path) != 0)
        status = wf_fail_errno(err, WEFT_E_IO, held->path, "cannot be written");
    if (status == WEFT_OK && held->part != NULL) {
        held->created = false;
        directory_sync(held->target.path);
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
    close_part(*w);
    wf_free((*w)->path);
    wf_free((*w)->target.path);
    wf_free((*w)->part);
    wf_free(*w);
    *w = NULL;
}
