/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON with jansson, but more strictly: limits on size, depth and strings are checked before
 * it parses, duplicate keys are refused, and errors name line and column. Values are found by a
 * path such as "a.b[3].c". */
#ifndef WF_JSON_H
#define WF_JSON_H

#include <jansson.h>

#include "core/base/status.h"

#define WF_JSON_MAX_BYTES ((uint64_t)256 << 20)
#define WF_JSON_MAX_DEPTH 64
#define WF_JSON_MAX_STRING ((uint64_t)16 << 20)
/* jansson's tree takes up to 300 bytes for each container and 60 for each other value, however
 * short they are in the text. These two limits keep it near 2 GiB. The largest tokenizer.json (2^22
 * merges as pairs) needs as much. */
#define WF_JSON_MAX_CONTAINERS ((uint64_t)5 << 20)
#define WF_JSON_MAX_VALUES ((uint64_t)1 << 24)

/* Makes jansson allocate with mem.h. All functions here call this themselves; code that builds JSON
 * without them has to call it first. Any thread. */
void wf_json_init(void);

/* Parses `text`; `name` is for messages. CORRUPT, with line and column, where it is no JSON; LIMIT
 * where it is over a limit. The caller releases *out with json_decref. */
weft_status wf_json_parse(const char *text, uint64_t bytes, const char *name, json_t **out,
                          weft_error *err);
/* The same for a file. NOTFOUND: there is no such file. */
weft_status wf_json_load(const char *path, json_t **out, weft_error *err);

/* The value at a path such as "a.b[3].c" below root; "" is root itself. NULL where it is absent or
 * null, or an index is past the end. The value belongs to root. */
json_t *wf_json_at(const json_t *root, const char *path);

/* Read a value of a known type. NOTFOUND where it is absent or null, so that the caller can use its
 * default; CORRUPT where it has another type. `name` is the file's name for messages. i64 accepts a
 * real number only where it is whole, and f64 accepts whole numbers. A string belongs to root.
 * count gives the number of entries of an array or an object. */
weft_status wf_json_i64(const json_t *root, const char *name, const char *path, int64_t *v,
                        weft_error *err);
weft_status wf_json_f64(const json_t *root, const char *name, const char *path, double *v,
                        weft_error *err);
weft_status wf_json_str(const json_t *root, const char *name, const char *path, const char **v,
                        weft_error *err);
weft_status wf_json_bool(const json_t *root, const char *name, const char *path, int32_t *v,
                         weft_error *err);
weft_status wf_json_count(const json_t *root, const char *name, const char *path, int64_t *n,
                          weft_error *err);

#endif
