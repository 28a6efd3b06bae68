/* SPDX-License-Identifier: Apache-2.0 */
/* What the path of a file to write stands for. */
#ifndef WF_TARGET_H
#define WF_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/status.h"

typedef struct wf_target {
    char  *path;       /* behind all links; owned */
    int    descriptor; /* the open one that the path names (/dev/stdout, /dev/fd/N), else -1 */
    bool   exists;     /* as a regular file, with the mode and the owner below */
    bool   stream;     /* a pipe, a socket or a device */
    mode_t mode;
    uid_t  uid;
    gid_t  gid;
} wf_target;

/* Follows the links at the end of path; the file need not be there. On success out->path is freed
 * by the caller with wf_free; on failure it is NULL. INVALID: a folder; IO: it may not be written,
 * or there are too many links; NOMEM. */
weft_status wf_target_find(const char *path, wf_target *out, weft_error *err);

#endif
