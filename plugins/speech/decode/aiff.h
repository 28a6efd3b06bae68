/* SPDX-License-Identifier: Apache-2.0 */
/* What an AIFF says of itself that libsndfile does not pass on. */
#ifndef SPK_AIFF_H
#define SPK_AIFF_H

#include "bytes.h"

typedef struct spk_aiff {
    char    codec[8]; /* the four letters of AIFC's compression type; "" for plain AIFF */
    int32_t cut;      /* the file ends before its FORM chunk says that it does */
} spk_aiff;

/* Walks the chunks of a FORM AIFF or AIFC up to its COMM. b's window must be the whole file, of
 * known length. What is not there stays empty: libsndfile is who refuses a damaged header. Source:
 * "Audio Interchange File Format", Apple 1989; AIFF-C, Apple 1991. [worker] */
void spk_aiff_read(spk_bytes *b, spk_aiff *out);

/* 1 where a->codec is a compression that libsndfile does not read. [any] */
int spk_aiff_codec(const spk_aiff *a);

#endif
