/* SPDX-License-Identifier: Apache-2.0 */
/* A media file or pipe, and the decoder that understands it. */
#ifndef WF_MEDIA_H
#define WF_MEDIA_H

#include "core/engine/engine.h"
#include "core/io/file.h"
#include "core/media/calls.h"

#define WF_PIPE_KEPT ((uint64_t)64 << 20) /* bytes of a pipe that can be read again */

typedef struct wf_source {
    weft_source pub; /* ctx: this */
    wf_file     file;
    int32_t     is_pipe, owns_fd;
    uint8_t    *kept;                 /* pipe: its first bytes */
    uint64_t    n_kept, kept_cap, at; /* at: bytes taken from the pipe so far */
    atomic_int *cancel; /* borrowed: set while a pipe is waited for, it ends the wait */
} wf_source;

/* A regular file, or a pipe (path "-": standard input), which gives CANCELLED soon after *cancel is
 * set. */
weft_status wf_source_open(const char *path, atomic_int *cancel, wf_source *out, weft_error *err);
void        wf_source_close(wf_source *s);

typedef struct wf_media {
    wf_source       source;
    wf_decoding     decoding;
    const char     *path; /* borrowed */
    weft_limits     limits;
    weft_media_info info;
    weft_media      pub; /* what a modality is given */
} wf_media;

/* Whether kind is one of kinds, which ends with NULL; NULL has none. */
bool wf_has_kind(const char *const *kinds, const char *kind);

/* Opens path with the decoder of the highest score for kind (NULL: any), limits from the settings.
 * Errors are of stage MEDIA and begin with the path. Closed by wf_media_close, also after failure.
 */
weft_status wf_media_open(weft_engine *e, const char *path, const char *kind, wf_media *out,
                          weft_error *err);
void        wf_media_close(wf_media *m);
/* Where the decoder cannot tell how many samples there are, which an item's plan must know: reads
 * as far as most_us (INT64_MAX: to the end), and opens the decoder again. A recording that goes on
 * after that stays of unknown length, or has its header's where that says so; with cut, it counts
 * as one of the samples read. */
weft_status wf_media_count(weft_engine *e, wf_media *m, int64_t most_us, bool cut, weft_error *err);
/* What messages call the file: "standard input" for "-". */
const char *wf_media_name(const char *path);
/* Puts the name of the file in front of what a decoder or modality said of it, once; the stage is
 * MEDIA. */
weft_status wf_media_fail(const char *path, const weft_error *why, weft_status status,
                          weft_error *err);

#endif
