/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of weft_pages. Each page_KIND() writes the files of its kind to a directory that is
 * there, or ends the program with a message. */
#ifndef WEFT_CLI_PAGES_H
#define WEFT_CLI_PAGES_H

#include <stdio.h>

#include "command/commands.h"

void page_man(const char *dir);  /* weft.1 and weft-COMMAND.1 */
void page_bash(const char *dir); /* weft */
void page_zsh(const char *dir);  /* _weft */
void page_fish(const char *dir); /* weft.fish */

FILE *page_open(const char *dir, const char *name);
void  page_close(FILE *f);

/* Calls fn with every option that is shown: those whose bits are in own, then the engine's. */
typedef void (*page_option_fn)(void *ctx, const weft_option_info *o);
void page_each_option(uint64_t own, page_option_fn fn, void *ctx);

#endif
