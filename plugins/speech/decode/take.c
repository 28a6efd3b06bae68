/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the samples of a recording one part after another, across its links and data chunks. */
#include "sound.h"
#include "weft/sdk.h"

#include <inttypes.h>

/* Reads up to n samples from the file or link that is open. *ok becomes 0 where it is damaged; an
 * error after the last byte of the source only means that the file was cut short. *n becomes how
 * many were asked for in the end. */
static int64_t take_here(spk_sound *s, float *dst, int64_t *n, int *ok)
{
    int64_t got = spk_sound_silence(s, dst, n);
    *ok = 1;
    if (got > 0) {
        *n = got;
        return got;
    }
    if (s->file != NULL) {
        got = sf_readf_float(s->file, dst, *n);
        *ok = sf_error(s->file) == SF_ERR_NO_ERROR;
    } else {
        got = spk_mp3_read(&s->mp3, dst, *n, ok);
    }
    *ok |= s->bytes.ended;
    s->heard += got > 0 ? got : 0;
    return got > 0 ? got : 0;
}

static weft_status follow_link(spk_sound *s, weft_error *err)
{
    int32_t rate = s->rate, channels = s->channels;
    sf_close(s->file);
    s->file = NULL;
    weft_status st = spk_sound_open_link(s, (uint64_t)s->next_link, err);
    s->n_samples = -1;
    if (st == WEFT_OK && (s->rate != rate || s->channels != channels))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the Ogg goes from %d Hz and %d channels to %d Hz and "
                         "%d after sample %" PRIu64 "; split it there",
                         rate, channels, s->rate, s->channels, s->done);
    return st;
}

static weft_status follow_chunk(spk_sound *s, int *more, weft_error *err)
{
    int64_t n = s->n_samples;
    if (!s->plain || s->wav.data_bytes < 0)
        return WEFT_OK;
    spk_bytes_window(&s->bytes, s->start, s->source_bytes);
    *more = spk_wav_next(&s->bytes, &s->wav);
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    if (!*more)
        return WEFT_OK;
    sf_close(s->file);
    s->file = NULL;
    weft_status st = spk_sound_open_chunk(s, err);
    s->n_samples = n;
    return st;
}

/* Goes on behind the end of what is open; *more is 0 where that was the end of the recording. */
static weft_status follow(spk_sound *s, int *more, weft_error *err)
{
    *more = s->next_link >= 0;
    return *more ? follow_link(s, err) : follow_chunk(s, more, err);
}

weft_status spk_sound_take(spk_sound *s, float *dst, int64_t n, int64_t *got, weft_error *err)
{
    *got = 0;
    while (*got < n) {
        int         ok, more = 0;
        int64_t     want = n - *got, part = take_here(s, dst + *got * s->channels, &want, &ok);
        weft_status st = WEFT_OK;
        *got += part;
        if (s->bytes.status != WEFT_OK)
            return spk_sound_source_failed(s, err);
        if (!ok)
            return weft_fail(err, WEFT_E_CORRUPT,
                             "the %s is damaged after sample %" PRIu64 "; get a "
                             "complete copy",
                             spk_sound_name(s), s->done + (uint64_t)*got);
        if (part == want)
            continue;
        st = follow(s, &more, err);
        if (st != WEFT_OK || !more)
            return st;
    }
    return WEFT_OK;
}
