/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder modules, sources in memory, and files made by hand. */
#include "tests/vision/media.h"

#include "tests/support/load.h"

#include <stdlib.h>

#include <zlib.h>

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    memory_source *m = ctx;
    m->reads++;
    if (m->fail_at != 0 && offset + n > m->fail_at)
        return WEFT_E_IO;
    if (offset >= m->n)
        return 0;
    n = n < m->n - offset ? n : m->n - offset;
    if (m->chop != 0) {
        m->chop = m->chop * 1664525u + 1013904223u;
        uint64_t most = 1 + (m->chop >> 16) % 37;
        n = n < most ? n : most;
    }
    memcpy(dst, m->p + offset, n);
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    memory_source *m = ctx;
    return m->unknown_length ? -1 : (int64_t)m->n;
}

weft_source source_of(memory_source *m)
{
    weft_source s = {WEFT_HDR(weft_source), m, read_at, length};
    return s;
}

const weft_decoder *decoder_load(const char *name)
{
    const weft_plugin me = module_load(name);
    assert_int_equal(me.desc->n_components, 1);
    assert_string_equal(me.desc->components[0].kind, WEFT_C_DECODER);
    return me.desc->components[0].vtable;
}

const weft_decoder *decoder_for(const char *file)
{
    size_t n = strlen(file);
    return decoder_load(n > 4 && strcmp(file + n - 4, ".png") == 0 ? "weft-png" : "weft-jpeg");
}

weft_tensor frame_of(const weft_media_info *info, uint8_t *px)
{
    weft_tensor t;
    int64_t     c = info->has_alpha ? 4 : 3;
    int64_t     shape[4] = {1, info->height, info->width, c};
    memset(&t, 0, sizeof t);
    t.data = px;
    t.device_type = WEFT_DEV_CPU;
    t.dtype = (weft_dtype){WEFT_DT_UINT, 8, 1};
    t.ndim = 4;
    t.bytes = 1;
    for (int i = 3; i >= 0; i--) {
        t.shape[i] = shape[i];
        t.stride[i] = (int64_t)t.bytes;
        t.bytes *= (uint64_t)shape[i];
    }
    return t;
}

static weft_status read_opened(const weft_decoder *d, void *dec, picture *out, weft_error *err)
{
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info)};
    int64_t         at = -1, time = 0;
    weft_status     st = d->info(dec, &info, err);
    if (st != WEFT_OK)
        return st;
    *out = (picture){info.width, info.height, info.has_alpha ? 4 : 3, NULL};
    weft_tensor t = frame_of(&info, NULL);
    t.data = out->px = malloc(t.bytes);
    assert_non_null(out->px);
    memset(out->px, 0x5A, t.bytes);
    st = d->read_frames(dec, &time, 1, &t, &at, err);
    if (st == WEFT_OK) {
        assert_int_equal(at, 0);
        return st;
    }
    free(out->px);
    out->px = NULL;
    return st;
}

weft_status picture_read(const weft_decoder *d, fake_host *h, memory_source *m,
                         const weft_limits *lim, picture *out, weft_error *err)
{
    weft_source s = source_of(m);
    void       *dec = NULL;
    memset(out, 0, sizeof *out);
    memset(err, 0, sizeof *err);
    err->hdr.size = sizeof *err;
    weft_status st = d->open(&h->host, &s, "image", lim, &dec, err);
    memset(&s, 0xFF, sizeof s); /* the decoder holds its copy */
    if (st == WEFT_OK) {
        st = read_opened(d, dec, out, err);
        d->close(dec);
    } else {
        assert_null(dec);
    }
    if (st != WEFT_OK) {
        assert_int_equal(err->code, st);
        assert_true(strlen(err->message) > 10);
    }
    assert_int_equal(h->blocks_live, 0);
    return st;
}

static void append(builder *b, const void *p, uint64_t n)
{
    if (b->n + n > b->room) {
        b->room = 2 * (b->n + n);
        b->p = realloc(b->p, b->room);
        assert_non_null(b->p);
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void png_chunk(builder *b, const char *type, const void *data, uint64_t n)
{
    uint8_t word[4];
    put32(word, (uint32_t)n);
    append(b, word, 4);
    uint64_t start = b->n;
    append(b, type, 4);
    append(b, data, n);
    put32(word, (uint32_t)crc32(0, b->p + start, (uInt)(n + 4)));
    append(b, word, 4);
}

builder png_begin(uint32_t width, uint32_t height, uint8_t depth, uint8_t type)
{
    builder b = {NULL, 0, 0};
    uint8_t ihdr[13] = {0};
    put32(ihdr, width);
    put32(ihdr + 4, height);
    ihdr[8] = depth;
    ihdr[9] = type;
    append(&b, "\x89PNG\r\n\x1a\n", 8);
    png_chunk(&b, "IHDR", ihdr, sizeof ihdr);
    return b;
}

void png_end(builder *b, const void *rows, uint64_t n)
{
    uLongf   packed = compressBound(n);
    uint8_t *p = malloc(packed);
    assert_int_equal(compress2(p, &packed, rows, n, 6), Z_OK);
    png_chunk(b, "IDAT", p, packed);
    png_chunk(b, "IEND", NULL, 0);
    free(p);
}

void png_bomb(builder *b, const char *type, const void *head, uint64_t n_head, uint64_t n)
{
    uLongf   packed = compressBound(n);
    uint8_t *zeros = calloc(1, n), *p = malloc(n_head + packed);
    assert_true(zeros != NULL && p != NULL);
    memcpy(p, head, n_head);
    assert_int_equal(compress2(p + n_head, &packed, zeros, n, 9), Z_OK);
    png_chunk(b, type, p, n_head + packed);
    free(zeros);
    free(p);
}
