/* SPDX-License-Identifier: Apache-2.0 */
/* Well-known formats of pictures, sound, clips and documents, told by the first bytes of a file. */
#ifndef FMT_FORMATS_H
#define FMT_FORMATS_H

#include <stdint.h>

/* What a user does with a file of a format that no decoder here reads. */
typedef enum fmt_advice {
    FMT_HEIF,    /* convert it to JPEG, or install libheif */
    FMT_PICTURE, /* convert it to PNG or JPEG */
    FMT_SOUND,   /* convert it to WAV or FLAC */
    FMT_CLIP,    /* convert it to MP4 */
    FMT_OTHER    /* it is not a medium */
} fmt_advice;

typedef struct fmt_format {
    const char *name;  /* with its article: "a HEIC picture" */
    uint32_t    at, n; /* the offset of the bytes and their number */
    const char *bytes;
    fmt_advice  advice;
} fmt_format;

/* Whether samples without a header may begin so by chance: the bytes are two, or numbers that
 * silence has. */
int fmt_is_weak(const fmt_format *f);
/* The format of a file that begins with these n bytes; NULL: none that is known here. [any] */
const fmt_format *fmt_find(const uint8_t *head, uint64_t n);

#endif
