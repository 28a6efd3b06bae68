/* SPDX-License-Identifier: Apache-2.0 */
/* weft.sndfile: the sound decoder, on libsndfile and libmpg123.
 *
 * A recording that stops early is given out up to that place, with a line in the log. A recording
 * that is damaged, or holds values that are not numbers, is refused. No buffer's size comes from a
 * header: the caller's block is filled part by part. */
#include "../../common/decoder.h"
#include "sound.h"

#include <inttypes.h>
#include <math.h>

#define FRAMES_A_READ 16384 /* after each of these the host is asked whether to stop */
#define MAX_SAMPLES ((uint64_t)1 << 40)
/* The largest sample that is accepted. Float files may hold whole numbers of 24 or 32 bits.
 * Anything larger is not sound, and its power spectrum would overflow f32. */
#define SAMPLE_MAX 4294967296.0f

typedef struct decoder_state {
    spk_sound sound;
    int32_t   over, told; /* its end was reached; and what there is to say of that was said */
} decoder_state;

static void dec_close(void *dec)
{
    decoder_state *d = dec;
    if (d == NULL)
        return;
    const weft_host *h = d->sound.host;
    spk_sound_close(&d->sound);
    h->free(h, d);
}

/* These formats have one track, and say nothing of its language. Another decoder may find more. */
static weft_status check_track(const weft_limits *lim, weft_error *err)
{
    const char *track = WEFT_HAS(lim, weft_limits, track) ? lim->track : NULL;
    if (track == NULL || track[0] == '\0' || strcmp(track, "1") == 0)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "the recording has no track %.32s; it has one",
                     track);
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    (void)kind; /* this decoder has one kind only */
    *dec = NULL;
    decoder_state *d = h->alloc(h, sizeof *d, 64);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the recording");
    memset(d, 0, sizeof *d);
    d->sound.host = h;
    d->sound.max_samples = MAX_SAMPLES;
    if (WEFT_HAS(lim, weft_limits, max_samples))
        d->sound.max_samples = lim->max_samples;
    spk_bytes_init(&d->sound.bytes, h, src);
    weft_status st = check_track(lim, err);
    if (st == WEFT_OK)
        st = spk_sound_open(&d->sound, err);
    if (st != WEFT_OK) {
        dec_close(d);
        return st;
    }
    *dec = d;
    return WEFT_OK;
}

/* The header of an MP3 or a FLAC counts the samples of the whole recording, also where the file was
 * cut, and only decoding tells how many of them are there. So it is told as a time alone, which
 * need not be exact. */
static int counts_surely(const spk_sound *s)
{
    return s->format != SPK_FORMAT_MP3 && s->format != SPK_FORMAT_FLAC;
}

static weft_status dec_info(void *dec, weft_media_info *out, weft_error *err)
{
    const spk_sound *s = &((decoder_state *)dec)->sound;
    weft_media_info  me;
    memset(&me, 0, sizeof me);
    me.kind = "audio";
    me.channels = s->channels;
    me.sample_rate = s->rate;
    me.n_samples = counts_surely(s) ? s->n_samples : -1;
    me.duration_us = -1;
    if (s->n_samples >= 0)
        me.duration_us =
            s->n_samples / s->rate * 1000000 + s->n_samples % s->rate * 1000000 / s->rate;
    return plg_info_give(&me, out, err);
}

/* Whether t is f32 [n or more, channels] in C order within its bytes. */
static int fits(const weft_tensor *t, int64_t n, int64_t channels)
{
    if (t == NULL || t->data == NULL || t->ndim != 2 || n < 0 || n > INT64_MAX / 64)
        return 0;
    if (t->dtype.code != WEFT_DT_FLOAT || t->dtype.bits != 32 || t->dtype.lanes != 1)
        return 0;
    return t->shape[0] >= n && t->shape[1] == channels && (channels == 1 || t->stride[1] == 1) &&
           t->stride[0] == channels && t->bytes >= (uint64_t)(n * channels) * sizeof(float);
}

static weft_status check_samples(const spk_sound *s, const float *p, int64_t n, weft_error *err)
{
    for (int64_t i = 0; i < n * s->channels; i++)
        if (!(fabsf(p[i]) <= SAMPLE_MAX))
            return weft_fail(err, WEFT_E_CORRUPT,
                             "sample %" PRIu64 " of the %s is not a number that "
                             "sound can have (NaN, infinite or huge); export it again",
                             s->done + (uint64_t)(i / s->channels), spk_sound_name(s));
    return WEFT_OK;
}

static weft_status read_part(spk_sound *s, float *dst, int64_t n, int64_t *got, weft_error *err)
{
    if (s->host->cancelled != NULL && s->host->cancelled(s->host))
        return weft_fail(err, WEFT_E_CANCELLED, "reading the %s was cancelled", spk_sound_name(s));
    weft_status st = spk_sound_take(s, dst, n, got, err);
    if (st == WEFT_OK && (uint64_t)*got > s->max_samples - s->done)
        st = spk_sound_too_long(s, err);
    if (st == WEFT_OK)
        st = check_samples(s, dst, *got, err);
    if (st == WEFT_OK)
        s->done += (uint64_t)*got;
    return st;
}

/* Warns that the recording was cut short. */
static void warn_cut(const spk_sound *s)
{
    char    line[200];
    int64_t all = s->n_samples >= 0 ? s->n_samples + s->n_missing : -1;
    if (s->host->log == NULL)
        return;
    if (all >= 0 && s->done < (uint64_t)all)
        snprintf(line, sizeof line,
                 "the %s ends after %" PRIu64 " of %" PRId64 " samples; they are used",
                 spk_sound_name(s), s->done, all);
    else if (s->cut)
        snprintf(line, sizeof line,
                 "the %s ends before its format says that it does, after sample %" PRIu64
                 "; what is there is used",
                 spk_sound_name(s), s->done);
    else
        return;
    s->host->log(s->host, WEFT_LOG_WARN, line);
}

/* Called at the end of the recording. A compressed file that gave no sample was cut before its
 * first one, and is refused. One that gave fewer samples than its header said is used as far as it
 * goes. */
static weft_status note_end(decoder_state *d, weft_error *err)
{
    const spk_sound *s = &d->sound;
    d->told = 1;
    if (s->done == 0 && !s->plain && s->n_samples != 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the %s ends before its first sample; get a complete copy",
                         spk_sound_name(s));
    warn_cut(s);
    return WEFT_OK;
}

/* Who reads just as many samples as there are never meets the end. */
static int is_at_end(const decoder_state *d)
{
    const spk_sound *s = &d->sound;
    return d->over || (s->n_samples > 0 && s->done >= (uint64_t)s->n_samples);
}

static weft_status dec_read_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                                  weft_error *err)
{
    decoder_state *d = dec;
    *got = 0;
    if (!fits(dst, n, d->sound.channels))
        return weft_fail(err, WEFT_E_INVALID,
                         "the buffer for %" PRId64 " samples must be f32 [%" PRId64
                         ", %d] in C order",
                         n, n, d->sound.channels);
    float *p = dst->data;
    while (*got < n && !d->over) {
        int64_t     want = n - *got < FRAMES_A_READ ? n - *got : FRAMES_A_READ, part;
        weft_status st = read_part(&d->sound, p + *got * d->sound.channels, want, &part, err);
        if (st != WEFT_OK)
            return st;
        *got += part;
        d->over = part < want;
    }
    return is_at_end(d) && !d->told ? note_end(d, err) : WEFT_OK;
}

static int32_t dec_probe(const weft_probe *in)
{
    int32_t score = WEFT_PROBE_NO;
    if (in->kind == NULL || strcmp(in->kind, "audio") != 0)
        return WEFT_PROBE_NO;
    spk_format_of(in->head, in->head_bytes, &score);
    if (score == WEFT_PROBE_NO && spk_format_ends(in->name_hint))
        score = WEFT_PROBE_HINT;
    return score;
}

static const char *const kinds[] = {"audio", NULL};

static const weft_decoder decoder = {
    .hdr = WEFT_HDR(weft_decoder),
    .kinds = kinds,
    .probe = dec_probe,
    .open = dec_open,
    .info = dec_info,
    .read_audio = dec_read_audio,
    .close = dec_close,
};

static const char *const    needs[] = {NULL};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "sound", &decoder}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "weft.sndfile",
    .name = "Sound decoder",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = 1,
};

/* RIFF and RF64 with WAVE, FORM with AIFF or AIFC, fLaC, OggS, ID3, and the bits that begin a frame
 * of MPEG audio. */
#define MAGIC                                                                                      \
    "0:52494646........57415645,0:52463634........57415645,0:464f524d........414946,0:664c6143,"   \
    "0:4f676753,0:494433,0:ffe.,0:fff."

WEFT_PLUGIN("weft.sndfile", "0.1.0",
            "components=decoder:sound\nkinds=audio\nmagic=" MAGIC
            "\nlinks=libsndfile.so.1,libmpg123.so.0\n",
            &descriptor, NULL, NULL)
