/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files at offsets. */
#include "core/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/text.h"

#define CHUNK_MAX ((uint64_t)1 << 30) /* Linux moves at most 2 GiB - 4 KiB per call */

weft_status wf_fail_errno(weft_error *err, weft_status code, const char *path, const char *what)
{
    char reason[128];
    snprintf(reason, sizeof(reason), "%m"); /* strerror_r is another function in each C library */
    return wf_fail(err, code, "%s: %s: %s", wf_quote(path).s, what, reason);
}

static weft_status stat_regular(wf_file *f, weft_error *err)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return wf_fail_errno(err, WEFT_E_IO, f->path, "cannot be examined");
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
        status = wf_fail_errno(err, WEFT_E_IO, path, "cannot be opened");
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
            return wf_fail_errno(err, WEFT_E_IO, f->path, "cannot be read");
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
