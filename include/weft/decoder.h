/* SPDX-License-Identifier: Apache-2.0 */
/* weft/decoder.h: bytes to pixels, samples and readings.
 *
 * A decoder sees bytes, limits and host buffers, nothing of models or devices: it may be run in a
 * sandboxed process without knowing.
 *
 * A kind of media is a string: "image" and "video" have frames, "audio" has samples, and a third
 * party's own kind has a name in reverse DNS ("org.example.readings") and rows of numbers, or
 * whatever else its decoders and its modality agree on.
 *
 * Life of a decoder: probe -> open -> info -> any number of reads, one at a time -> close. Several
 * decoders of one plugin may be open at once, on several threads; one of them is in one call at a
 * time. */
#ifndef WEFT_DECODER_H
#define WEFT_DECODER_H

#include "package.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a decoder may spend; each refusal names the option that raises it (--max-pixels, ...).
 * Every value is a number of its own name, and 0 forbids; max_decoded_bytes is of one buffer. track
 * says which of several tracks of sound is read: its number among them, from 1, or its language by
 * name or code (languages.h); NULL: the decoder's own choice. A decoder that does not have that
 * track fails with UNSUPPORTED. */
typedef struct weft_limits {
    weft_hdr    hdr;
    uint64_t    max_pixels, max_side, max_frames, max_samples, max_decoded_bytes, max_tokens;
    const char *track;
} weft_limits;

/* What a file holds. The host gives it to info with kind set and everything else zero: a decoder
 * fills what its kind has. */
typedef struct weft_media_info {
    weft_hdr    hdr;
    const char *kind;          /* the one that was opened */
    int32_t     width, height; /* pixels, as shown: after rotation and sample aspect ratio */
    int32_t     channels;      /* of a sample (1: mono, 2: left, right); of frames see has_alpha */
    int32_t     sample_rate;   /* samples a second; 0: there is no sound */
    int32_t     has_alpha;     /* 1: frames have 4 channels, the last one opacity; 0: they have 3 */
    int32_t     reserved;
    int64_t     n_samples; /* of each channel; -1: unknown; the host reads as far as an item may
                              reach, and opens the file again */
    int64_t duration_us;   /* of a clip or a recording; 0: a still; -1: unknown */
    int64_t n_rows;        /* of readings; 0: there are none; -1: unknown */
    int32_t row_width;     /* numbers in a row of readings; 0: there are none */
    int32_t reserved1;
    /* Frames of a clip in fps_den seconds, on average: 30000 and 1001. Both 0: unknown. */
    int32_t fps_num, fps_den;
} weft_media_info;

/* "Is this an audio file?" head holds the first bytes of the file, at most 65536 and all where it
 * has fewer; of a pipe less than 65536 may have come yet, and the decoder is chosen as soon as one
 * answers CERTAIN, or MAGIC with 4096 bytes or more. So CERTAIN is for what more bytes would not
 * change. name_hint is the file's name, or NULL, and only breaks ties. */
typedef struct weft_probe {
    weft_hdr       hdr;
    const char    *kind;
    const uint8_t *head;
    uint64_t       head_bytes;
    const char    *name_hint;
} weft_probe;
#define WEFT_PROBE_NO 0
#define WEFT_PROBE_HINT 25     /* only the name fits */
#define WEFT_PROBE_NAMED 30    /* open fails with what the file is: asked last */
#define WEFT_PROBE_CHANCE 50   /* a few bits fit, as those of plain samples may by chance */
#define WEFT_PROBE_MAGIC 80    /* magic number */
#define WEFT_PROBE_CERTAIN 100 /* magic and validated structure */

#define WEFT_C_DECODER "weft.decoder/1"
typedef struct weft_decoder {
    weft_hdr hdr;
    /* The kinds that it gives, 1 to 15 of them and a NULL. Required. */
    const char *const *kinds;
    /* How well the bytes fit in->kind, 0 to 100 (WEFT_PROBE_*), from in alone: no reading, no
     * allocation. The highest score opens the file; one of at most WEFT_PROBE_NAMED and above
     * HINT only where no decoder scores more. Required. [any] */
    int32_t (*probe)(const weft_probe *in);
    /* Reads headers and checks them against lim. src is copied by who wants to keep it; what its
     * ctx points to outlives the decoder. A source that is a pipe can be read again only in its
     * first 64 MiB. *dec is NULL on entry: on success it gets the decoder, which is not NULL and
     * which close frees; on failure everything is freed already. NOTFOUND: the file is of this
     * format and holds nothing of this kind; the host then asks for the next kind. UNSUPPORTED:
     * the host asks the next decoder whose score for this kind comes from the content.
     * Required. [worker] */
    weft_status (*open)(const weft_host *h, const weft_source *src, const char *kind,
                        const weft_limits *lim, void **dec, weft_error *err);
    /* From headers only; may be called at any time between open and close and always gives the
     * same. out: see weft_media_info. Required. [worker] */
    weft_status (*info)(void *dec, weft_media_info *out, weft_error *err);
    /* The frames shown at n times, which ascend and are not negative, upright. dst: host memory of
     * the host's, u8 [n, height, width, 3 or 4] in C order (no gaps between rows), sRGB, 8 bits a
     * channel; with has_alpha 4 channels, and colours are not multiplied with the opacity, 255 of
     * which is opaque. at_us [n] gets the times at which those frames really begin. A still has one
     * frame: n is 1, the time 0. What dst holds after a failure is not read. NULL: there are no
     * frames. [worker] */
    weft_status (*read_frames)(void *dec, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err);
    /* The next n samples after those of the call before. dst: host memory of the host's, f32 [n,
     * channels] in C order, full scale -1..1 (values beyond are possible and kept). *got is 0 on
     * entry and gets how many there were: fewer than n only at the end. NULL: there is no sound.
     * [worker] */
    weft_status (*read_audio)(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err);
    void (*close)(void *dec); /* frees it; called once. Required. [worker] */
    /* The next n readings after those of the call before, as numbers of whatever unit the kind has.
     * dst: host memory of the host's, f32 [n, row_width] in C order. *got as in read_audio. NULL:
     * there are no readings. A decoder has one of the three reads at least. [worker] */
    weft_status (*read_rows)(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err);
} weft_decoder;

#ifdef __cplusplus
}
#endif
#endif
