/* SPDX-License-Identifier: Apache-2.0 */
/* Clips made by the ffmpeg tool, opened through weft-ffmpeg.so as a host opens it, and what ffprobe
 * and ffmpeg say of them. */
#ifndef TESTS_FFMPEG_CLIPS_H
#define TESTS_FFMPEG_CLIPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/fake_host.h"
#include "weft/sdk.h"

/* A source of 128x32 pictures whose columns of 8 pixels are the bits of the frame's number. */
#define BARS(RATE, SECONDS)                                                                        \
    "-f lavfi -i \"nullsrc=s=128x32:r=" RATE ":d=" SECONDS                                         \
    ",format=yuv420p,geq=lum='16+219*mod(floor(N/pow(2,floor(X/8))),2)':cb=128:cr=128\" "

/* Whether ffmpeg and ffprobe run; where they do not a test program is skipped. */
int clips_tools(void);
/* Runs ffmpeg with these arguments and the path of file NAME behind them, in a directory of this
 * program's own; gives the path, which lives to the end of the program. A failure is the test's. */
const char *clips_make(const char *name, const char *arguments);
/* The path of NAME there, made or not. */
const char *clips_path(const char *name);
/* A file's bytes, which the caller frees. */
uint8_t *clips_read(const char *path, uint64_t *n);
void     clips_write(const char *path, const uint8_t *p, uint64_t n);
/* The time of every frame in microseconds from the file's start, from ffprobe, for the caller to
 * free. */
int64_t *clips_times(const char *path, size_t *n);
/* One value that ffprobe prints, as a number of microseconds; INT64_MIN for none. */
int64_t clips_probe_us(const char *path, const char *entry);
/* Every frame through ffmpeg's scale filter with our flags: rgb24 of width x height. */
uint8_t *clips_frames(const char *path, int width, int height, size_t *n);

/* Limits that no clip of the tests reaches. */
extern const weft_limits clips_wide;

/* Bytes as a weft_source. */
typedef struct clips_source {
    const uint8_t *p;
    uint64_t       n;
    int            is_pipe;
    uint64_t       kept;    /* of a pipe: what can be read again */
    uint64_t       at;      /* of a pipe: how far it was read */
    uint64_t       fail_at; /* not 0: reads that touch this offset give WEFT_E_IO */
    uint64_t       total;   /* bytes given */
} clips_source;

typedef struct clip {
    fake_host       host;
    clips_source    source;
    uint8_t        *bytes; /* owned; NULL: the caller's */
    void           *dec;
    weft_media_info info;
    weft_error      err;
} clip;

const weft_decoder *clips_decoder(void); /* loaded and its plugin's init run, once */

/* Opens c->source, which the caller has filled, on a host made here. c->dec and c->info on success;
 * clip_shut in any case. */
weft_status clip_try(clip *c, const char *kind, const weft_limits *lim);
/* Opens a file; a failure is the test's. */
void clip_start(clip *c, const char *path, const char *kind);
/* Closes; nothing of the decoder's may be left. */
void        clip_shut(clip *c);
weft_tensor clip_tensor(const clip *c, uint32_t n, uint8_t *px);
/* One frame at t, which the caller frees; its real time in *at. */
uint8_t *clip_frame(clip *c, int64_t t, int64_t *at);
/* One frame, thrown away. */
weft_status clip_read_once(clip *c, int64_t t);
/* What becomes of a file: where it fails (or does not). */
typedef enum outcome { AT_OPEN, AT_FIRST, AT_LAST, READS } outcome;
/* Opens c->source and reads: the first frame and the last, or all samples. *where is the step that
 * failed. clip_shut in any case. */
weft_status clip_use(clip *c, const char *kind, const weft_limits *lim, outcome *where);
/* The number in a picture's bars, from its middle row. */
int bars_of(const uint8_t *rgb, int width, int height);
/* What close() logged; call after clip_shut. */
typedef struct clip_work {
    unsigned long long shown, groups, packets, seeks;
} clip_work;
clip_work clip_spent(const clip *c);

#endif
