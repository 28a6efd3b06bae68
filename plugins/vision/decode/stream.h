/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a weft_source in order, through a small buffer. All functions are [worker], with one thread
 * per stream. */
#ifndef VIS_STREAM_H
#define VIS_STREAM_H

#include "weft/package.h"

#define VIS_STREAM_BUFFER 16384

typedef struct vis_stream {
    weft_source source;
    uint64_t    at;     /* offset of the next byte */
    weft_status status; /* why the source failed; stays WEFT_OK where the data merely ended */
    uint64_t    buffer_at, buffer_n;
    uint8_t     buffer[VIS_STREAM_BUFFER];
} vis_stream;

/* Starts at offset 0. *source is copied; its ctx must outlive the stream. */
void vis_stream_init(vis_stream *s, const weft_source *source);

/* Reads n bytes at s->at and moves past them. Returns how many were read: fewer than n only at the
 * end, or where the source fails (s->status then says why). */
uint64_t vis_stream_read(vis_stream *s, void *dst, uint64_t n);

/* The length of the source in bytes; -1 where it is not known. */
int64_t vis_stream_length(const vis_stream *s);

#endif
