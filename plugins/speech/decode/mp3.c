/* SPDX-License-Identifier: Apache-2.0 */
/* libmpg123 told to be quiet, to give floats and not to seek. Without seeking it never guesses a
 * length. */
#include "mp3.h"

#include "weft/sdk.h"

#include <mpg123.h>

/* A tag before the end of the file may have this many bytes. More bytes without a frame are damage.
 */
#define RESYNC_BYTES 4096

static ssize_t on_read(void *ctx, void *dst, size_t n)
{
    return (ssize_t)spk_bytes_read(ctx, dst, n);
}

static off_t on_seek(void *ctx, off_t offset, int whence)
{
    (void)ctx;
    (void)offset;
    (void)whence;
    return -1;
}

static int configure(mpg123_handle *h, spk_bytes *b)
{
    long flags = MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_GAPLESS | MPG123_NO_PEEK_END;
    return mpg123_param(h, MPG123_ADD_FLAGS, flags, 0.0) == MPG123_OK &&
           mpg123_param(h, MPG123_RESYNC_LIMIT, RESYNC_BYTES, 0.0) == MPG123_OK &&
           mpg123_replace_reader_handle(h, on_read, on_seek, NULL) == MPG123_OK &&
           mpg123_open_handle(h, b) == MPG123_OK;
}

static int read_shape(mpg123_handle *h, spk_mp3 *out)
{
    long rate;
    int  channels, encoding;
    if (mpg123_getformat(h, &rate, &channels, &encoding) != MPG123_OK ||
        encoding != MPG123_ENC_FLOAT_32 || rate <= 0 || rate > INT32_MAX)
        return 0;
    off_t n = mpg123_length(h);
    out->rate = (int32_t)rate;
    out->channels = channels;
    out->n_samples = n > 0 ? n : -1;
    return 1;
}

weft_status spk_mp3_open(spk_bytes *b, spk_mp3 *out, weft_error *err)
{
    memset(out, 0, sizeof *out);
    /* This fills tables with the same values each time, so a call from another thread meanwhile is
     * harmless (mpg123.h). */
    if (mpg123_init() == MPG123_OK)
        out->handle = mpg123_new(NULL, NULL);
    if (out->handle == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the MP3");
    b->at = 0;
    b->ended = 0;
    if (configure(out->handle, b) && read_shape(out->handle, out))
        return WEFT_OK;
    spk_mp3_close(out);
    return weft_fail(err, WEFT_E_CORRUPT,
                     "there is no MPEG sound where the MP3 should begin; get a "
                     "complete copy");
}

void spk_mp3_close(spk_mp3 *m)
{
    if (m->handle != NULL) {
        mpg123_close(m->handle);
        mpg123_delete(m->handle);
    }
    m->handle = NULL;
}

int64_t spk_mp3_read(spk_mp3 *m, float *dst, int64_t n, int *ok)
{
    size_t room = (size_t)n * (size_t)m->channels * sizeof(float), done = 0;
    *ok = 1;
    while (done < room) {
        size_t got = 0;
        int    r = mpg123_read(m->handle, (unsigned char *)dst + done, room - done, &got);
        done += got;
        /* The first call may report the format that getformat has given already. */
        if (r == MPG123_NEW_FORMAT && !m->begun) {
            m->begun = 1;
            continue;
        }
        m->begun = 1;
        if (r == MPG123_OK)
            continue;
        *ok = r == MPG123_DONE;
        break;
    }
    return (int64_t)(done / sizeof(float)) / m->channels;
}
