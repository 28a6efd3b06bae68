/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the pages of an Ogg file: reads the capture pattern, flags and segment table of each, and
 * steps over its body. */
#include "ogg.h"

#include <string.h>

#define PAGE_HEAD 27
#define FLAGS_AT 5
#define GRANULE_AT 6
#define SEGMENTS_AT 26
#define BEGINS 2u /* flags of a page: the first of a stream, the last of a stream */
#define ENDS 4u

/* Whether the page ends at a position within the sound. Its position is -1 where no packet ends in
 * it, and 0 in the header pages. */
static int has_sound(const uint8_t *page)
{
    int all = 0xff, any = 0;
    for (int i = 0; i < 8; i++) {
        all &= page[GRANULE_AT + i];
        any |= page[GRANULE_AT + i];
    }
    return any != 0 && all != 0xff;
}

/* The size in bytes of the page at offset `at`, whose first bytes are in p; 0 where that is no
 * page. */
static uint64_t page_bytes(spk_bytes *b, uint64_t at, const uint8_t *p)
{
    uint8_t  segment[255];
    uint64_t n = p[SEGMENTS_AT], bytes = PAGE_HEAD + n;
    if (memcmp(p, "OggS", 4) != 0 || spk_bytes_peek(b, at + PAGE_HEAD, segment, n) != n)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        bytes += segment[i];
    return bytes;
}

/* Whether the bytes at `at`, fewer than a page's header, are the beginning of one. */
static int is_stump(spk_bytes *b, uint64_t at)
{
    uint8_t  p[4];
    uint64_t n = spk_bytes_peek(b, at, p, sizeof p);
    return n > 0 && memcmp(p, "OggS", n) == 0;
}

spk_ogg_link spk_ogg_walk(spk_bytes *b, uint64_t from, spk_clock *clock)
{
    uint8_t      p[PAGE_HEAD];
    spk_ogg_link link = {-1, 0, 0};
    int          in_body = 0;
    for (uint64_t at = from, n;; at += n) {
        if (spk_bytes_peek(b, at, p, PAGE_HEAD) != PAGE_HEAD) {
            link.cut |= is_stump(b, at);
            break;
        }
        n = page_bytes(b, at, p);
        if (n == 0)
            break;
        link.cut = b->n >= 0 && at + n > (uint64_t)b->n;
        if ((p[FLAGS_AT] & BEGINS) != 0 && in_body) {
            link.next = (int64_t)at;
            break;
        }
        spk_clock_page(clock, b, at, p, n);
        in_body |= (p[FLAGS_AT] & BEGINS) == 0;
        link.complete |= in_body && (has_sound(p) || (p[FLAGS_AT] & ENDS) != 0);
    }
    return link;
}
