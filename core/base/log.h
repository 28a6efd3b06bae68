/* SPDX-License-Identifier: Apache-2.0 */
/* Log messages. One callback receives all of them; without a callback the library is silent. Any
 * thread. */
#ifndef WF_LOG_H
#define WF_LOG_H

#include "weft/base.h"

typedef void (*wf_log_fn)(void *ctx, int32_t level, const char *utf8);

/* Sets the callback; fn NULL makes the library silent. To be called before any other thread runs.
 */
void wf_log_set(wf_log_fn fn, void *ctx);
/* Within the callback: the file that the plugin's call is about which the message comes from or is
 * about, as weft_log_file() gives it; NULL: none. */
const char *wf_log_file(void);
void        wf_log(int32_t level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, about a file (NULL: none) that no plugin is called for. */
void wf_log_about(const char *file, int32_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
