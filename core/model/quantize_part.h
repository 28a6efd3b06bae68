/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a quantised model grows in: OUT.part until it is whole, then OUT. A note in it
 * says what it is made of, so that the next run of the same can go on with it. A run holds a lock
 * on it, where the file system has locks: two never write the same one. */
#ifndef WF_QUANTIZE_PART_H
#define WF_QUANTIZE_PART_H

#include "core/model/quantize.h"

#define WF_PART_PATH_BYTES 4096
#define WF_PART_NOTE "weft-quantize.txt" /* goes when the directory is whole */
#define WF_PART_NOTE_BYTES ((uint64_t)64 << 20)

typedef struct wf_part {
    char out[WF_PART_PATH_BYTES], part[WF_PART_PATH_BYTES];
    int  lock; /* the directory's descriptor; -1: not begun */
} wf_part;

/* Whether q can begin, or take up what is there, as far as q->what says so far: its beginning is
 * enough. Makes the directory for that, and leaves nothing that was not there. INVALID: OUT exists
 * or has no name; OUT.part is no directory, or of something else. IO: it cannot be made or read, or
 * another process writes it. [setup] */
weft_status wf_part_can(const wf_quantize *q, weft_error *err);
/* Begins the directory, or takes up one that was begun for the same, or in which nothing is done
 * yet. Errors as above. On success *p is the caller's until wf_part_finish or wf_part_leave.
 * [setup] */
weft_status wf_part_begin(const wf_quantize *q, wf_part *p, weft_error *err);
/* Gives the directory its name. Where that fails everything stays for the next run. */
weft_status wf_part_finish(wf_part *p, weft_error *err);
/* After a failure: files that are whole stay for the next run; without any, nothing does. */
void wf_part_leave(wf_part *p);

/* The path of a file in it, to path [WF_PART_PATH_BYTES]. */
weft_status wf_part_path(const wf_part *p, const char *name, char *path, weft_error *err);
/* Writes such a file, whole or not at all. */
weft_status wf_part_write(const wf_part *p, const char *name, const char *text, uint64_t bytes,
                          weft_error *err);

#endif
