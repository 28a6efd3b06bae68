/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the holes in the sound of an Ogg file: times in which nothing was recorded.
 *
 * Each page of a stream says which sample is the last one behind it (its granule position, RFC 3533
 * section 6). Where that is further than the packets on the page can reach from the page before,
 * there is silence between the two; libsndfile would put their sound side by side. As for other
 * containers (weft.ffmpeg) a hole counts from a tenth of a second on, and one of more than a day is
 * a clock that was set. How many samples a packet has Opus says in its first two bytes (RFC 6716
 * section 3.1). For Vorbis and FLAC it is the most that a packet may have, so that beside short
 * blocks a hole comes out a few hundredths of a second too short. */
#ifndef SPK_HOLES_H
#define SPK_HOLES_H

#include "bytes.h"

#define SPK_HOLES_MAX 4096 /* of one link; more are not filled in */

typedef struct spk_hole {
    int64_t at, n; /* behind so many samples of the decoded sound, so many of silence */
} spk_hole;

/* What is known on the way through the pages of one link. */
typedef struct spk_clock {
    int32_t   codec, reserved; /* SPK_CODEC_*; 0: none that is known */
    uint32_t  serial;          /* of the stream */
    int64_t   rate;            /* of its granule positions */
    int64_t   silent;          /* samples of all holes together */
    int64_t   most;            /* samples of a packet at most; Opus: of 120 ms */
    int64_t   skipped;         /* samples that are decoded and not heard (Opus: pre-skip) */
    int64_t   end, heard;  /* granule position so far, -1: none; sound before it without holes */
    int64_t   pending;     /* samples of the packets that ended since then */
    uint8_t   toc[2];      /* the first bytes of the packet that a page broke off */
    uint8_t   n_toc, open; /* how many of them; whether there is one */
    spk_hole *hole;        /* [n_holes]; the host's memory */
    int32_t   n_holes, room;
} spk_clock;

/* Looks at the page of n bytes at offset `at`, whose header of 27 bytes is in head, as the next one
 * of the link. A zeroed *c begins. Memory that is short leaves holes out. [worker] */
void spk_clock_page(spk_clock *c, spk_bytes *b, uint64_t at, const uint8_t *head, uint64_t n);
void spk_clock_deinit(spk_clock *c, const weft_host *host);

#endif
