/* SPDX-License-Identifier: Apache-2.0 */
/* A decoder of sound that uses another plugin's service. A song is "SONG\n" and then a byte for
 * each tenth of a second: a MIDI note, or 128 and above for a rest. The pitch of a note is what the
 * service org.example.tuning/1 says. */
#include <weft/sdk.h>

#include <math.h>

#include "tuning.h"

#define ID "org.example.song"
#define RATE 16000
#define NOTE_SAMPLES 1600
#define HEAD 5

/* Of an engine: the service as it was acquired. */
typedef struct singer {
    const tuning_service *tuning;
    void                 *self;
} singer;

typedef struct song {
    const weft_host *host;
    weft_source      src; /* the host's struct dies with open; what it points to does not */
    int64_t          n, at;
} song;

static int32_t probe(const weft_probe *in)
{
    return in->head_bytes > HEAD && memcmp(in->head, "SONG\n", HEAD) == 0 ? WEFT_PROBE_MAGIC
                                                                          : WEFT_PROBE_NO;
}

static weft_status song_open(const weft_host *h, const weft_source *src, const char *kind,
                             const weft_limits *lim, void **dec, weft_error *err)
{
    int64_t bytes = src->length(src->ctx);
    (void)kind;
    if (bytes <= HEAD)
        return bytes < 0 ? weft_fail(err, WEFT_E_UNSUPPORTED, "a song must be a file, not a pipe")
                         : weft_fail(err, WEFT_E_CORRUPT, "there are no notes in it");
    if ((uint64_t)(bytes - HEAD) > lim->max_samples / NOTE_SAMPLES)
        return weft_fail(err, WEFT_E_LIMIT, "%lld notes are over --max-samples",
                         (long long)bytes - HEAD);
    song *s = (song *)h->alloc(h, sizeof *s, 16);
    if (s == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a song");
    memset(s, 0, sizeof *s);
    s->host = h;
    s->src = *src;
    s->n = (bytes - HEAD) * NOTE_SAMPLES;
    *dec = s;
    return WEFT_OK;
}

static weft_status info(void *dec, weft_media_info *out, weft_error *err)
{
    (void)err;
    out->channels = 1;
    out->sample_rate = RATE;
    out->n_samples = ((const song *)dec)->n;
    out->duration_us = out->n_samples / NOTE_SAMPLES * 100000;
    return WEFT_OK;
}

/* Samples of one note from s->at on, at most n; how many there were. */
static int64_t sing(song *s, uint8_t note, float *y, int64_t n)
{
    const singer *of = (const singer *)*s->host->slot;
    const double  turn =
        note < 128 ? 6.283185307179586 * of->tuning->hertz(of->self, note) / RATE : 0.0;
    int64_t left = NOTE_SAMPLES - s->at % NOTE_SAMPLES, count = n < left ? n : left;
    for (int64_t i = 0; i < count; i++, s->at++)
        y[i] = 0.3f * (float)sin(turn * (double)(s->at % NOTE_SAMPLES));
    return count;
}

static weft_status read_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    song *s = (song *)dec;
    while (*got < n && s->at < s->n) {
        uint8_t note;
        int64_t one = s->src.read_at(s->src.ctx, (uint64_t)(HEAD + s->at / NOTE_SAMPLES), &note, 1);
        if (one < 0)
            return weft_fail(err, (weft_status)one, "the notes could not be read");
        if (one == 0)
            return weft_fail(err, WEFT_E_CORRUPT, "it became shorter while it was read");
        *got += sing(s, note, (float *)dst->data + *got, n - *got);
    }
    return WEFT_OK;
}

static void song_close(void *dec)
{
    song *s = (song *)dec;
    s->host->free(s->host, s);
}

/* The giver's init has run by now: the descriptor says that it is needed. */
static weft_status init(const weft_host *h, weft_error *err)
{
    const weft_if_services *services =
        (const weft_if_services *)h->get_interface(h, WEFT_IF_SERVICES);
    const void *table = NULL;
    singer     *of = (singer *)h->alloc(h, sizeof *of, 16);
    if (of == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory");
    weft_status status = services->acquire(h, TUNING_SERVICE, &table, &of->self, err);
    of->tuning = (const tuning_service *)table;
    if (status == WEFT_OK)
        *h->slot = of;
    else
        h->free(h, of);
    return status;
}

static void deinit(const weft_host *h)
{
    h->free(h, *h->slot);
}

static const char *const    kinds[] = {"audio", NULL};
static const weft_decoder   decoder = {.hdr = WEFT_HDR(weft_decoder),
                                       .kinds = kinds,
                                       .probe = probe,
                                       .open = song_open,
                                       .info = info,
                                       .read_audio = read_audio,
                                       .close = song_close};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "song", &decoder}};
static const char *const     needs_host[] = {WEFT_IF_SERVICES, NULL};
static const char *const     needs_service[] = {TUNING_SERVICE, NULL};
static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = ID,
    .name = "Songs",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .needs_host = needs_host,
    .needs_service = needs_service,
    .components = components,
    .n_components = 1,
};
WEFT_PLUGIN(ID, "0.1.0",
            "components=decoder:song\nneeds=" TUNING_SERVICE "\nkinds=audio\nmagic=0:534f4e470a\n",
            &descriptor, init, deinit)
