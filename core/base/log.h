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
void wf_log(int32_t level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
