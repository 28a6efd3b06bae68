/* SPDX-License-Identifier: Apache-2.0 */
/* The engine, with its progress shown and Ctrl-C passed on to it. */
#include "command/session.h"

#include "exit.h"
#include "input/interrupt.h"
#include "output/progress.h"
#include "output/say.h"
#include "output/terminal.h"

static void report(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    cli_interrupt_pass_on();
    cli_progress(ctx, what, done, total, unit);
}

weft_engine *cli_engine_open(cli *c, uint32_t flags, int32_t *code)
{
    weft_progress progress = {report, NULL};
    weft_error    err = CLI_ERROR_INIT;
    weft_engine  *e = NULL;
    if (weft_engine_open(c->settings, flags, &progress, &e, &err) != WEFT_OK)
        *code = cli_say_error(&err);
    cli_line_clear();
    cli_interrupt_engine(e);
    return e;
}

void cli_engine_close(weft_engine **e)
{
    cli_interrupt_engine(NULL);
    weft_engine_close(e);
}
