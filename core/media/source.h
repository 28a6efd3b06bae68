/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file or pipe, as decoders read them. */
#ifndef WF_SOURCE_H
#define WF_SOURCE_H

#include "core/base/cancel.h"
#include "core/io/file.h"
#include "weft/package.h"

#define WF_PIPE_KEPT ((uint64_t)64 << 20) /* bytes of a pipe that can be read again */

typedef struct wf_source {
    weft_source    pub; /* ctx: this */
    wf_file        file;
    int32_t        is_pipe, owns_fd;
    uint8_t       *kept;                 /* pipe: its first bytes */
    uint64_t       n_kept, kept_cap, at; /* at: bytes taken from the pipe so far */
    const uint8_t *prefix; /* bytes that are read before those of the file; borrowed */
    uint64_t       n_prefix;
    wf_mark        mark; /* a wait for a pipe ends when this is cancelled */
} wf_source;

/* A regular file, or a pipe (path "-": standard input), whose reads give CANCELLED soon after the
 * mark has been cancelled. What the mark points to outlives the source. */
weft_status wf_source_open(const char *path, const wf_mark *mark, wf_source *out, weft_error *err);
/* Puts n bytes in front of those of the file, whose offsets move by so much. p is borrowed. */
void wf_source_prefix(wf_source *s, const uint8_t *p, uint64_t n);
void wf_source_close(wf_source *s);

#endif
