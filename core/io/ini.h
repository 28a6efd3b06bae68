/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader for configuration files. A line is "[section]", "key = value", or a comment that
 * begins with # or ;. There are no continuation lines, no quotes, and no comments behind a value.
 * White space around a value is dropped. Keys consist of [a-z0-9_.-]. */
#ifndef WF_INI_H
#define WF_INI_H

#include "core/base/status.h"

#define WF_INI_MAX_BYTES ((uint64_t)1 << 20)

/* Called for each entry with its line, counted from 1. A failure stops the reading and is returned.
 */
typedef weft_status (*wf_ini_fn)(void *ctx, const char *section, const char *key, const char *value,
                                 int32_t line, weft_error *err);

/* Reads `text`. `name` is the file's name for messages, which begin with "NAME:LINE:COLUMN: ".
 * CORRUPT for a bad line, a key that is twice in a section, a section that is there twice, a key
 * before any section, NUL bytes or invalid UTF-8. Lines may end in CR LF, and a byte order mark may
 * come first. */
weft_status wf_ini_parse(const char *text, uint64_t bytes, const char *name, wf_ini_fn fn,
                         void *ctx, weft_error *err);
weft_status wf_ini_load(const char *path, wf_ini_fn fn, void *ctx, weft_error *err);

#endif
