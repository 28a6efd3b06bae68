/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written as a whole or not at all, and streams that are written as they come. */
#ifndef WF_WRITER_H
#define WF_WRITER_H

#include "core/base/status.h"
#include "core/io/target.h"

/* A regular file grows as ".weft-NAME" in its own folder (through links: in the folder of the file
 * that they lead to), locked, and gets its name on commit; it keeps the mode, and where that is
 * allowed the owner, of a file that it replaces. Abort, or a failure, leaves nothing behind; what a
 * killed process left is replaced. A pipe, a device or a descriptor (/dev/stdout, /dev/fd/N) is
 * written as it comes. One thread. */
typedef struct wf_writer wf_writer;

/* On success *out is the caller's until commit or abort, else NULL. *busy (may be NULL): 1 where it
 * failed because another writer has the file at work. INVALID: a folder; IO: the reason. */
weft_status wf_writer_open(const char *path, int32_t *busy, wf_writer **out, weft_error *err);
weft_status wf_writer_write(wf_writer *w, const void *src, uint64_t n, weft_error *err);
/* Calls fsync and renames the file. Frees *w also on failure. */
weft_status wf_writer_commit(wf_writer **w, weft_error *err);
void        wf_writer_abort(wf_writer **w); /* NULL inside is fine */

#endif
