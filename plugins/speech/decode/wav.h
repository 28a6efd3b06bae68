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
    uint64_t data_at;    /* offset of the first sample */
    int64_t  data_bytes; /* -1: until the source ends */
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

#endif
