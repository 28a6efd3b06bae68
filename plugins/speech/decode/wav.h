/* SPDX-License-Identifier: Apache-2.0 */
/* Reads WAV headers as they are found in practice: also those whose size is zero, 4 GiB, or that of
 * a recording which was never finished. */
#ifndef SPK_WAV_H
#define SPK_WAV_H

#include "bytes.h"

typedef struct spk_wav {
    int32_t rate, channels;
    /* libsndfile's name of the sample layout, SF_FORMAT_PCM_16 and so on. 0: the samples are
     * compressed, and libsndfile's own WAV reader has to read the file. */
    int32_t  subtype;
    int32_t  frame_bytes;
    uint32_t tag;        /* the codec's number in the header: 1 for PCM, ... */
    int32_t  rf64;       /* sizes may be in a ds64 chunk */
    uint64_t data_at;    /* offset of the first sample */
    int64_t  data_bytes; /* -1: until the source ends */
    int64_t  missing;    /* bytes of sound that the header says there are behind the file's end */
    int32_t  is_all, reserved; /* the header's length of the whole leaves no room for more */
} spk_wav;

/* Walks the chunks of a RIFF/WAVE or RF64 file up to the first sample. b's window must be the whole
 * file.
 *
 * data_bytes becomes -1, "until the source ends", where the header's data size cannot be meant: it
 * is more than the file holds, it is zero in a header that was never finished, all its bits are
 * set, or it is about 2 GiB or more from a pipe. (Recorders write such sizes while they do not know
 * the length yet.)
 *
 * CORRUPT where there is no fmt or no data chunk, or where fmt contradicts itself. Source:
 * Multimedia Programming Interface (1991) for the chunks, EBU Tech 3306 for ds64. [worker] */
weft_status spk_wav_read(spk_bytes *b, spk_wav *out, weft_error *err);

/* Looks for one more data chunk behind the one that w names, and moves w to it. Returns 0 where
 * there is none. Some recorders write a chunk for each piece that was recorded. [worker] */
int spk_wav_next(spk_bytes *b, spk_wav *w);

/* The name of the codec with this number, "G.722 ADPCM"; NULL where it is not a known one. Source:
 * the registry of RFC 2361. [any] */
const char *spk_wav_codec(uint32_t tag);

#endif
