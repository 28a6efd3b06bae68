/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the format of a sound file by its first bytes. */
#ifndef SPK_FORMAT_H
#define SPK_FORMAT_H

#include "weft/decoder.h"

typedef enum spk_format {
    SPK_FORMAT_NONE,
    SPK_FORMAT_WAV, /* RIFF and RF64 */
    SPK_FORMAT_FLAC,
    SPK_FORMAT_OGG,
    SPK_FORMAT_MP3,
    SPK_FORMAT_AIFF,
} spk_format;

/* The format whose magic number head begins with. *score, where not NULL, gets WEFT_PROBE_MAGIC or
 * WEFT_PROBE_CERTAIN, or WEFT_PROBE_NO with SPK_FORMAT_NONE. MP3 has no magic number: two frame
 * headers that agree, or an ID3 tag before nothing else that is known, are MAGIC. An Ogg whose
 * first stream is neither Vorbis, Opus nor FLAC is not one of ours; of one that holds moving
 * pictures too only WEFT_PROBE_HINT is said, since it is a clip first. [any] */
spk_format spk_format_of(const uint8_t *head, uint64_t n, int32_t *score);

/* The length of the ID3 tag (version 2.2 to 2.4) that the first n bytes of a file begin with,
 * header included; 0 where there is none. Programs put such tags in front of every format. [any] */
uint64_t spk_id3_bytes(const uint8_t *p, uint64_t n);

/* "WAV", "FLAC", ...: the subject of messages. [any] */
const char *spk_format_name(spk_format f);

/* 1 where the name ends like one of the formats. name may be NULL. [any] */
int spk_format_ends(const char *name);

#endif
