/* SPDX-License-Identifier: Apache-2.0 */
/* Lets FFmpeg read from a weft_source. FFmpeg sees no other bytes: it opens no file itself. */
#include "clip.h"

#include <string.h>

#define BUFFER_BYTES 32768
#define KEPT_BYTES                                                                                 \
    ((int64_t)64 << 20) /* the host keeps so much of a pipe: enough for what phones send */

void clip_io_init(clip_io *io, const weft_host *host, const weft_source *source)
{
    size_t n = source->hdr.size < sizeof io->source ? source->hdr.size : sizeof io->source;
    memset(io, 0, sizeof *io);
    io->host = host;
    memcpy(&io->source, source, n);
    io->length = io->source.length != NULL ? io->source.length(io->source.ctx) : -1;
    if (io->length < 0)
        io->length = -1;
}

int clip_cancelled(void *opaque)
{
    clip_io *io = opaque;
    if (io->host->cancelled == NULL || !io->host->cancelled(io->host))
        return 0;
    io->status = WEFT_E_CANCELLED;
    return 1;
}

/* Asks the source once. It may give less than asked before its end, as a pipe does, but it gives
 * nothing only at its end. */
static int64_t fetch(clip_io *io, int64_t at, uint8_t *dst, int64_t n)
{
    if (clip_cancelled(io))
        return -1;
    if (io->held != NULL) {
        n = at >= io->length ? 0 : n < io->length - at ? n : io->length - at;
        memcpy(dst, io->held + at, (size_t)n);
        return n;
    }
    int64_t got = io->source.read_at(io->source.ctx, (uint64_t)at, dst, (uint64_t)n);
    if (got < 0)
        io->status = (weft_status)got;
    return got > n ? n : got;
}

static int on_read(void *opaque, uint8_t *dst, int n)
{
    clip_io *io = opaque;
    int64_t  got = fetch(io, io->at, dst, n);
    if (got < 0)
        return io->status == WEFT_E_CANCELLED ? AVERROR_EXIT : AVERROR(EIO);
    if (got == 0)
        return AVERROR_EOF;
    io->at += got;
    return (int)got;
}

static int64_t on_seek(void *opaque, int64_t offset, int whence)
{
    clip_io *io = opaque;
    int64_t  base = 0, to;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return io->length >= 0 ? io->length : AVERROR(ENOSYS);
    if (whence == SEEK_CUR)
        base = io->at;
    else if (whence == SEEK_END)
        base = io->length;
    if (base < 0 || __builtin_add_overflow(base, offset, &to) || to < 0)
        return AVERROR(EINVAL);
    io->at = to;
    return to;
}

void clip_io_find_end(clip_io *io)
{
    uint8_t scratch[4096];
    int64_t at = 0, got = 1;
    while (io->length < 0 && at < KEPT_BYTES && got > 0) {
        got = fetch(io, at, scratch, (int64_t)sizeof scratch);
        at += got > 0 ? got : 0;
    }
    if (got == 0)
        io->length = at;
}

int clip_io_start(clip_io *io)
{
    clip_io_stop(io);
    io->at = 0;
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (buffer == NULL)
        return 0;
    io->pb = avio_alloc_context(buffer, BUFFER_BYTES, 0, io, on_read, NULL,
                                io->length >= 0 ? on_seek : NULL);
    if (io->pb == NULL)
        av_free(buffer);
    return io->pb != NULL;
}

void clip_io_stop(clip_io *io)
{
    if (io->pb != NULL)
        av_freep(&io->pb->buffer);
    avio_context_free(&io->pb);
}

uint64_t clip_io_at(clip_io *io, int64_t at, uint8_t *dst, uint64_t n)
{
    uint64_t done = 0;
    while (done < n) {
        int64_t got = fetch(io, at + (int64_t)done, dst + done, (int64_t)(n - done));
        if (got <= 0)
            break;
        done += (uint64_t)got;
    }
    return done;
}

void clip_io_hold(clip_io *io, uint8_t *bytes, uint64_t n)
{
    io->held = bytes;
    io->length = (int64_t)n;
}

void clip_io_drop(clip_io *io)
{
    io->host->free(io->host, io->held);
    io->held = NULL;
}
