/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory: config.json and friends by plain name, and its tensors wherever their shard
 * is. */
#ifndef WF_PACKAGE_H
#define WF_PACKAGE_H

#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "weft/package.h"

/* struct weft_package is the public opaque name. Single-threaded ([setup]). */

/* Opens DIR: it must be a directory with a config.json. Shards (model.safetensors, or
 * model.safetensors.index.json with its plain file names) are opened at the first question about
 * tensors, so that --plan works on config.json alone. On failure *out is NULL. */
weft_status wf_package_open(const char *dir, weft_package **out, weft_error *err);
/* For a tokenizer alone: a directory that may lack config.json and weights, or a single tokenizer
 * file. */
weft_status wf_package_open_loose(const char *path, weft_package **out, weft_error *err);
void        wf_package_close(weft_package **p);
const char *wf_package_dir(const weft_package *p);

/* Parsed JSON of a file in it ("config.json"); cached, borrowed. NOTFOUND: no such file. */
weft_status wf_package_json(weft_package *p, const char *file, const json_t **out, weft_error *err);
/* Full path of a plain name in it, into path; INVALID if it is not a plain name (separators, "..",
 * empty). */
weft_status wf_package_path(const weft_package *p, const char *file, char *path, size_t cap,
                            weft_error *err);

/* The tensor and its shard. NOTFOUND names the directory and the tensor; CORRUPT where the index
 * and the shard disagree. *err may be NULL for a silent question. */
weft_status wf_package_find(weft_package *p, const char *name, const wf_st_file **file,
                            const wf_st_tensor **t, weft_error *err);
/* Opens all shards and checks the index: every weight_map entry exists in its shard. */
weft_status wf_package_check(weft_package *p, weft_error *err);
/* Bytes of all tensors (for --plan when weights are there); 0 when there are none. */
uint64_t wf_package_tensor_bytes(weft_package *p);

#endif
