/* SPDX-License-Identifier: Apache-2.0 */
/* WAV headers, as found: with sizes of zero, of 4 GiB, of a recording that never ended. */
#ifndef SPK_WAV_H
#define SPK_WAV_H

#include "bytes.h"

typedef struct spk_wav {
    int32_t rate, channels;
    int32_t
        subtype; /* libsndfile's SF_FORMAT_PCM_16 ...; 0: a codec, for libsndfile's own reader */
    int32_t  frame_bytes;
    uint64_t data_at;    /* offset of the first sample */
    int64_t  data_bytes; /* -1: until the source ends */
} spk_wav;

/* Walks the chunks of a RIFF/WAVE or RF64 to the first sample; b's window is the whole file. A data
 * size that the file does not hold, zero in a header that was never finished, all ones, or about 2
 * GiB and more from a pipe (what recorders write before they know) is "until the end". CORRUPT
 * where there is no fmt or data, or where fmt contradicts itself. Chunks are from the Multimedia
 * Programming Interface (1991), ds64 from EBU Tech 3306. [worker] */
weft_status spk_wav_read(spk_bytes *b, spk_wav *out, weft_error *err);

#endif
