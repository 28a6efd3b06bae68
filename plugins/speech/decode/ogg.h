/* SPDX-License-Identifier: Apache-2.0 */
/* Where one recording of a chained Ogg ends and the next begins (RFC 3533, section 4). */
#ifndef SPK_OGG_H
#define SPK_OGG_H

#include "bytes.h"

typedef struct spk_ogg_link {
    int64_t next; /* offset of the first page that begins another link; -1: it is the last one */
    int32_t
        complete; /* its headers are whole: a page with sound, or its proper end, follows them */
    int32_t reserved;
} spk_ogg_link;

/* Walks the pages of the link that begins at offset `from`; b's window is everything. Where pages
 * cannot be followed the link counts as the last one: what follows is left to the codec. Reads page
 * headers only. A link that is not complete must not be opened: the codec's library loses the
 * memory of headers that break off. [worker] */
spk_ogg_link spk_ogg_walk(spk_bytes *b, uint64_t from);

#endif
