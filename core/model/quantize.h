/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory written once more with its linear weights in q8 or q4: the tensors keep their
 * names and files, a quantised one being U8 [n, ceil(k / 32), bytes of a group] (core/ops/op.h),
 * all others and the directory's other files are copied as they are. */
#ifndef WF_QUANTIZE_H
#define WF_QUANTIZE_H

#include "core/base/cancel.h"
#include "core/base/progress.h"
#include "core/device/cpu/dispatch.h"
#include "core/model/calibration.h"
#include "core/model/directory.h"

typedef struct wf_quantize {
    weft_package *package;
    const json_t *formats; /* an object: WF_Q8 or WF_Q4 by tensor name; others are copied */
    /* The options in words, in one line: an interrupted run is taken up by its like. */
    const char           *what;
    const char           *out;         /* the directory to write; it must not exist */
    const wf_calibration *calibration; /* for WF_Q4; NULL: all columns count the same */
    const wf_ops         *ops;
    wf_pool              *pool;
    wf_scope             *scope; /* asked before each piece */
    const weft_progress  *progress;
} wf_quantize;

/* Whether the package can be written so, as far as that is known before any work: the failures of
 * wf_quantize_package but for those of a disk that fills up or breaks. q->what may lack its end: an
 * OUT.part that began with another beginning is refused. [setup] */
weft_status wf_quantize_can(const wf_quantize *q, weft_error *err);
/* Everything is written to OUT.part, file by file and each whole or not at all, and renamed when it
 * is complete. Where an interrupted run left OUT.part behind, files that are there are kept; one
 * that failed before its first file was whole leaves nothing.
 * INVALID: OUT exists, or OUT.part is no directory, or of other files or options. UNSUPPORTED: a
 * GGUF file or a made package; a tensor is stored in another format already, or in a type that
 * cannot be written. IO: the disk, or another process that writes OUT.part. [setup] */
weft_status wf_quantize_package(const wf_quantize *q, weft_error *err);

/* quantize_file.c: whether each tensor of a weight file can be written as it should be. */
weft_status wf_quantize_check(const wf_quantize *q, const wf_st_file *file, weft_error *err);
/* One weight file to path. done: bytes of the package read so far, moved on. */
weft_status wf_quantize_file(const wf_quantize *q, const wf_st_file *file, const char *path,
                             uint64_t *done, weft_error *err);

#endif
