/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory, called a package towards plugins: its JSON files by name, and its tensors by
 * name, whichever file (shard) they are in. */
#ifndef WF_PACKAGE_H
#define WF_PACKAGE_H

#include "core/io/json.h"
#include "core/io/safetensors.h"
#include "core/model/gguf.h"
#include "weft/package.h"

/* struct weft_package is the type that plugins know as opaque. All functions are [setup]: one
 * thread. */

/* Opens a GGUF file (core/model/gguf.h), or a directory, which must have a config.json. Its weight
 * files (model.safetensors, or the files that model.safetensors.index.json names) are opened when a
 * tensor is first asked for, so that --plan works with config.json alone. On failure *out is NULL.
 */
weft_status wf_package_open(const char *dir, weft_package **out, weft_error *err);
/* The same for a tokenizer alone: path is a directory that need not have config.json and weights,
 * or a single tokenizer file, or a GGUF file. */
weft_status wf_package_open_loose(const char *path, weft_package **out, weft_error *err);
/* A package that is in no directory: its JSON files are texts, and any tensor that is expected of
 * it (wf_package_expect) is made (core/model/made.h). name takes the directory's place in messages.
 */
typedef struct wf_package_text {
    const char *file, *text; /* "config.json" */
} wf_package_text;
weft_status wf_package_open_made(const char *name, const wf_package_text *texts, uint32_t n,
                                 weft_package **out, weft_error *err);
void        wf_package_close(weft_package **p);
const char *wf_package_dir(const weft_package *p);

/* The parsed JSON of one of its files, such as "config.json". The package keeps and owns it.
 * NOTFOUND: there is no such file. */
weft_status wf_package_json(weft_package *p, const char *file, const json_t **out, weft_error *err);
/* Writes the full path of one of its files to path [cap]. INVALID where `file` is no plain name: it
 * has separators, is ".." or is empty. */
weft_status wf_package_path(const weft_package *p, const char *file, char *path, size_t cap,
                            weft_error *err);

/* The text of a file that a package has without its being on the disk, for wf_free; NOTFOUND: it
 * has none of that name. A GGUF file has config.json and tokenizer_config.json, made of its
 * values, and gguf.json, an object of all its values by their keys. */
weft_status wf_package_text_of(const weft_package *p, const char *file, char **text,
                               uint64_t *bytes, weft_error *err);
/* What messages call config.json, to name [WF_CONFIG_NAME_BYTES]. */
#define WF_CONFIG_NAME_BYTES 320
void wf_package_config_name(const weft_package *p, char *name);
/* Whether it is in no directory (wf_package_open_made). */
bool wf_package_is_made(const weft_package *p);
/* The GGUF file that the package is; NULL: it is none. */
const wf_gguf_model *wf_package_gguf(const weft_package *p);

/* Names a weight file beside the others (a LoRA's), whose tensors are then found as theirs are; a
 * directory without it has none of them. Before any weights are asked for. INVALID: no plain name;
 * a package that is no directory keeps to what it has. */
weft_status wf_package_also(weft_package *p, const char *file, weft_error *err);
/* That file's name, as long as p, where the weights were looked for and it is not there; else NULL.
 */
const char *wf_package_absent(const weft_package *p);

/* Finds a tensor and the weight file that it is in. NOTFOUND, with the directory and the tensor in
 * the message; CORRUPT where the index and the file disagree. err may be NULL. */
weft_status wf_package_find(weft_package *p, const char *name, const wf_st_file **file,
                            const wf_st_tensor **t, weft_error *err);
/* Says that a tensor of that shape will be asked for: a made package then has it. Of any other
 * package nothing happens. */
weft_status wf_package_expect(weft_package *p, const char *name, int32_t rank, const int64_t *shape,
                              weft_error *err);
/* Opens all weight files and checks that every tensor of the index is in its file. */
weft_status wf_package_check(weft_package *p, weft_error *err);
/* Calls fn for each tensor; none where there are no weights. */
void wf_package_each(weft_package *p, void (*fn)(void *ctx, const wf_st_tensor *t), void *ctx);
/* The i-th weight file, and its plain name; NULL: there are no more of them, or no weights at all.
 */
const wf_st_file *wf_package_file(weft_package *p, uint32_t i, const char **name);
/* The bytes of all tensors; 0 where there are no weights. */
uint64_t wf_package_tensor_bytes(weft_package *p);

#endif
