/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual file that libsndfile reads from.
 *
 * libsndfile asks for the file's length, and a pipe has none. It is then told a length that no
 * recording reaches, and takes the first read that brings nothing as the end. Only formats that are
 * read straight through may be opened in this way. */
#include "bytes.h"

#include "weft/sdk.h"

#define ENDLESS ((sf_count_t)1 << 60)
#define HELD_FIRST ((uint64_t)1 << 20)

void spk_bytes_init(spk_bytes *b, const weft_host *host, const weft_source *source)
{
    size_t n = source->hdr.size < sizeof b->source ? source->hdr.size : sizeof b->source;
    memset(b, 0, sizeof *b);
    memcpy(&b->source, source, n);
    b->host = host;
    b->n = b->source.length != NULL ? b->source.length(b->source.ctx) : -1;
    if (b->n < 0)
        b->n = -1;
}

void spk_bytes_deinit(spk_bytes *b)
{
    if (b->host != NULL)
        b->host->free(b->host, b->held);
    b->held = NULL;
}

static uint64_t from_source(spk_bytes *b, uint64_t at, uint8_t *dst, uint64_t n)
{
    uint64_t done = 0;
    while (done < n && b->status == WEFT_OK) {
        int64_t got = b->source.read_at(b->source.ctx, at + done, dst + done, n - done);
        if (got < 0)
            b->status = (weft_status)got;
        if (got <= 0)
            break;
        done += (uint64_t)got > n - done ? n - done : (uint64_t)got;
    }
    return done;
}

static uint64_t within(spk_bytes *b, uint64_t at, void *dst, uint64_t n)
{
    if (b->n >= 0) {
        if (at >= (uint64_t)b->n)
            return 0;
        n = n < (uint64_t)b->n - at ? n : (uint64_t)b->n - at;
    }
    if (n > UINT64_MAX - b->base || at > UINT64_MAX - b->base - n)
        return 0;
    if (b->held != NULL) {
        memcpy(dst, b->held + b->base + at, n);
        return n;
    }
    return from_source(b, b->base + at, dst, n);
}

uint64_t spk_bytes_peek(spk_bytes *b, uint64_t at, void *dst, uint64_t n)
{
    uint64_t got = within(b, at, dst, n);
    b->ended |= got < n;
    return got;
}

uint64_t spk_bytes_read(spk_bytes *b, void *dst, uint64_t n)
{
    uint64_t got = spk_bytes_peek(b, b->at, dst, n);
    b->at += got;
    return got;
}

void spk_bytes_window(spk_bytes *b, uint64_t base, int64_t n)
{
    b->base = base;
    b->n = n;
    b->at = 0;
    b->ended = 0;
}

/* Replaces the held bytes by a block twice as large with the same content. */
static uint8_t *regrow(spk_bytes *b, uint64_t had, uint64_t room)
{
    uint8_t *p = b->host->alloc(b->host, room, 64);
    if (p != NULL && had > 0)
        memcpy(p, b->held, had);
    if (p != NULL) {
        b->host->free(b->host, b->held);
        b->held = p;
    }
    return p;
}

weft_status spk_bytes_hold(spk_bytes *b, const char *format, weft_error *err)
{
    uint64_t had = 0;
    if (b->n >= 0)
        return WEFT_OK;
    for (uint64_t room = HELD_FIRST; room <= SPK_BYTES_HELD_MAX; room *= 2) {
        if (regrow(b, had, room) == NULL)
            return weft_fail(err, WEFT_E_NOMEM,
                             "there is not enough memory to hold the %s from a "
                             "pipe; save it to a file first",
                             format);
        had += from_source(b, had, b->held + had, room - had);
        if (had < room) {
            b->n = (int64_t)had;
            return WEFT_OK;
        }
    }
    return weft_fail(err, WEFT_E_LIMIT,
                     "the %s from a pipe has more than %llu MiB and has to be "
                     "held in memory; save it to a file first, or send WAV or FLAC",
                     format, (unsigned long long)(SPK_BYTES_HELD_MAX >> 20));
}

/* ---- libsndfile's callbacks ---- */

static sf_count_t vio_length(void *ctx)
{
    const spk_bytes *b = ctx;
    return b->n >= 0 ? (sf_count_t)b->n : ENDLESS;
}

static sf_count_t vio_seek(sf_count_t offset, int whence, void *ctx)
{
    spk_bytes *b = ctx;
    sf_count_t from = whence == SEEK_END   ? vio_length(b)
                      : whence == SEEK_CUR ? (sf_count_t)b->at
                                           : 0;
    sf_count_t to;
    if (__builtin_add_overflow(from, offset, &to) || to < 0)
        return -1;
    b->at = (uint64_t)to;
    return to;
}

static sf_count_t vio_read(void *dst, sf_count_t n, void *ctx)
{
    return n > 0 ? (sf_count_t)spk_bytes_read(ctx, dst, (uint64_t)n) : 0;
}

static sf_count_t vio_write(const void *src, sf_count_t n, void *ctx)
{
    (void)src;
    (void)n;
    (void)ctx;
    return 0;
}

static sf_count_t vio_tell(void *ctx)
{
    return (sf_count_t)((spk_bytes *)ctx)->at;
}

SNDFILE *spk_bytes_open(spk_bytes *b, SF_INFO *info)
{
    SF_VIRTUAL_IO io = {vio_length, vio_seek, vio_read, vio_write, vio_tell};
    b->at = 0;
    b->ended = 0; /* reading the first bytes may have set it */
    return sf_open_virtual(&io, SFM_READ, info, b);
}
