/* SPDX-License-Identifier: Apache-2.0 */
/* Process state around foreign code: floating-point mode, locale, working directory, umask, signal
 * handlers and mask, environment. Taken before a call that sets things up and compared after it;
 * too dear for the calls of every item, which watch the floating-point mode alone. One thread, with
 * no other call into a plugin in flight. */
#ifndef WF_GUARD_H
#define WF_GUARD_H

#include <stddef.h>
#include <stdint.h>

typedef struct wf_guard wf_guard;
wf_guard               *wf_guard_take(void); /* NULL: out of memory */
/* Compares, restores and frees. what gets the list of what had changed ("" : nothing). */
void wf_guard_restore(wf_guard *g, char *what, size_t cap);
/* What WF_CHANGED_* says, in words; NULL: nothing. */
const char *wf_changed_fpu(uint32_t changed);

#endif
