/* SPDX-License-Identifier: Apache-2.0 */
/* A media file or pipe, and the decoder that understands it. */
#ifndef WF_MEDIA_H
#define WF_MEDIA_H

#include "core/media/calls.h"
#include "core/media/raw.h"
#include "core/media/source.h"

/* What reading media takes; everything is borrowed. */
typedef struct wf_media_env {
    weft_limits    limits;
    const char    *raw_audio; /* recordings are raw samples of this format; NULL: no */
    int32_t        channel;   /* the one of a recording that is heard; 0: all */
    int32_t        reserved0;
    uint64_t       max_file_bytes;     /* 0: nothing said, then stills have a limit of their own */
    wf_registry   *registry;           /* gives the decoders */
    wf_modalities *modalities;         /* a kind that one takes is preferred */
    wf_scope      *scope;              /* what is opened is cancelled with the call in progress */
    int32_t        validate, reserved; /* what decoders fill is checked (core/media/fill.h) */
} wf_media_env;

/* Reads the limits from the settings. */
void wf_media_env_init(wf_media_env *env, const weft_settings *settings, wf_registry *registry,
                       wf_modalities *modalities, wf_scope *scope);

typedef struct wf_media {
    wf_source       source;
    wf_decoding     decoding;
    const char     *path; /* borrowed */
    weft_limits     limits;
    uint64_t        max_file_bytes;
    int32_t         validate;
    int32_t         channel, n_channels; /* the one that is heard, or 0; those that are decoded */
    float           peak;                /* the largest sample that was read; of none 0 */
    uint8_t         raw[WF_RAW_BYTES];
    weft_media_info info; /* channels: 1 where one is heard */
    weft_media      pub;  /* what a modality is given */
} wf_media;

/* Opens path with the decoder of the highest score for kind (NULL: any), or where that one finds
 * the file to be of another make with the next (choose.h). Errors are of stage MEDIA and begin with
 * the path. Closed by wf_media_close, also after failure. */
weft_status wf_media_open(wf_media_env *env, const char *path, const char *kind, wf_media *out,
                          weft_error *err);
void        wf_media_close(wf_media *m);
/* Closes the decoder and opens it again, at the first sample. */
weft_status wf_media_reopen(wf_media *m, weft_error *err);
/* Where the decoder cannot tell how many samples there are, which an item's plan must know: reads
 * as far as most_us (INT64_MAX: to the end), and opens the decoder again. A recording that goes on
 * after that stays of unknown length, or has its header's where that says so; with cut, it counts
 * as one of the samples read. */
weft_status wf_media_count(wf_media *m, int64_t most_us, bool cut, weft_error *err);
/* What messages call the file: "standard input" for "-". */
const char *wf_media_name(const char *path);
/* Puts the name of the file in front of what a decoder or modality said of it, once; the stage is
 * MEDIA. */
weft_status wf_media_fail(const char *path, const weft_error *why, weft_status status,
                          weft_error *err);

#endif
