/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read at offsets with the length known first, and written whole or not at all. */
#ifndef WF_FILE_H
#define WF_FILE_H

#include "core/base/status.h"

typedef struct wf_file {
    int      fd;
    uint64_t bytes; /* length when opened */
    char    *path;  /* for messages; owned */
} wf_file;

/* A regular file, read-only. NOTFOUND: it does not exist; IO: anything else, with the reason. */
weft_status wf_file_open(const char *path, wf_file *out, weft_error *err);
void        wf_file_close(wf_file *f);
/* Exactly n bytes at offset, or IO ("ended early: it shrank") / CORRUPT. Retries EINTR. Any thread.
 */
weft_status wf_file_read(const wf_file *f, uint64_t offset, void *dst, uint64_t n, weft_error *err);
/* The whole file with a NUL after it; over max_bytes: LIMIT. Caller frees with wf_free. */
weft_status wf_file_load(const char *path, uint64_t max_bytes, char **out, uint64_t *bytes,
                         weft_error *err);

/* A file written beside its final name and renamed into place by commit; abort (or a failure)
 * leaves nothing behind. */
typedef struct wf_writer wf_writer;
weft_status              wf_writer_open(const char *path, wf_writer **out, weft_error *err);
weft_status wf_writer_write(wf_writer *w, const void *src, uint64_t n, weft_error *err);
weft_status wf_writer_commit(wf_writer **w,
                             weft_error *err); /* fsync, rename; frees w either way */
void        wf_writer_abort(wf_writer **w);

#endif
