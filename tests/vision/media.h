/* SPDX-License-Identifier: Apache-2.0 */
/* Driving a decoder module of the build tree: loaded with dlopen, opened on bytes in memory. */
#ifndef TEST_MEDIA_H
#define TEST_MEDIA_H

#include "tests/support/fake_host.h"
#include "weft/decoder.h"

/* Bytes as a weft_source. */
typedef struct memory_source {
    const uint8_t *p;
    uint64_t       n;
    int            unknown_length; /* length() says -1, as for a pipe */
    uint32_t       chop;           /* not 0: the seed of random short reads */
    uint64_t       fail_at;        /* not 0: reads that touch this offset or later give WEFT_E_IO */
    int64_t        reads;
} memory_source;

weft_source source_of(memory_source *m);

/* Loads plugins/NAME.so of the build tree through its one symbol; fails the test where it cannot.
 * The module stays loaded. */
const weft_decoder *decoder_load(const char *name);

/* "x.png": the decoder by ending. */
const weft_decoder *decoder_for(const char *file);

typedef struct picture {
    int32_t  width, height, channels;
    uint8_t *px; /* the caller frees it */
} picture;

/* open, info, read_frames, close. On failure px is NULL and err holds code and sentence; in any
 * case nothing of the decoder's is left. lim may be NULL. */
weft_status picture_read(const weft_decoder *d, fake_host *h, memory_source *m,
                         const weft_limits *lim, picture *out, weft_error *err);

/* The tensor read_frames wants for info. */
weft_tensor frame_of(const weft_media_info *info, uint8_t *px);

/* The PNG builder: signature, then chunks. */
typedef struct builder {
    uint8_t *p;
    uint64_t n, room;
} builder;

builder png_begin(uint32_t width, uint32_t height, uint8_t depth, uint8_t type);
void    png_chunk(builder *b, const char *type, const void *data, uint64_t n);
/* IDAT of n bytes of rows (filter bytes included), packed; then IEND. */
void png_end(builder *b, const void *rows, uint64_t n);
/* A chunk of head (n_head bytes, names and all), then zeros packed from n bytes to about n /
 * 1000. */
void png_bomb(builder *b, const char *type, const void *head, uint64_t n_head, uint64_t n);

#endif
