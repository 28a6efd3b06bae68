/* SPDX-License-Identifier: Apache-2.0 */
/* Samples and their voice frames, cut into segments.
 *
 * Segments tile the recording: each begins at the sample where the one before it ended, the first
 * at 0, and the last ends with the recording. Silent stretches are segments too, with silent 1.
 *
 *   - Speech begins with 3 active frames (voice.h) in a row. What lies more than 0.2 s before it
 *     becomes a silent segment if that is 0.5 s or longer, else it stays in front of the speech.
 *   - A pause of 0.6 s ends the segment, 0.3 s behind the last active frame. That segment is silent
 *     unless spk_voice_heard says otherwise of its frames.
 *   - When neither happens within the limit, speech is cut where it is quietest: in the middle of
 *     the 0.2 s with the least power in the second half of the limit. That is a property of the
 *     recording: the cut falls between words as long as there is a gap there, whatever the limit
 *     is. Silence is cut 0.3 s before the limit, so that a word beginning there keeps its lead.
 *
 * Places are multiples of 10 ms, in samples of the recording: frame f begins at floor(f rate /
 * 100). */
#ifndef SPK_CUTTER_H
#define SPK_CUTTER_H

#include "voice.h"
#include "weft/modality.h"

typedef struct spk_cutter {
    const weft_host         *host;
    const weft_segment_sink *sink;
    const char              *kind;
    int32_t                  rate, speaking;
    int64_t                  frames_max;
    spk_voice_frame *frames; /* [frames_max + room for a push] of the segment being gathered */
    int64_t          n_frames, frames_room, first; /* first: the recording's index of frames[0] */
    int64_t          run, last_active; /* active frames in a row; the last one's index */
    float           *samples;          /* from the segment's first on */
    int64_t          n_samples, samples_room, samples_max;
    int64_t          read_at; /* of the segment being pushed */
    int64_t          pushed;  /* samples in all */
} spk_cutter;

/* Frames that may be given at a time. */
#define SPK_CUTTER_FRAMES 128

/* ahead: how many samples may be given before their frames. INVALID: max_us below 0.5 s; more than
 * 600 s counts as 600 s. Ended by spk_cutter_deinit, which accepts a zeroed or a failed one.
 * [worker] */
weft_status spk_cutter_init(spk_cutter *c, const weft_host *host, const weft_media_info *info,
                            int64_t max_us, int64_t ahead, const weft_segment_sink *sink,
                            weft_error *err);
void        spk_cutter_deinit(spk_cutter *c);

/* The next n samples, mono. [worker] */
weft_status spk_cutter_samples(spk_cutter *c, const float *x, int64_t n, weft_error *err);
/* The next n frames, at most SPK_CUTTER_FRAMES; pushes what they end. [worker] */
weft_status spk_cutter_frames(spk_cutter *c, const spk_voice_frame *f, int64_t n, weft_error *err);
/* The recording has ended and all frames are given: pushes the rest. [worker] */
weft_status spk_cutter_end(spk_cutter *c, weft_error *err);

#endif
