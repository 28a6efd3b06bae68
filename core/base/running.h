/* SPDX-License-Identifier: Apache-2.0 */
/* Whose code runs on this thread: which plugin, in which call, over which file. It is read by
 * whoever has to say what a crash was, and it holds the floating-point mode that the host had when
 * the call began, so that a plugin which changes the mode cannot change the host's numbers. */
#ifndef WF_RUNNING_H
#define WF_RUNNING_H

#include <stdatomic.h>
#include <signal.h>
#include <stdint.h>

#define WF_SIGNAL_STACK_BYTES 32768

/* What decides how a processor rounds: x86: MXCSR and the x87 control word; elsewhere the rounding
 * direction alone. */
typedef struct wf_fpu {
    uint32_t control, x87;
    int32_t  rounding;
} wf_fpu;

#define WF_CHANGED_MODE 1u     /* the floating-point mode: flush-to-zero, precision, traps */
#define WF_CHANGED_ROUNDING 2u /* the rounding direction */
#define WF_MISUSED 4u          /* a call of the host's tables was refused: the plugin's mistake */
#define WF_PASSED_ON 8u /* a call within this one failed: its words may come back through it */

/* One call into a plugin. It lies on the stack of the thread that makes the call and is seen by the
 * threads that work for it, which may only read it and add to `marks`. */
typedef struct wf_running {
    const char *plugin, *function, *file; /* file NULL: none */
    wf_fpu      fpu;                      /* the host's, when the call began */
    atomic_uint marks;                    /* WF_CHANGED_*, WF_MISUSED, WF_PASSED_ON */
} wf_running;

wf_fpu wf_fpu_read(void);
/* Puts f back where the thread's mode differs from it; WF_CHANGED_* of what differed, or 0. */
uint32_t wf_fpu_restore(const wf_fpu *f);

/* The call in progress on this thread; NULL: none. Safe in a signal handler. [any] */
wf_running *wf_running_now(void);
/* Makes r (NULL: none) the thread's call in progress; returns what was. [any] */
wf_running *wf_running_set(wf_running *r);
/* Adds marks to the call in progress, if there is one. [any] */
void wf_running_mark(uint32_t marks);
/* The host is about to compute while a plugin waits: the mode that the call began with is put back
 * and a change is marked. Only on the thread that made the call. */
void wf_running_mend(void);
/* Memory on which a program's handler of a fatal signal can run when a thread's own stack has
 * overflowed, as the kernel of a plugin may let it. A thread of the library keeps one in its first
 * function, from use to leave, the last thing that it does. */
typedef struct wf_signal_stack {
    stack_t before;
    _Alignas(16) char memory[WF_SIGNAL_STACK_BYTES];
} wf_signal_stack;
void wf_signal_stack_use(wf_signal_stack *s);
void wf_signal_stack_leave(const wf_signal_stack *s);
/* Around what is not the plugin's doing while it waits: mends, and no call is in progress until
 * wf_running_set() is given what this returns. */
wf_running *wf_running_pause(void);

#endif
