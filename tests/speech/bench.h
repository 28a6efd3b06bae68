/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of sound share: modules of the build tree, bytes as sources, files made in memory,
 * sounds. */
#ifndef TEST_SPEECH_BENCH_H
#define TEST_SPEECH_BENCH_H

#include "tests/support/fake_host.h"
#include "weft/modality.h"

/* The vtable of kind in plugins/NAME.so of the build tree; fails the test where there is none. The
 * module stays loaded. */
const void *component_load(const char *name, const char *kind);

/* Bytes that grow; made and freed by the test. */
typedef struct bytes_made {
    uint8_t *p;
    uint64_t n, room;
} bytes_made;

void bytes_put(bytes_made *b, const void *p, uint64_t n);
void bytes_le(bytes_made *b, uint64_t value, int n_bytes); /* little-endian */
void bytes_text(bytes_made *b, const char *text);
void bytes_set_le(bytes_made *b, uint64_t at, uint64_t value, int n_bytes);
void bytes_free(bytes_made *b);

/* Bytes as a weft_source. */
typedef struct memory_source {
    const uint8_t *p;
    uint64_t       n;
    int      pipe; /* length() says -1, and reading back beyond the first MiB fails the test */
    uint64_t furthest;
    uint64_t fail_at; /* not 0: reads that touch this offset or later give WEFT_E_IO */
    uint64_t padding; /* zero bytes that follow p's, made up: a file of any size */
} memory_source;

weft_source source_of(memory_source *m);

/* A RIFF header and n samples of s16; sizes as they are. */
bytes_made wav_of(const int16_t *x, uint64_t n_frames, uint32_t rate, uint16_t channels);
/* x [n, channels] written by libsndfile: format is its SF_FORMAT_*. Fails the test where it cannot.
 * */
bytes_made file_of(const float *x, int64_t n, int32_t rate, int32_t channels, int32_t format);
/* A file below tests/fixtures, whole. */
bytes_made fixture_of(const char *name);

/* A sound: moving chord and noise, loud, inside +-1; x [n, channels], channels differ. Caller
 * frees. */
float *sound_made(int64_t n, int32_t rate, int32_t channels);

/* What decoding gave: x [n, channels]. */
typedef struct decoded {
    float          *x;
    int64_t         n;
    weft_media_info info;
} decoded;

/* open, info, read_audio in blocks of `block` to the end, close; nothing of the decoder's may be
 * left. On failure x is NULL and *err holds code and sentence. lim may be NULL. */
weft_status decode(const weft_decoder *d, fake_host *h, memory_source *m, const weft_limits *lim,
                   int64_t block, decoded *out, weft_error *err);

#endif
