/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX level on machines that have no AMX, in two ways. */
#ifndef WF_TEST_AMX_H
#define WF_TEST_AMX_H

#include "core/device/cpu/internal.h"

/* Adds the levels below to those of check.h; for check_main(). */
void amx_levels(void);

/* "amx emulated", on any machine: the kernels compiled over the emulated tiles of tile.h, with
 * plain C around them. */
void amx_emulated_init(wf_ops *ops);

/* "amx trapped": the machine code that runs where there is AMX. A CPU without it stops at each
 * instruction of a tile with SIGILL, and a handler carries it out on emulated tiles of the thread's
 * own. 0: the CPU lacks what else the level uses, or has AMX and traps nothing. */
int amx_trapped_init(wf_ops *ops);

/* Whether this machine traps: it is an x86-64 without AMX. */
int amx_traps(void);
/* Makes the handler. cmocka sets handlers of its own when a test begins. */
void amx_trap(void);

#endif
