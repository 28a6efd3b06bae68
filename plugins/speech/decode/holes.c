/* SPDX-License-Identifier: Apache-2.0 */
/* Granule positions against the packets that are there. */
#include "holes.h"

#include <string.h>

#define PAGE_HEAD 27
#define PAGE_MOST (PAGE_HEAD + 255 + 255 * 255)
#define BEGINS 2u
#define CONTINUES 1u
#define OPUS_RATE 48000
#define HOLE_MS 100
#define FORWARD_S (24 * 3600)

enum { CODEC_NONE, CODEC_OPUS, CODEC_VORBIS, CODEC_FLAC };

static int64_t le(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static int32_t be(const uint8_t *p, int n)
{
    int32_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* The first packet of a stream: its codec and what its packets may hold. */
static void take_head(spk_clock *c, const uint8_t *p, uint64_t n)
{
    if (n >= 19 && memcmp(p, "OpusHead", 8) == 0) {
        c->codec = CODEC_OPUS;
        c->rate = OPUS_RATE;
        c->skipped = le(p + 10, 2);
    } else if (n >= 30 && memcmp(p, "\1vorbis", 7) == 0) {
        c->codec = CODEC_VORBIS;
        c->rate = le(p + 12, 4);
        c->most = (1 << (p[28] >> 4)) / 2;
    } else if (n >= 35 && memcmp(p, "\177FLAC", 5) == 0) {
        c->codec = CODEC_FLAC;
        c->rate = be(p + 27, 3) >> 4;
        c->most = be(p + 19, 2);
    }
    c->end = -1;
}

/* Samples of an Opus packet, from its first two bytes: the length of a frame by the configuration,
 * and how many frames there are. */
static int64_t opus_samples(const uint8_t *toc, int n)
{
    int32_t frame, config = toc[0] >> 3, frames = (toc[0] & 3) == 0 ? 1 : 2;
    if (config >= 16)
        frame = 120 << (config & 3); /* CELT: 2.5 to 20 ms */
    else if (config >= 12)
        frame = 480 << (config & 1); /* hybrid: 10 or 20 ms */
    else
        frame = (config & 3) == 3 ? 2880 : 480 << (config & 3); /* SILK: 10 to 60 ms */
    if ((toc[0] & 3) == 3)
        frames = n > 1 ? toc[1] & 63 : 0;
    return (int64_t)frame * frames;
}

static void end_packet(spk_clock *c)
{
    c->pending += c->codec != CODEC_OPUS ? c->most
                  : c->n_toc > 0         ? opus_samples(c->toc, c->n_toc)
                                         : 0;
    c->n_toc = 0;
    c->open = 0;
}

/* The packets of a page: 255 bytes in a segment say that the packet goes on in the next one. */
static void take_packets(spk_clock *c, const uint8_t *page, uint64_t n)
{
    int      segments = page[PAGE_HEAD - 1];
    uint64_t at = PAGE_HEAD + (uint64_t)segments;
    if ((page[5] & CONTINUES) == 0)
        c->n_toc = c->open = 0;
    for (int i = 0; i < segments; i++) {
        uint64_t bytes = page[PAGE_HEAD + i];
        for (uint64_t k = 0; k < bytes && c->n_toc < 2 && at + k < n; k++)
            c->toc[c->n_toc++] = page[at + k];
        c->open = 1;
        at += bytes;
        if (bytes < 255)
            end_packet(c);
    }
}

static void add_hole(spk_clock *c, const weft_host *h, int64_t n)
{
    if (n > FORWARD_S * c->rate - c->silent) /* all holes together are no longer than one may be */
        return;
    if (c->n_holes == c->room && c->room < SPK_HOLES_MAX) {
        int32_t   room = c->room > 0 ? 2 * c->room : 16;
        spk_hole *p = h->alloc(h, (uint64_t)room * sizeof *p, 64);
        if (p == NULL)
            return;
        if (c->n_holes > 0)
            memcpy(p, c->hole, (size_t)c->n_holes * sizeof *p);
        h->free(h, c->hole);
        c->hole = p;
        c->room = room;
    }
    int64_t at = c->heard - c->skipped;
    if (c->n_holes < c->room && at >= 0) {
        c->hole[c->n_holes++] = (spk_hole){at, n};
        c->silent += n;
    }
}

/* The page says that its packets end at `position`. */
static void take_position(spk_clock *c, const weft_host *h, int64_t position)
{
    int64_t step = c->end >= 0 ? position - c->end : c->pending, hole = step - c->pending;
    if (step < 0) /* the clock was set */
        step = c->pending;
    if (hole > 0 && hole <= FORWARD_S * c->rate && hole * 1000 >= HOLE_MS * c->rate)
        add_hole(c, h, hole);
    if (hole > 0)
        step = c->pending;
    c->heard += step;
    c->end = position;
    c->pending = 0;
}

void spk_clock_page(spk_clock *c, spk_bytes *b, uint64_t at, const uint8_t *head, uint64_t n)
{
    uint8_t  first[64];
    uint8_t *page;
    uint64_t body = at + PAGE_HEAD + head[PAGE_HEAD - 1];
    uint32_t serial = (uint32_t)le(head + 14, 4);
    int64_t  position = le(head + 6, 8);
    if ((head[5] & BEGINS) != 0 && c->codec == CODEC_NONE) {
        take_head(c, first, spk_bytes_peek(b, body, first, sizeof first));
        c->serial = serial;
        return;
    }
    if (c->codec == CODEC_NONE || c->rate <= 0 || serial != c->serial || position == 0)
        return;
    page = n <= PAGE_MOST ? b->host->alloc(b->host, n, 64) : NULL;
    if (page == NULL)
        return;
    n = spk_bytes_peek(b, at, page, n);
    if (n >= PAGE_HEAD + (uint64_t)head[PAGE_HEAD - 1])
        take_packets(c, page, n);
    b->host->free(b->host, page);
    if (position > 0 && position < INT64_MAX / 2)
        take_position(c, b->host, position);
}

void spk_clock_deinit(spk_clock *c, const weft_host *host)
{
    if (host != NULL)
        host->free(host, c->hole);
    *c = (spk_clock){.codec = CODEC_NONE};
}
