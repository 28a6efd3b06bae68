/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoders of still pictures share: limits, info, and the checks of the destination. */
#ifndef VIS_STILL_H
#define VIS_STILL_H

#include "canvas.h"
#include "stream.h"
#include "weft/decoder.h"

/* Limits where the caller gives none: 64 Mpx, and sides that keep every product within 32 bits. */
#define VIS_STILL_MAX_PIXELS 67108864u
#define VIS_STILL_MAX_SIDE   32768u

typedef struct vis_still {
    const weft_host *host;
    const char      *format;                 /* "PNG": the subject of its messages */
    vis_stream       stream;
    int32_t          width, height;          /* as stored */
    int32_t          channels, orientation;  /* 3 or 4; EXIF, 1 to 8 */
    uint64_t         max_pixels, max_side, max_decoded_bytes; /* 0: no bound on the bytes */
} vis_still;

/* lim may be NULL, or 0 in a field: the defaults above then hold. */
void vis_still_init(vis_still *s, const weft_host *host, const char *format,
                    const weft_source *source, const weft_limits *lim);

/* Takes the stored size from a header: CORRUPT for an empty picture, LIMIT for one over the limits
 * (naming the option). Call it before anything is allocated for the picture. */
weft_status vis_still_size(vis_still *s, uint64_t width, uint64_t height, weft_error *err);

/* Once channels are known: LIMIT where the pixels are over max_decoded_bytes. */
weft_status vis_still_bytes(const vis_still *s, weft_error *err);

/* Reads the EXIF block at offset, n bytes, and keeps its orientation. Moves the stream. A block
 * larger than 64 KiB is read to there: directories come first. */
weft_status vis_still_exif(vis_still *s, uint64_t offset, uint64_t n, weft_error *err);

/* Fills *out within its size. */
weft_status vis_still_info(const vis_still *s, weft_media_info *out, weft_error *err);

/* Checks the arguments of read_frames and makes the canvas over dst; at_us[0] becomes 0. */
weft_status vis_still_canvas(const vis_still *s, uint32_t n, const weft_tensor *dst, int64_t *at_us,
                             vis_canvas *out, weft_error *err);

/* The sentence for data that ended before the picture did, or for a source that failed. */
weft_status vis_still_short(const vis_still *s, weft_error *err);
weft_status vis_still_nomem(const vis_still *s, weft_error *err);

/* 1 where name ends in one of the endings (lower case, with the dot, NULL-terminated); ASCII case
 * is ignored. name may be NULL. [any] */
int vis_name_ends(const char *name, const char *const *endings);

#endif
