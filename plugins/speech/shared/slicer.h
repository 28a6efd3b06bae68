/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a segmenter: reads a recording, has an ear hear it, and cuts it (cutter.h).
 *
 * The recording is mixed to one channel, and its segments have that one channel at the recording's
 * own rate. The ear hears a copy at 16 kHz and makes frames of 10 ms of it. At most one segment is
 * held in memory, however long the recording is. */
#ifndef SPK_SLICER_H
#define SPK_SLICER_H

#include "cutter.h"

/* What tells where speech is. Its state is the caller's: ctx of each function. */
typedef struct spk_ear {
    /* Takes n samples at 16 kHz and writes to out the frames that can be told now, at most n / 160
     * + 4. Returns how many. [worker] */
    int64_t (*push)(void *ctx, const float *x, int64_t n, spk_voice_frame *out);
    /* Writes the last frames, at most 4, when the recording has ended: then there is one for every
     * 160 samples, the last one begun included. Returns how many were written. [worker] */
    int64_t (*end)(void *ctx, spk_voice_frame *out);
    spk_heard_fn heard;
    int32_t ahead_ms; /* how long after a frame's first sample it is told at the latest, and a frame
                         more */
    void *ctx;
} spk_ear;

/* weft_segmenter's run, with the ear's own state begun by the caller and ended by it afterwards,
 * however this ends. INVALID: a recording that cannot be cut; CANCELLED; NOMEM; what reading the
 * recording and the sink fail with. [worker] */
weft_status spk_slice(const weft_host *h, const weft_media *m, int64_t max_us, const spk_ear *ear,
                      const weft_segment_sink *sink, weft_error *err);

#endif
