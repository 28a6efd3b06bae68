/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader for the configuration file: [section], key = value, # or ; comment lines. No
 * continuation lines, no quotes, no inline comments, values trimmed; keys are [a-z0-9_.-]. */
#ifndef WF_INI_H
#define WF_INI_H

#include "core/base/status.h"

#define WF_INI_MAX_BYTES ((uint64_t)1 << 20)

/* Called per entry with where it stands (1-based). A failure of it stops the reading and is
 * returned. */
typedef weft_status (*wf_ini_fn)(void *ctx, const char *section, const char *key, const char *value,
                                 int32_t line, weft_error *err);

/* CORRUPT with "NAME:LINE:COLUMN: ..." for a bad line, a key twice in one section, a section twice,
 * a key before any section, NUL bytes or invalid UTF-8. CRLF and a leading BOM are fine. */
weft_status wf_ini_parse(const char *text, uint64_t bytes, const char *name, wf_ini_fn fn,
                         void *ctx, weft_error *err);
weft_status wf_ini_load(const char *path, wf_ini_fn fn, void *ctx, weft_error *err);

#endif
