/* SPDX-License-Identifier: Apache-2.0 */
/* How the samples of each format are reached.
 *
 * The header of a plain WAV (PCM, float, A-law, mu-law) is read by wav.c, and libsndfile then reads
 * its samples as raw ones. So a header with wrong sizes does no harm, and a pipe can be read as it
 * comes. FLAC and MP3 are read straight through as well. Ogg and AIFF look at the end of the file
 * first, so a pipe of them is held in memory. An Ogg file may be a chain of several recordings,
 * called links; each link is opened by itself, in a window of its own. So is each data chunk of a
 * WAV that has several. */
#include "aiff.h"
#include "ogg.h"
#include "sound.h"
#include "weft/sdk.h"

#include <inttypes.h>
#include <string.h>

#define HEAD_BYTES 65536
#define FIRST_BYTES 16
#define MAGIC_BYTES 4096
#define RATE_MIN 4000
#define RATE_MAX 384000
#define CHANNELS_MAX 8
#define TAGS_MAX 4                          /* ID3 tags before a file */
#define WAV_CHUNKS_MAX 100000               /* data chunks of one WAV */
#define N_SAMPLES_MAX ((sf_count_t)1 << 48) /* a larger count in a header is not believed */

static weft_status set_shape(spk_sound *s, int64_t rate, int64_t channels, weft_error *err)
{
    if (rate < RATE_MIN || rate > RATE_MAX)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has %" PRId64 " samples a second, and 4000 to "
                         "384000 can be read; convert it to 16000",
                         spk_sound_name(s), rate);
    if (channels < 1 || channels > CHANNELS_MAX)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has %" PRId64 " channels, and 1 to 8 can be read; "
                         "mix it down first",
                         spk_sound_name(s), channels);
    s->rate = (int32_t)rate;
    s->channels = (int32_t)channels;
    return WEFT_OK;
}

static weft_status open_file(spk_sound *s, SF_INFO *info, weft_error *err)
{
    s->file = spk_bytes_open(&s->bytes, info);
    if (s->file == NULL)
        return spk_sound_unreadable(s, err);
    s->n_samples = info->frames >= 0 && info->frames < N_SAMPLES_MAX ? info->frames : -1;
    return WEFT_OK;
}

/* The window that begins n bytes behind the start of the format. */
static void window(spk_sound *s, uint64_t from, int64_t n)
{
    spk_bytes_window(&s->bytes, s->start + from, n);
}

/* The samples of all data chunks of a file from the one at w on. */
static int64_t count_chunks(spk_sound *s, spk_wav w)
{
    int64_t n = w.data_bytes / w.frame_bytes;
    for (int chunks = 0; chunks < WAV_CHUNKS_MAX && spk_wav_next(&s->bytes, &w); chunks++) {
        n += w.data_bytes / w.frame_bytes;
        s->n_missing = w.missing / w.frame_bytes;
    }
    return n;
}

weft_status spk_sound_open_chunk(spk_sound *s, weft_error *err)
{
    const spk_wav *w = &s->wav;
    SF_INFO        info = {.samplerate = w->rate,
                           .channels = w->channels,
                           .format = SF_FORMAT_RAW | w->subtype | SF_ENDIAN_LITTLE};
    weft_status    st = set_shape(s, w->rate, w->channels, err);
    if (st != WEFT_OK)
        return st;
    s->plain = 1;
    window(s, w->data_at, w->data_bytes);
    return open_file(s, &info, err);
}

static weft_status open_plain_wav(spk_sound *s, weft_error *err)
{
    int64_t n = -1;
    s->n_missing = s->wav.missing / s->wav.frame_bytes;
    if (s->wav.data_bytes >= 0)
        n = s->source_bytes >= 0 ? count_chunks(s, s->wav) : s->wav.data_bytes / s->wav.frame_bytes;
    weft_status st = spk_sound_open_chunk(s, err);
    /* From a pipe only the header's length of the whole says that no second chunk can come. */
    s->n_samples = s->source_bytes >= 0 || s->wav.is_all ? n : -1;
    return st;
}

static weft_status open_container(spk_sound *s, weft_error *err)
{
    SF_INFO     info = {0};
    weft_status st = open_file(s, &info, err);
    return st == WEFT_OK ? set_shape(s, info.samplerate, info.channels, err) : st;
}

static weft_status open_mp3(spk_sound *s, weft_error *err)
{
    weft_status st = spk_mp3_open(&s->bytes, &s->mp3, err);
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    s->n_samples = s->mp3.n_samples;
    return st == WEFT_OK ? set_shape(s, s->mp3.rate, s->mp3.channels, err) : st;
}

weft_status spk_sound_open_link(spk_sound *s, uint64_t from, weft_error *err)
{
    window(s, 0, s->source_bytes);
    spk_clock_deinit(&s->clock, s->host);
    s->hole = s->heard = s->silence = 0;
    spk_ogg_link link = spk_ogg_walk(&s->bytes, from, &s->clock);
    int64_t      end = link.next >= 0 ? link.next : s->source_bytes;
    s->next_link = link.next;
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    if (!link.complete)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the Ogg ends or is damaged before its first sample; get a "
                         "complete copy");
    window(s, from, end - (int64_t)from);
    s->cut = link.cut;
    weft_status st = open_container(s, err);
    if (link.next >= 0)
        s->n_samples = -1; /* the samples of the other links are not counted */
    return st;
}

static weft_status open_held(spk_sound *s, weft_error *err)
{
    weft_status st = spk_bytes_hold(&s->bytes, spk_sound_name(s), err);
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    if (st != WEFT_OK)
        return st;
    if (s->source_bytes < 0) {
        s->source_bytes = s->bytes.n - (int64_t)s->start;
        window(s, 0, s->source_bytes);
    }
    if (s->format == SPK_FORMAT_AIFF) {
        spk_aiff_read(&s->bytes, &s->aiff);
        s->cut = s->aiff.cut;
    }
    return s->format == SPK_FORMAT_OGG ? spk_sound_open_link(s, 0, err) : open_container(s, err);
}

/* Of a coded WAV the count in its header is not to be relied on: what a codec adds at the ends is
 * in it or not, as the writer thought. */
static weft_status open_coded_wav(spk_sound *s, weft_error *err)
{
    s->cut = s->wav.missing > 0;
    weft_status st = open_held(s, err);
    s->n_samples = -1;
    return st;
}

static weft_status open_wav(spk_sound *s, weft_error *err)
{
    weft_status st = spk_wav_read(&s->bytes, &s->wav, err);
    if (st != WEFT_OK)
        return st;
    return s->wav.subtype != 0 ? open_plain_wav(s, err) : open_coded_wav(s, err);
}

static weft_status open_as(spk_sound *s, weft_error *err)
{
    switch (s->format) {
    case SPK_FORMAT_WAV:
        return open_wav(s, err);
    case SPK_FORMAT_FLAC:
        return open_container(s, err);
    case SPK_FORMAT_MP3:
        return open_mp3(s, err);
    case SPK_FORMAT_OGG:
    case SPK_FORMAT_AIFF:
        return open_held(s, err);
    case SPK_FORMAT_NONE:
        break;
    }
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "this is not a WAV, FLAC, Ogg, MP3 or AIFF recording, "
                     "whatever its name says; convert it to one of these");
}

/* Do so many first bytes tell the format, or that there is a tag before it, whatever follows? */
static int is_told(const uint8_t *head, uint64_t n)
{
    int32_t score;
    spk_format_of(head, n, &score);
    return score == WEFT_PROBE_CERTAIN || spk_id3_bytes(head, n) != 0 ||
           (score >= WEFT_PROBE_CHANCE && n >= MAGIC_BYTES);
}

/* Reads the bytes from `at` on to head [HEAD_BYTES] and returns how many: no more than it takes to
 * tell the format, since a pipe may be slow. */
static uint64_t peek_head(spk_sound *s, uint64_t at, uint8_t *head)
{
    for (uint64_t want = FIRST_BYTES;; want *= 4) {
        uint64_t n = spk_bytes_peek(&s->bytes, at, head, want);
        if (n < want || want >= HEAD_BYTES || is_told(head, n))
            return n;
    }
}

/* Tells the format by the bytes behind ID3 tags, where there are any and it is another than MP3,
 * whose decoder reads them itself. */
static void find_format(spk_sound *s, uint8_t *head)
{
    uint64_t n = peek_head(s, 0, head), at = 0, tag;
    for (int tags = 0; tags < TAGS_MAX && (tag = spk_id3_bytes(head, n)) != 0; tags++) {
        at += tag;
        n = peek_head(s, at, head);
    }
    s->format = spk_format_of(head, n, NULL);
    if (at > 0 && s->format == SPK_FORMAT_NONE)
        s->format = SPK_FORMAT_MP3;
    if (at == 0 || s->format == SPK_FORMAT_MP3)
        return;
    s->start = at;
    s->source_bytes -= s->source_bytes >= 0 ? (int64_t)at : 0;
    window(s, 0, s->source_bytes);
}

weft_status spk_sound_open(spk_sound *s, weft_error *err)
{
    uint8_t *head = s->host->alloc(s->host, HEAD_BYTES, 64);
    if (head == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the recording");
    s->source_bytes = s->bytes.n;
    s->next_link = -1;
    s->n_samples = -1;
    find_format(s, head);
    s->host->free(s->host, head);
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    weft_status st = open_as(s, err);
    if (st == WEFT_OK && s->n_samples > 0 && (uint64_t)s->n_samples > s->max_samples)
        st = spk_sound_too_long(s, err);
    return st;
}

void spk_sound_close(spk_sound *s)
{
    if (s->file != NULL)
        sf_close(s->file);
    s->file = NULL;
    spk_mp3_close(&s->mp3);
    spk_clock_deinit(&s->clock, s->host);
    spk_bytes_deinit(&s->bytes);
}
