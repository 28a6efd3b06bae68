/* SPDX-License-Identifier: Apache-2.0 */
/* Whose code runs on this thread, and the floating-point mode around it. */
#include "core/base/running.h"

#include <string.h>

#include <fenv.h>
#include <stddef.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define STICKY 0x3fu /* flags of MXCSR that any arithmetic sets */
#define X86_ROUNDING 0x6000u
#define X87_ROUNDING 0x0c00u

/* A signal handler may read it, so it must be there before it is first used: no model of
 * thread-local storage that allocates at first access. */
static _Thread_local wf_running *now __attribute__((tls_model("initial-exec")));

wf_fpu wf_fpu_read(void)
{
    wf_fpu f = {0, 0, 0};
#if defined(__x86_64__)
    uint16_t x87;
    f.control = _mm_getcsr() & ~STICKY;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    f.x87 = x87;
#else
    f.rounding = fegetround();
#endif
    return f;
}

#if defined(__x86_64__)
static uint32_t difference(const wf_fpu *a, const wf_fpu *b)
{
    uint32_t control = a->control ^ b->control, x87 = a->x87 ^ b->x87;
    if (((control & ~X86_ROUNDING) | (x87 & ~X87_ROUNDING)) != 0)
        return WF_CHANGED_MODE;
    return (control | x87) != 0 ? WF_CHANGED_ROUNDING : 0;
}

uint32_t wf_fpu_restore(const wf_fpu *f)
{
    wf_fpu   is = wf_fpu_read();
    uint32_t changed = difference(&is, f);
    uint16_t x87 = (uint16_t)f->x87;
    if (changed != 0) {
        _mm_setcsr(f->control);
        __asm__ volatile("fldcw %0" : : "m"(x87));
    }
    return changed;
}
#else
uint32_t wf_fpu_restore(const wf_fpu *f)
{
    if (fegetround() == f->rounding)
        return 0;
    fesetround(f->rounding);
    return WF_CHANGED_ROUNDING;
}
#endif

wf_running *wf_running_now(void)
{
    return now;
}

wf_running *wf_running_set(wf_running *r)
{
    wf_running *before = now;
    /* A handler on this thread sees the whole of *r or the call before it. */
    atomic_signal_fence(memory_order_seq_cst);
    now = r;
    atomic_signal_fence(memory_order_seq_cst);
    return before;
}

void wf_running_mark(uint32_t marks)
{
    if (now != NULL && marks != 0)
        atomic_fetch_or(&now->marks, marks);
}

void wf_running_mend(void)
{
    if (now != NULL)
        wf_running_mark(wf_fpu_restore(&now->fpu));
}

wf_running *wf_running_pause(void)
{
    wf_running_mend();
    return wf_running_set(NULL);
}

void wf_signal_stack_use(wf_signal_stack *s)
{
    stack_t mine = {.ss_sp = s->memory, .ss_size = sizeof s->memory};
    memset(&s->before, 0, sizeof s->before);
    s->before.ss_flags = SS_DISABLE;
    (void)sigaltstack(&mine, &s->before);
}

void wf_signal_stack_leave(const wf_signal_stack *s)
{
    (void)sigaltstack(&s->before, NULL);
}
