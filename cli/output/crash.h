/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a run that a plugin ends: which one, in what, over which file. */
#ifndef CLI_CRASH_H
#define CLI_CRASH_H

/* From then on a fatal signal and a call of exit() inside a plugin are said on standard error, and
 * the exit code is CLI_EXIT_PLUGIN. Results that were written before stay. First thing in main,
 * once standard error can be used. */
void cli_crash_init(void);

#endif
