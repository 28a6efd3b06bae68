/* SPDX-License-Identifier: Apache-2.0 */
/* Lines edited on a terminal, by libedit. Without it there are none of these, and the reader of
 * plain lines does (input/lines.h). */
#ifndef WEFT_CLI_EDIT_H
#define WEFT_CLI_EDIT_H

#include "input/lines.h"

typedef struct cli_edit cli_edit;

#ifdef WEFT_LIBEDIT
/* On standard input and standard error, which are a terminal. NULL: that cannot be. The locale's
 * characters become those of the environment, or UTF-8 where it names none. */
cli_edit     *cli_edit_open(cli_complete complete);
void          cli_edit_close(cli_edit **e); /* NULL inside is fine */
enum cli_line cli_edit_next(cli_edit *e, const char *prompt, const char **text, size_t *bytes);
#else
static inline cli_edit *cli_edit_open(cli_complete complete)
{
    (void)complete;
    return NULL;
}
static inline void cli_edit_close(cli_edit **e)
{
    (void)e;
}
static inline enum cli_line cli_edit_next(cli_edit *e, const char *prompt, const char **text,
                                          size_t *bytes)
{
    (void)e;
    (void)prompt;
    (void)text;
    (void)bytes;
    return CLI_LINE_END;
}
#endif

#endif
