/* SPDX-License-Identifier: Apache-2.0 */
/* JSON through jansson, made strict: caps on size, depth and strings before parsing, duplicate keys
 * refused, line and column in errors; values addressed by path. */
#ifndef WF_JSON_H
#define WF_JSON_H

#include <jansson.h>

#include "core/base/status.h"

#define WF_JSON_MAX_BYTES ((uint64_t)256 << 20)
#define WF_JSON_MAX_DEPTH 64
#define WF_JSON_MAX_STRING ((uint64_t)16 << 20)
/* A tree costs up to 300 bytes per container and 60 per other value, whatever the text's size:
 * these two keep it near 2 GiB, and are what the largest tokenizer.json (2^22 merges as pairs)
 * needs. */
#define WF_JSON_MAX_CONTAINERS ((uint64_t)5 << 20)
#define WF_JSON_MAX_VALUES ((uint64_t)1 << 24)

/* Sends jansson's allocations through mem.h. All functions here do it themselves; whoever builds
 * JSON without them calls it first. Any thread. */
void wf_json_init(void);

/* name is for messages. *out is released with json_decref. CORRUPT with line and column; LIMIT over
 * a cap. */
weft_status wf_json_parse(const char *text, uint64_t bytes, const char *name, json_t **out,
                          weft_error *err);
weft_status wf_json_load(const char *path, json_t **out,
                         weft_error *err); /* NOTFOUND: no such file */

/* Finds "a.b[3].c" from root ("" is root). NULL: absent or null, or an index past the end.
 * Borrowed. */
json_t *wf_json_at(const json_t *root, const char *path);

/* Typed reads: NOTFOUND where absent or null (so that the caller states its default), CORRUPT where
 * the value has another type; name is the file's for messages. i64 accepts a real only if it is
 * integral; f64 accepts integers. Strings and counts are of arrays or objects (count). */
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
