/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output, and what becomes of a write that fails. */
#include "output/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/say.h"
#include "output/terminal.h"

static int out_error; /* errno of the first write that failed; 0: none */

static void note_out_error(void)
{
    if (out_error == 0 && ferror(stdout))
        out_error = errno != 0 ? errno : EIO;
}

void cli_out(const char *text, size_t bytes)
{
    errno = 0;
    if (out_error != 0)
        return;
    if (cli_out_is_terminal())
        cli_write_clean(stdout, text, bytes, "\n\t");
    else
        fwrite(text, 1, bytes, stdout);
    note_out_error();
}

void cli_outf(const char *format, ...)
{
    char   *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        out_error = out_error != 0 ? out_error : ENOMEM;
        return;
    }
    cli_out(text, (size_t)n);
    free(text);
}

void cli_out_flush(void)
{
    errno = 0;
    if (out_error == 0 && fflush(stdout) != 0)
        out_error = errno != 0 ? errno : EIO;
}

bool cli_out_failed(void)
{
    return out_error != 0;
}

int32_t cli_out_close(int32_t code)
{
    cli_out_flush();
    /* Some file systems report a full disk only here. A descriptor that was never open is no news
     * when nothing was to be written. */
    errno = 0;
    if (out_error == 0 && fclose(stdout) != 0 && errno != EBADF)
        out_error = errno != 0 ? errno : EIO;
    if (out_error == 0 || out_error == EPIPE)
        return code; /* the reader has what it wanted */
    cli_say("standard output could not be written: %s", strerror(out_error));
    return cli_worse(code, CLI_EXIT_UNEXPECTED);
}
