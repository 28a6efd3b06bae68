/* SPDX-License-Identifier: Apache-2.0 */
/* Handles the signals that end a run from outside: Ctrl-C, SIGTERM and SIGHUP. */
#ifndef WEFT_CLI_INTERRUPT_H
#define WEFT_CLI_INTERRUPT_H

#include <stdbool.h>

#include "weft/weft.h"

/* The first Ctrl-C, SIGTERM or SIGHUP cancels the engine's call and makes cli_interrupted() true; a
 * Ctrl-C after it (or any of them while no engine is open) ends the program at once. */
void cli_interrupt_init(void);
bool cli_interrupted(void);
/* Tells which engine is open and has to be cancelled; NULL: none. It is borrowed. */
void cli_interrupt_engine(weft_engine *e);
/* A signal that came between two calls was cleared by the start of the second one: cancels again,
 * where there was one. */
void cli_interrupt_pass_on(void);
/* For a program that goes on after Ctrl-C: only the fourth one within a call ends it at once. */
void cli_interrupt_patient(void);
/* Forgets the Ctrl-C that has stopped a call. False: the program was asked to end (SIGTERM,
 * SIGHUP).
 */
bool cli_interrupt_forget(void);
/* Waits until fd can be read (or has ended). False: a signal came, before the call or within it.
 * A read(2) alone would sleep through a signal that comes just before it. */
bool cli_interrupt_wait(int fd);

/* For who has set the terminal up for itself: from hold to release, Ctrl-Z does not stop the
 * program but ends cli_interrupt_wait(), and so does the program's going on after a stop of another
 * kind. */
void cli_stops_hold(void);
/* A Ctrl-Z that came since stops the program here. */
void cli_stops_release(void);
/* Whether that was why the wait ended. */
bool cli_stop_came(void);
/* Stops where Ctrl-Z asked for it, and returns when the program goes on, held as before. The
 * terminal has been given back by then. */
void cli_stop(void);

#endif
