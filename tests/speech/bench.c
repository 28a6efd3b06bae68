/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/speech/bench.h"

#include "tests/support/load.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

const void *component_load(const char *name, const char *kind)
{
    const weft_plugin me = module_load(name);
    const void       *component = module_component(&me, kind);
    if (component != NULL)
        return component;
    fail_msg("%s has no %s", name, kind);
    return NULL;
}

/* ---- bytes ---- */

void bytes_put(bytes_made *b, const void *p, uint64_t n)
{
    if (b->n + n > b->room) {
        b->room = (b->n + n) * 2;
        b->p = realloc(b->p, b->room);
        assert_non_null(b->p);
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void bytes_le(bytes_made *b, uint64_t value, int n_bytes)
{
    uint8_t p[8];
    for (int i = 0; i < n_bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
    bytes_put(b, p, (uint64_t)n_bytes);
}

void bytes_text(bytes_made *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

void bytes_set_le(bytes_made *b, uint64_t at, uint64_t value, int n_bytes)
{
    assert_true(at + (uint64_t)n_bytes <= b->n);
    for (int i = 0; i < n_bytes; i++)
        b->p[at + (uint64_t)i] = (uint8_t)(value >> (8 * i));
}

void bytes_free(bytes_made *b)
{
    free(b->p);
    *b = (bytes_made){0};
}

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    memory_source *m = ctx;
    uint64_t       all = m->n + m->padding, real = 0;
    if (offset >= all)
        return 0;
    n = n < all - offset ? n : all - offset;
    if (m->fail_at != 0 && offset + n > m->fail_at)
        return WEFT_E_IO;
    if (m->pipe && offset < m->furthest)
        assert_true(offset < (uint64_t)1 << 20);
    m->furthest = offset + n > m->furthest ? offset + n : m->furthest;
    if (offset < m->n)
        real = n < m->n - offset ? n : m->n - offset;
    if (real > 0)
        memcpy(dst, m->p + offset, real);
    memset((uint8_t *)dst + real, 0, n - real);
    return (int64_t)n;
}

static int64_t source_length(void *ctx)
{
    const memory_source *m = ctx;
    return m->pipe ? -1 : (int64_t)(m->n + m->padding);
}

weft_source source_of(memory_source *m)
{
    return (weft_source){WEFT_HDR(weft_source), m, read_at, source_length};
}

bytes_made wav_of(const int16_t *x, uint64_t n_frames, uint32_t rate, uint16_t channels)
{
    bytes_made b = {0};
    uint64_t   n = n_frames * channels * 2;
    bytes_text(&b, "RIFF");
    bytes_le(&b, 36 + n, 4);
    bytes_text(&b, "WAVEfmt ");
    bytes_le(&b, 16, 4);
    bytes_le(&b, 1, 2);
    bytes_le(&b, channels, 2);
    bytes_le(&b, rate, 4);
    bytes_le(&b, (uint64_t)rate * channels * 2, 4);
    bytes_le(&b, (uint64_t)channels * 2, 2);
    bytes_le(&b, 16, 2);
    bytes_text(&b, "data");
    bytes_le(&b, n, 4);
    bytes_put(&b, x, n);
    return b;
}

typedef struct writer {
    bytes_made b;
    uint64_t   at;
} writer;

static sf_count_t writer_length(void *ctx)
{
    return (sf_count_t)((writer *)ctx)->b.n;
}

static sf_count_t writer_seek(sf_count_t offset, int whence, void *ctx)
{
    writer *w = ctx;
    w->at = (uint64_t)(offset + (whence == SEEK_END   ? (sf_count_t)w->b.n
                                 : whence == SEEK_CUR ? (sf_count_t)w->at
                                                      : 0));
    return (sf_count_t)w->at;
}

static sf_count_t writer_read(void *p, sf_count_t n, void *ctx)
{
    writer    *w = ctx;
    sf_count_t left = (sf_count_t)(w->b.n - w->at);
    n = n < left ? n : left;
    memcpy(p, w->b.p + w->at, (size_t)n);
    w->at += (uint64_t)n;
    return n;
}

static sf_count_t writer_write(const void *p, sf_count_t n, void *ctx)
{
    writer *w = ctx;
    while (w->b.n < w->at + (uint64_t)n)
        bytes_le(&w->b, 0, 1);
    memcpy(w->b.p + w->at, p, (size_t)n);
    w->at += (uint64_t)n;
    return n;
}

static sf_count_t writer_tell(void *ctx)
{
    return (sf_count_t)((writer *)ctx)->at;
}

bytes_made file_of(const float *x, int64_t n, int32_t rate, int32_t channels, int32_t format)
{
    SF_VIRTUAL_IO io = {writer_length, writer_seek, writer_read, writer_write, writer_tell};
    SF_INFO       info = {.samplerate = rate, .channels = channels, .format = format};
    writer        w = {{0}, 0};
    SNDFILE      *f = sf_open_virtual(&io, SFM_WRITE, &info, &w);
    if (f == NULL)
        fail_msg("cannot make a file of format %x: %s", format, sf_strerror(NULL));
    /* In parts: the Vorbis encoder keeps a call's whole input on the stack. */
    for (int64_t at = 0; at < n; at += 1024) {
        int64_t part = n - at < 1024 ? n - at : 1024;
        assert_int_equal(sf_writef_float(f, x + at * channels, part), part);
    }
    sf_close(f);
    return w.b;
}

bytes_made fixture_of(const char *name)
{
    char       path[512];
    uint8_t    block[4096];
    bytes_made b = {0};
    size_t     n;
    snprintf(path, sizeof path, WEFT_FIXTURES "/%s", name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        bytes_put(&b, block, n);
    fclose(f);
    return b;
}

float *sound_made(int64_t n, int32_t rate, int32_t channels)
{
    float   *x = malloc((size_t)(n * channels) * sizeof *x + 1);
    uint32_t seed = 11;
    for (int64_t i = 0; i < n; i++)
        for (int32_t c = 0; c < channels; c++) {
            double t = (double)i / rate, v = 0;
            seed = seed * 1664525u + 1013904223u;
            for (int k = 1; k < 6; k++)
                v += 0.4 / (k + 1) * sin(2 * M_PI * k * ((200 + 30 * c) * t + 4 * sin(6 * t)));
            x[i * channels + c] = (float)(v + 0.01 * ((double)(seed >> 8) / 8388608.0 - 1.0));
        }
    return x;
}

static weft_status read_all(const weft_decoder *d, void *dec, int64_t block, decoded *out,
                            weft_error *err)
{
    int32_t     channels = out->info.channels;
    int64_t     got = block, shape[2] = {block, channels};
    weft_status st = WEFT_OK;
    while (st == WEFT_OK && got == block) {
        out->x = realloc(out->x, (size_t)((out->n + block) * channels) * sizeof(float) + 1);
        assert_non_null(out->x);
        weft_tensor t = weft_view(NULL, out->x + out->n * channels, WEFT_F32, 2, shape);
        st = d->read_audio(dec, block, &t, &got, err);
        assert_true(got >= 0 && got <= block);
        if (st == WEFT_OK)
            out->n += got;
    }
    return st;
}

weft_status decode(const weft_decoder *d, fake_host *h, memory_source *m, const weft_limits *lim,
                   int64_t block, decoded *out, weft_error *err)
{
    weft_source src = source_of(m);
    void       *dec = NULL;
    memset(out, 0, sizeof *out);
    out->info.hdr.size = sizeof out->info;
    m->furthest = 0;
    weft_status st = d->open(&h->host, &src, "audio", lim, &dec, err);
    if (st == WEFT_OK) {
        assert_int_equal(d->info(dec, &out->info, err), WEFT_OK);
        st = read_all(d, dec, block, out, err);
        d->close(dec);
    } else {
        assert_null(dec);
    }
    if (st != WEFT_OK) {
        free(out->x);
        out->x = NULL;
    }
    assert_int_equal(h->blocks_live, 0);
    return st;
}
