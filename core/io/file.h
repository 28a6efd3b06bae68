/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read at offsets, after their length has been found out. */
#ifndef WF_FILE_H
#define WF_FILE_H

#include "core/base/status.h"

typedef struct wf_file {
    int      fd;
    uint64_t bytes; /* length when opened */
    char    *path;  /* for messages; owned */
} wf_file;

/* Opens a regular file for reading. NOTFOUND: it does not exist; IO: it cannot be opened, with the
 * reason. */
weft_status wf_file_open(const char *path, wf_file *out, weft_error *err);
void        wf_file_close(wf_file *f);
/* Reads exactly n bytes at offset. IO where the file has become shorter or cannot be read; CORRUPT
 * where the range lies outside the length that it had when it was opened. Any thread. */
weft_status wf_file_read(const wf_file *f, uint64_t offset, void *dst, uint64_t n, weft_error *err);
/* Reads a whole file into memory and puts a NUL after it. LIMIT where it has more than max_bytes.
 * The caller frees *out with wf_free. */
weft_status wf_file_load(const char *path, uint64_t max_bytes, char **out, uint64_t *bytes,
                         weft_error *err);

/* Fails with the message "PATH: WHAT: reason", whose reason comes from errno. */
weft_status wf_fail_errno(weft_error *err, weft_status code, const char *path, const char *what);

#endif
