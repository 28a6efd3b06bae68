/* SPDX-License-Identifier: Apache-2.0 */
/* An Ogg file may be a chain of several recordings, called links. This finds where one link ends
 * and the next begins (RFC 3533, section 4). */
#ifndef SPK_OGG_H
#define SPK_OGG_H

#include "holes.h"

typedef struct spk_ogg_link {
    int64_t next; /* offset of the first page that begins another link; -1: it is the last one */
    /* 1 where the link's headers are whole: a page with sound, or the link's proper end, follows.
     */
    int32_t complete;
    int32_t cut; /* 1 where the source ends within a page */
} spk_ogg_link;

/* Walks the pages of the link that begins at offset `from`, and finds the holes in its sound
 * (*clock, zeroed; the caller's to deinit). b's window must be the whole source. Where one page
 * does not follow another the link counts as the last one, and the codec has to cope with the rest.
 * A link that is not complete must not be opened, because the codec's library leaks the memory of
 * headers that break off. [worker] */
spk_ogg_link spk_ogg_walk(spk_bytes *b, uint64_t from, spk_clock *clock);

#endif
