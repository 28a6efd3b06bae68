/* SPDX-License-Identifier: Apache-2.0 */
/* Files. A file is read at offsets after its length has been found out, and is written either as a
 * whole or not at all. */
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

/* Writes a file under a temporary name in the same directory. Commit renames it to its final name;
 * abort, or a failure, leaves nothing behind. */
typedef struct wf_writer wf_writer;
weft_status              wf_writer_open(const char *path, wf_writer **out, weft_error *err);
weft_status wf_writer_write(wf_writer *w, const void *src, uint64_t n, weft_error *err);
/* Calls fsync and renames the file. Frees *w also on failure. */
weft_status wf_writer_commit(wf_writer **w, weft_error *err);
void        wf_writer_abort(wf_writer **w);

#endif
