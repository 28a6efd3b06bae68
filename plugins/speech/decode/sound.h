/* SPDX-License-Identifier: Apache-2.0 */
/* A recording that is being read: what the decoder component (sound.c) and the formats (formats.c)
 * share; take.c goes on where a part ends. */
#ifndef SPK_SOUND_H
#define SPK_SOUND_H

#include "aiff.h"
#include "format.h"
#include "holes.h"
#include "mp3.h"
#include "wav.h"

typedef struct spk_sound {
    const weft_host *host;
    spk_bytes        bytes;
    SNDFILE         *file; /* NULL for MP3 */
    spk_mp3          mp3;
    spk_format       format;
    int32_t          rate, channels, plain; /* plain: samples without a codec */
    uint64_t         start;                 /* of the format, behind an ID3 tag */
    int64_t          source_bytes;          /* from start on, as the source says; -1: unknown */
    int64_t          next_link;             /* Ogg: where another recording begins; -1: nowhere */
    spk_clock        clock;                 /* of the link of an Ogg that is open: its holes */
    int64_t hole, heard, silence; /* the next hole; samples decoded since the link began; of silence
                                     still to come */
    spk_wav  wav;                 /* of a plain WAV: the chunk being read */
    spk_aiff aiff;
    int64_t  n_samples;     /* what the header says; -1: nothing */
    int64_t  n_missing;     /* samples that it says there are behind the end */
    int32_t  cut, reserved; /* the file ends before its format says that it does */
    uint64_t max_samples, done;
} spk_sound;

/* Tells the format by content and opens it. The caller has set host, bytes and max_samples; the
 * rest of *s is zero. UNSUPPORTED: not one of the formats, or a codec that is not read. LIMIT:
 * rate, channels or length. What was opened is closed by spk_sound_close, also after failure.
 * [worker] */
weft_status spk_sound_open(spk_sound *s, weft_error *err);
void        spk_sound_close(spk_sound *s);

/* Opens the link of an Ogg that begins at offset `from`, in a window that ends where it does.
 * [worker] */
weft_status spk_sound_open_link(spk_sound *s, uint64_t from, weft_error *err);
/* Opens the data chunk s->wav of a plain WAV, as raw samples of the layout that its header gave.
 * [worker] */
weft_status spk_sound_open_chunk(spk_sound *s, weft_error *err);

/* Reads the next n samples, f32 [n, channels], without checking that they are numbers. *got less
 * than n means the end. [worker] */
weft_status spk_sound_take(spk_sound *s, float *dst, int64_t n, int64_t *got, weft_error *err);

/* Where the sound has a hole: writes up to *n samples of its silence and returns how many. Else
 * lowers *n to the samples before the next hole and returns 0. [worker] */
int64_t spk_sound_silence(spk_sound *s, float *dst, int64_t *n);

/* The subject of messages about s. [any] */
const char *spk_sound_name(const spk_sound *s);

/* Fills *err with the message for a source that failed, and returns its status. [any] */
weft_status spk_sound_source_failed(const spk_sound *s, weft_error *err);
/* The failure of libsndfile to open s. [any] */
weft_status spk_sound_unreadable(const spk_sound *s, weft_error *err);
weft_status spk_sound_too_long(const spk_sound *s, weft_error *err);

#endif
