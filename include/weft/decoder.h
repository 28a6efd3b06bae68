/* SPDX-License-Identifier: Apache-2.0 */
/* weft/decoder.h: bytes to pixels and samples.
 *
 * A decoder sees bytes, limits and host buffers, nothing of models or devices: it may be run in a
 * sandboxed process without knowing. A kind is a string: "image", "video", "audio", or a third
 * party's own in reverse DNS ("org.example.readings": rows of f32 through read_audio). */
#ifndef WEFT_DECODER_H
#define WEFT_DECODER_H

#include "package.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a decoder may spend; each refusal names the option that raises it (--max-pixels, ...). */
typedef struct weft_limits {
    weft_hdr hdr;
    uint64_t max_pixels, max_side, max_frames, max_samples, max_decoded_bytes, max_tokens;
} weft_limits;

typedef struct weft_media_info {
    weft_hdr    hdr;
    const char *kind;
    int32_t     width, height; /* as shown: after rotation and sample aspect ratio */
    int32_t     channels, sample_rate;
    int32_t     has_alpha, reserved;
    int64_t     n_samples; /* -1: unknown; the host reads as far as an item may reach, and opens the
                              file again */
    int64_t duration_us;   /* -1: unknown */
} weft_media_info;

/* "Is this an audio file?" head holds the first bytes; hints only break ties. */
typedef struct weft_probe {
    weft_hdr       hdr;
    const char    *kind;
    const uint8_t *head;
    uint64_t       head_bytes;
    const char    *name_hint;
} weft_probe;
#define WEFT_PROBE_NO 0
#define WEFT_PROBE_HINT 25     /* only the name fits */
#define WEFT_PROBE_MAGIC 80    /* magic number */
#define WEFT_PROBE_CERTAIN 100 /* magic and validated structure */

#define WEFT_C_DECODER "weft.decoder/1"
typedef struct weft_decoder {
    weft_hdr           hdr;
    const char *const *kinds; /* NULL-terminated */
    /* Score 0..100 for in->kind from the head alone, no I/O. [any] */
    int32_t (*probe)(const weft_probe *in);
    /* Reads headers and checks them against lim. *src is copied; its ctx outlives the decoder. A
     * source that is a pipe can be read again only in its first 64 MiB. [worker] */
    weft_status (*open)(const weft_host *h, const weft_source *src, const char *kind,
                        const weft_limits *lim, void **dec, weft_error *err);
    weft_status (*info)(void *dec, weft_media_info *out,
                        weft_error *err); /* [worker] from headers only */
    /* The frames shown at these times, upright, u8 [n, height, width, 3 or 4] (4 where has_alpha);
     * at_us [n] gets the real times. A still: n 1, time 0. NULL where there are no frames. [worker]
     */
    weft_status (*read_frames)(void *dec, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err);
    /* The next n samples, f32 [n, channels]; *got less than n: the end. NULL where there is no
     * sound. [worker] */
    weft_status (*read_audio)(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err);
    void (*close)(void *dec); /* [worker] */
} weft_decoder;

#ifdef __cplusplus
}
#endif
#endif
