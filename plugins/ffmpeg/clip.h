/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ffmpeg: the types and functions that its files share. The plugin brings one decoder, which
 * reads three kinds of media (pictures, clips and sound) with FFmpeg:
 *
 *   magic.c    which format a file begins as, and the probe's scores
 *   io.c       FFmpeg's reads over a weft_source
 *   open.c     demuxer and decoder: whitelists, limits, errors, close
 *   span.c     where time 0 is, how long a clip is, its first frame again
 *   packets.c  packets read ahead of the decoder, and where decoding may start
 *   frames.c   the frame shown at a time
 *   picture.c  a decoded frame to RGB as shown
 *   sound.c    samples in blocks
 *   timeline.c where on the time line a block of sound belongs
 *   track.c    which of several streams is read
 *   whole.c    whether the file was cut short
 *   still.c    pictures of one frame
 *   still_file.c  what FFmpeg does not say of their files
 *
 * FFmpeg's words: a *demuxer* takes a file apart into the packets of its streams; a *packet* is one
 * compressed frame or block of sound; a *key* packet can be decoded without those before it. A key
 * packet and the packets up to the next one are called a *group* (of pictures) here. In an *open*
 * group the first frames to be shown also refer to the group before; they are called leading
 * pictures. *pts* and *dts* are the times at which a frame is to be shown and to be decoded.
 *
 * Times are microseconds from the start of the file, which is the earliest start of any of its
 * streams; `ffmpeg -ss` counts the same way. FFmpeg allocates its own memory, bounded by
 * av_max_alloc; these files allocate theirs from the host. A decoder is used by one thread at a
 * time. */
#ifndef CLIP_H
#define CLIP_H

#include "weft/decoder.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

#define CLIP_MAX_STREAMS 64
#define CLIP_PROBE_BYTES 1000000
#define CLIP_MAX_ALLOC ((size_t)512 << 20)
#define CLIP_AHEAD 4096                       /* packets held ahead of the decoder at most, ... */
#define CLIP_AHEAD_BYTES ((uint64_t)64 << 20) /* ... and their bytes */
#define CLIP_HEAD_BYTES 1024                  /* not less than PLG_TRANSPORT_BYTES */
#define CLIP_NO_TIME INT64_MIN
#define CLIP_TRACK_BYTES 32

/* ---- magic.c ---- */

/* A format that is told by the first bytes of a file: FFmpeg's name of its demuxer, and the probe's
 * score (0 to 100) for each kind of medium. */
typedef struct clip_format {
    const char *demuxer;
    int32_t     image, video, audio;
    int32_t     is_moving; /* of a format of pictures: there are several frames */
} clip_format;

/* The format of a file whose first n bytes are head; NULL where this plugin does not read it.
 * CLIP_HEAD_BYTES bytes are enough. [any] */
const clip_format *clip_format_of(const uint8_t *head, uint64_t n);
int                clip_is_transport(const clip_format *f); /* an MPEG transport stream */
int32_t            clip_probe(const weft_probe *in);        /* weft_decoder.probe */

/* ---- io.c ---- */

typedef struct clip_io {
    const weft_host *host;
    weft_source      source;
    AVIOContext     *pb;     /* NULL: not started */
    int64_t          at;     /* of the next byte */
    int64_t          length; /* -1: unknown: a pipe */
    weft_status      status; /* why the source failed; WEFT_OK where the data merely ended */
    uint8_t         *held;   /* read instead of the source, length bytes; NULL: nothing is */
} clip_io;

/* *source is copied; its ctx must outlive the io. */
void clip_io_init(clip_io *io, const weft_host *host, const weft_source *source);
/* A pipe becomes seekable when its end lies within what the host keeps: this reads that far to
 * find out. */
void clip_io_find_end(clip_io *io);
/* Makes a new pb that reads from byte 0. Returns 0 where memory is out, else 1. */
int  clip_io_start(clip_io *io);
void clip_io_stop(clip_io *io);
/* Reads up to n bytes at an offset of the source and returns how many; they are fewer only where
 * the source ends or fails. */
uint64_t clip_io_at(clip_io *io, int64_t at, uint8_t *dst, uint64_t n);
/* From here on n bytes of memory are read instead of the source. The io frees them, with the host's
 * free, in clip_io_drop. */
void clip_io_hold(clip_io *io, uint8_t *bytes, uint64_t n);
void clip_io_drop(clip_io *io);
/* FFmpeg's interrupt callback (AVIOInterruptCB): 1 once the host wants the work to stop. */
int clip_cancelled(void *io);

/* ---- the decoder ---- */

typedef enum clip_kind { CLIP_VIDEO, CLIP_AUDIO, CLIP_IMAGE } clip_kind;

/* FFmpeg's decoder is fed with packets (CLIP_FEEDING) or being emptied: it gets no more packets and
 * gives out the frames that it still holds. It is emptied either because the next packet starts a
 * group that is not needed yet (CLIP_DRAIN_GROUP), or because there is no next packet
 * (CLIP_DRAIN_END). */
typedef enum clip_drain { CLIP_FEEDING, CLIP_DRAIN_GROUP, CLIP_DRAIN_END } clip_drain;

/* A queue of packets of the stream, in the order of the file, that were read and not yet given to
 * FFmpeg's decoder. */
typedef struct clip_packets {
    AVPacket **slot; /* CLIP_AHEAD of them, a ring */
    uint32_t   first, n;
    uint64_t   bytes;
    int        ended; /* no packet follows the last one */
} clip_packets;

/* Where on a larger canvas a picture lies; what is around it is transparent. */
typedef struct clip_canvas {
    int32_t width, height; /* 0: there is none */
    int32_t left, top;
} clip_canvas;

/* The sizes of a stream's frames, and the state of their conversion to RGB; see picture.c. */
typedef struct clip_picture {
    int32_t            width, height; /* upright, square pixels: as shown */
    int32_t            across, down;  /* the same before rotation */
    int32_t            drawn[2];      /* what of that the frame covers: the canvas may be larger */
    int32_t            channels;      /* 3 or 4 */
    int32_t            turn[4];       /* stored to shown: x' = turn[0] x + turn[1] y, ... */
    struct SwsContext *sws;
    int32_t            from[5]; /* what sws was made for: width, height, format, ... */
    uint8_t           *rows;    /* [down, stride]: the frame before rotation */
    int32_t            stride;
} clip_picture;

typedef struct clip_sound {
    int32_t     rate, channels;
    SwrContext *swr;
    int32_t     format;      /* that swr was made for */
    float      *block;       /* of the host: decoded and not yet given away */
    uint64_t    room, n, at; /* in samples of all channels */
    uint64_t    given;
    int64_t     silence;  /* samples of silence to be given before the block */
    int64_t     placed;   /* samples on the time line so far, silence included */
    int64_t     shift_us; /* what is taken off the time stamps: see timeline.c */
    int         begun, ended;
    int         cut; /* the file ends within a packet */
} clip_sound;

typedef struct clip_dec {
    const weft_host   *host;
    const char        *what; /* "clip": the subject of its messages */
    clip_kind          kind;
    const clip_format *format;
    char               track[CLIP_TRACK_BYTES]; /* asked for: a number or a language; "": none */
    uint64_t           max_pixels, max_side, max_frames, max_samples, max_decoded_bytes;
    clip_io            io;
    AVFormatContext   *demuxer;
    AVStream          *stream;
    AVCodecContext    *codec;
    int64_t            start_us;    /* the container's own time of our time 0 */
    int64_t            duration_us; /* -1: unknown */
    clip_packets       ahead;
    AVPacket          *packet;          /* scratch of open, span and sound */
    AVFrame           *now, *next;      /* the frame being shown and the one after it */
    int64_t            now_us, next_us; /* CLIP_NO_TIME: there is none */
    int                now_is_first;    /* of the clip */
    int                from_start;      /* no packet of the stream was skipped */
    clip_drain         drain;
    int64_t            group_ts; /* newest time stamp of the last key packet fed */
    uint64_t           fed;      /* packets since the decoder was last empty */
    int64_t            whole_us; /* from here on what the decoder gives is whole */
    uint64_t           damaged;  /* packets that have gaps or that the decoder refused */
    uint64_t           refused;  /* the decoder's errors, also when a packet is read again */
    int64_t read_at, damaged_at; /* offsets: of the packet at hand, and of the furthest that was
                                    counted in damaged; -1: there is none */
    int64_t probed_to;           /* where FFmpeg reads on, the streams being found */
    int after_gap; /* pictures: a packet fed since the last key packet has a gap; sound: the last
                      one read, which was left out */
    uint64_t     groups, packets, seeks, shown; /* for the log line at close */
    int32_t      odd_tiff;                      /* that FFmpeg would show wrong */
    int32_t      orientation; /* EXIF's, as the file states it; 0: FFmpeg says it */
    clip_canvas  canvas;
    clip_picture picture;
    clip_sound   sound;
} clip_dec;

/* ---- open.c ---- */

/* Opens src: finds its stream of this kind, holds its sizes against the limits and makes *out ready
 * to decode. On failure *out is NULL and nothing stays allocated. */
weft_status clip_open(const weft_host *h, const weft_source *src, clip_kind kind,
                      const weft_limits *lim, clip_dec **out, weft_error *err);
/* Closes and frees a decoder, also one whose opening failed half-way. dec may be NULL. */
void clip_close(void *dec);
/* Opens the demuxer at byte 0 and finds the stream; the decoder is left alone. */
weft_status clip_demuxer_open(clip_dec *d, weft_error *err);
void        clip_demuxer_close(clip_dec *d);
/* Empties the decoder and forgets its frames. */
void clip_flush(clip_dec *d);
/* Turns an error code of FFmpeg into a status and one of a few fixed sentences. */
weft_status clip_fail(clip_dec *d, int code, weft_error *err);
weft_status clip_nomem(const clip_dec *d, weft_error *err);
/* Returns CANCELLED once the host wants the work to stop, else OK. */
weft_status clip_poll(clip_dec *d, weft_error *err);

/* ---- span.c ---- */

/* A stream's time stamp in microseconds from our time 0; CLIP_NO_TIME for none. */
int64_t clip_us(const clip_dec *d, int64_t ts);
/* The stream's time stamp at a time in microseconds, rounded up. */
int64_t clip_ts(const clip_dec *d, int64_t us);
/* Sets start_us and duration_us. The length of a clip is measured from its packets where the source
 * can be read to its end, because the length in a header may be wrong. */
weft_status clip_measure(clip_dec *d, weft_error *err);
/* Goes back to the first packet. UNSUPPORTED for a pipe whose beginning is no longer kept. */
weft_status clip_rewind(clip_dec *d, weft_error *err);

/* ---- packets.c ---- */

weft_status clip_packets_init(clip_dec *d, weft_error *err);
void        clip_packets_clear(clip_packets *q);
void        clip_packets_free(clip_dec *d);
AVPacket   *clip_packets_head(clip_dec *d); /* NULL: none is held */
void        clip_packets_pop(clip_dec *d);
/* Reads the stream's next packet, unless q->ended. */
weft_status clip_packets_read(clip_dec *d, weft_error *err);
/* Drops packets up to the first key packet, since decoding cannot start before one. */
weft_status clip_packets_to_key(clip_dec *d, weft_error *err);
/* Reads ahead until no later packet can be shown at or before t. Groups that end before t are
 * dropped without being decoded, and FFmpeg's decoder is reset where it was in such a group. */
weft_status clip_packets_until(clip_dec *d, int64_t t, weft_error *err);
/* The earliest and the latest time at which a packet's frame may be shown. They are equal where the
 * packet has a pts. */
int64_t clip_packet_from(const clip_dec *d, const AVPacket *p);
int64_t clip_packet_to(const clip_dec *d, const AVPacket *p);
/* Whether one of the packets held behind the first is shown at or before t: a leading picture. */
int clip_packets_lead(clip_dec *d, int64_t t);

/* ---- frames.c, picture.c, sound.c, still.c ---- */

/* Makes d->now the frame shown at t. */
weft_status clip_show(clip_dec *d, int64_t t, weft_error *err);
weft_status clip_read_frames(void *dec, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err);

/* The size as shown, from the stream's headers, against the limits. */
weft_status clip_picture_init(clip_dec *d, weft_error *err);
/* Checks a stored or shown size: CORRUPT where it is impossible, LIMIT where it is over a limit. */
weft_status clip_size(const clip_dec *d, int64_t width, int64_t height, weft_error *err);
/* Writes the frame d->now to dst: picture.height rows of picture.width * picture.channels bytes. */
weft_status clip_picture_write(clip_dec *d, uint8_t *dst, weft_error *err);
void        clip_picture_free(clip_dec *d);

/* Decodes the first block, which settles rate and channels. */
weft_status clip_sound_init(clip_dec *d, weft_error *err);
weft_status clip_read_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err);
void        clip_sound_free(clip_dec *d);

/* ---- timeline.c ---- */

/* Places the decoded frame f, of sound, on the time line: sets sound.silence to the samples of
 * silence that belong before it, and counts both in sound.placed. */
void clip_timeline_place(clip_dec *d, const AVFrame *f);

/* ---- whole.c ---- */

/* Logs a warning where the file is shorter than its format says: a Matroska, AVI, WAV or AAC that
 * was cut, or a transport stream that ends within a packet. (Other formats' own ends are checked by
 * check_complete in span.c, or say nothing.) */
void clip_warn_cut(clip_dec *d);

/* ---- track.c ---- */

/* 1 where s is a picture that stands for the whole file, such as the cover of an album. */
int clip_is_cover(const AVStream *s);
/* Finds the stream of d->kind, which for sound is the one that d->track asks for, and has the
 * others skipped. NOTFOUND: the file has streams of another kind only; UNSUPPORTED: there is no
 * such track; CORRUPT: nothing can be made out. */
weft_status clip_find_stream(clip_dec *d, weft_error *err);

/* Before the demuxer is opened: looks into the file for what FFmpeg does not say. UNSUPPORTED: it
 * would be shown wrong. (still_file.c) */
weft_status clip_still_file(clip_dec *d, weft_error *err);
/* Decodes the picture, which settles size, alpha and orientation. */
weft_status clip_still_init(clip_dec *d, weft_error *err);

#endif
