/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes for decoders: a file at any offset, or a pipe whose first bytes are kept so that a decoder
 * may look again. */
#include "core/media/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

#define POLL_MS 100 /* how long a wait for a pipe may overlook a cancel */
#define PIPE_BLOCK 65536

static int64_t file_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    wf_source *s = ctx;
    if (offset >= s->file.bytes)
        return 0;
    uint64_t    part = n < s->file.bytes - offset ? n : s->file.bytes - offset;
    weft_status status = wf_file_read(&s->file, offset, dst, part, NULL);
    return status == WEFT_OK ? (int64_t)part : status;
}

static int64_t file_length(void *ctx)
{
    return (int64_t)((wf_source *)ctx)->file.bytes;
}

static int64_t pipe_length(void *ctx)
{
    (void)ctx;
    return -1;
}

/* Waits until the pipe can be read without waiting: it holds bytes or has ended. */
static weft_status pipe_wait(const wf_source *s)
{
    struct pollfd p = {.fd = s->file.fd, .events = POLLIN};
    int           r = 0;
    while (r <= 0) {
        if (wf_mark_is_cancelled(&s->mark))
            return WEFT_E_CANCELLED;
        r = poll(&p, 1, POLL_MS);
        if (r < 0 && errno != EINTR)
            return WEFT_E_IO;
    }
    return WEFT_OK;
}

/* What the pipe has now, up to n bytes, waiting until there is something; 0 at its end. */
static int64_t pipe_some(wf_source *s, void *dst, uint64_t n)
{
    for (;;) {
        weft_status status = pipe_wait(s);
        if (status != WEFT_OK)
            return status;
        ssize_t r = read(s->file.fd, dst, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return WEFT_E_IO;
        s->at += (uint64_t)r;
        return r;
    }
}

/* n bytes from the pipe; less only at its end. */
static int64_t pipe_take(wf_source *s, void *dst, uint64_t n)
{
    uint64_t got = 0;
    while (got < n) {
        int64_t r = pipe_some(s, (uint8_t *)dst + got, n - got);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        got += (uint64_t)r;
    }
    return (int64_t)got;
}

static weft_status keep_room(wf_source *s, uint64_t bytes)
{
    if (bytes <= s->kept_cap)
        return WEFT_OK;
    uint64_t cap = s->kept_cap * 2 > bytes ? s->kept_cap * 2 : bytes;
    uint8_t *p = wf_realloc(s->kept, (size_t)cap);
    if (p == NULL)
        return WEFT_E_NOMEM;
    s->kept = p;
    s->kept_cap = cap;
    return WEFT_OK;
}

/* Keeps the pipe's bytes up to `end`, which is at most WF_PIPE_KEPT. More is taken where more is
 * there, but nothing past `end` is waited for: who speaks into a pipe is heard at once. */
static weft_status pipe_fill(wf_source *s, uint64_t end)
{
    while (s->at == s->n_kept && s->n_kept < end) {
        uint64_t want = end - s->n_kept < PIPE_BLOCK ? PIPE_BLOCK : end - s->n_kept;
        want = want < WF_PIPE_KEPT - s->n_kept ? want : WF_PIPE_KEPT - s->n_kept;
        weft_status status = keep_room(s, s->n_kept + want);
        if (status != WEFT_OK)
            return status;
        int64_t got = pipe_some(s, s->kept + s->n_kept, want);
        if (got <= 0)
            return (weft_status)got;
        s->n_kept += (uint64_t)got;
    }
    return WEFT_OK;
}

/* Reads beyond the kept start of a pipe, where bytes come once and in order: an earlier offset is
 * refused, and what lies before a later one is skipped. */
static int64_t pipe_stream(wf_source *s, uint64_t offset, void *dst, uint64_t n)
{
    uint8_t skip[4096];
    if (offset < s->at)
        return WEFT_E_UNSUPPORTED;
    while (s->at < offset) {
        uint64_t part = offset - s->at < sizeof skip ? offset - s->at : sizeof skip;
        int64_t  got = pipe_take(s, skip, part);
        if (got < 0 || (uint64_t)got < part)
            return got < 0 ? got : 0;
    }
    return pipe_take(s, dst, n);
}

static int64_t pipe_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    wf_source  *s = ctx;
    uint64_t    end = offset + n < offset ? UINT64_MAX : offset + n, part = 0;
    weft_status status = pipe_fill(s, end < WF_PIPE_KEPT ? end : WF_PIPE_KEPT);
    if (status != WEFT_OK)
        return status;
    if (offset < s->n_kept) {
        part = n < s->n_kept - offset ? n : s->n_kept - offset;
        memcpy(dst, s->kept + offset, (size_t)part);
    }
    if (part == n || s->n_kept < WF_PIPE_KEPT)
        return (int64_t)part;
    int64_t rest = pipe_stream(s, offset + part, (uint8_t *)dst + part, n - part);
    return rest < 0 ? rest : (int64_t)part + rest;
}

/* read_at of a source that has a prefix: bytes that stand before the file's own. A read that begins
 * in the prefix ends with it. */
static int64_t prefixed_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    wf_source *s = ctx;
    if (offset >= s->n_prefix)
        return s->is_pipe ? pipe_read_at(ctx, offset - s->n_prefix, dst, n)
                          : file_read_at(ctx, offset - s->n_prefix, dst, n);
    uint64_t part = n < s->n_prefix - offset ? n : s->n_prefix - offset;
    memcpy(dst, s->prefix + offset, (size_t)part);
    return (int64_t)part;
}

static int64_t prefixed_length(void *ctx)
{
    wf_source *s = ctx;
    return s->is_pipe ? -1 : file_length(ctx) + (int64_t)s->n_prefix;
}

void wf_source_prefix(wf_source *s, const uint8_t *p, uint64_t n)
{
    s->prefix = p;
    s->n_prefix = n;
    s->pub.read_at = prefixed_read_at;
    s->pub.length = prefixed_length;
}

static void set_source(wf_source *s, bool pipe)
{
    s->is_pipe = pipe;
    s->pub = (weft_source){WEFT_HDR(weft_source), s, pipe ? pipe_read_at : file_read_at,
                           pipe ? pipe_length : file_length};
}

weft_status wf_source_open(const char *path, const wf_mark *mark, wf_source *out, weft_error *err)
{
    struct stat st;
    memset(out, 0, sizeof *out);
    out->file.fd = -1;
    out->mark = *mark;
    if (strcmp(path, "-") == 0) {
        out->file.fd = STDIN_FILENO;
        set_source(out, true);
        return WEFT_OK;
    }
    if (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        out->file.fd = open(path, O_RDONLY | O_CLOEXEC);
        if (out->file.fd < 0)
            return wf_fail(err, WEFT_E_IO, "%s: %s", path, strerror(errno));
        out->owns_fd = 1;
        set_source(out, true);
        return WEFT_OK;
    }
    weft_status status = wf_file_open(path, &out->file, err);
    set_source(out, false);
    return status;
}

void wf_source_close(wf_source *s)
{
    if (!s->is_pipe)
        wf_file_close(&s->file);
    else if (s->owns_fd)
        close(s->file.fd);
    wf_free(s->kept);
    memset(s, 0, sizeof *s);
    s->file.fd = -1;
    s->is_pipe = 1; /* nothing left to close */
}
