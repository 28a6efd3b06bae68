/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a recording into segments, from its samples and the voice frames (voice.h) made of them.
 *
 * Segments tile the recording: each begins at the sample where the one before it ended, the first
 * at 0, and the last ends with the recording. Silent stretches are segments too, with silent 1.
 *
 *   - Speech begins with 3 active frames (voice.h) in a row. The stretch that ends 0.2 s before it
 *     becomes a silent segment if it is 0.5 s or longer; else it stays in front of the speech.
 *   - A pause of 0.6 s ends the segment, 0.3 s behind the last active frame. That segment is silent
 *     unless `heard` (spk_voice_heard, say) finds speech in its frames.
 *   - Speech without such a pause within the limit is cut where it is quietest: in the middle of
 * the 0.2 s with the least power in the second half of the limit. So the cut falls between two
 * words where there is a gap between words. Silence is cut 0.3 s before the limit, so that a word
 * that begins at the limit keeps what precedes it.
 *
 * Of each segment with speech it tells where that begins and ends: at the first of 3 active frames
 * in a row, and behind the last active one; a cut within 0.2 s of them is taken for a gap between
 * words, over which it goes on.
 *
 * Cuts fall on multiples of 10 ms: frame f begins at sample floor(f rate / 100) of the recording.
 */
#ifndef SPK_CUTTER_H
#define SPK_CUTTER_H

#include "voice.h"
#include "weft/modality.h"

/* 1 where speech is heard in these n frames. */
typedef int (*spk_heard_fn)(const spk_voice_frame *f, int64_t n);

typedef struct spk_cutter {
    const weft_host         *host;
    const weft_segment_sink *sink;
    spk_heard_fn             heard;
    const char              *kind;
    int32_t                  rate, speaking;
    int64_t                  frames_max;
    spk_voice_frame *frames; /* [frames_max + room for a push] of the segment being gathered */
    int64_t          n_frames, frames_room, first; /* first: the recording's index of frames[0] */
    int64_t          run, last_active; /* active frames in a row; the last active one's index */
    float           *samples;          /* those of the segment being gathered */
    int64_t          n_samples, samples_room, samples_max;
    int64_t          read_at; /* how much of the segment being pushed has been read */
    int64_t          pushed;  /* samples of all segments that were pushed */
} spk_cutter;

/* Frames that may be given at a time. */
#define SPK_CUTTER_FRAMES 128

/* max_us: the longest segment; INVALID below 0.5 s, and more than 600 s counts as 600 s. ahead: how
 * many samples may be given before the frames made of them. spk_cutter_deinit releases *c, also a
 * zeroed one or one that failed to start. [worker] */
weft_status spk_cutter_init(spk_cutter *c, const weft_host *host, const weft_media_info *info,
                            int64_t max_us, int64_t ahead, spk_heard_fn heard,
                            const weft_segment_sink *sink, weft_error *err);
void        spk_cutter_deinit(spk_cutter *c);

/* Takes the next n samples, of one channel. [worker] */
weft_status spk_cutter_samples(spk_cutter *c, const float *x, int64_t n, weft_error *err);
/* Takes the next n frames, at most SPK_CUTTER_FRAMES, and pushes the segments that they end to the
 * sink. [worker] */
weft_status spk_cutter_frames(spk_cutter *c, const spk_voice_frame *f, int64_t n, weft_error *err);
/* Pushes the last segment, once the recording has ended and all its frames were given. [worker] */
weft_status spk_cutter_end(spk_cutter *c, weft_error *err);

#endif
