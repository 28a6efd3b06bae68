/* SPDX-License-Identifier: Apache-2.0 */
/* The one rewritten line on standard error while weights are read, media encoded and prompts run.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define INTERVAL_NS 100000000 /* ten times a second is as often as anybody reads */

static bool            shown;
static struct timespec last;

void cli_progress_clear(void)
{
    if (!shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    shown = false;
    last = (struct timespec){0, 0};
}

static bool too_soon(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (now.tv_sec - last.tv_sec) * (int64_t)1000000000 + (now.tv_nsec - last.tv_nsec);
    if (shown && ns < INTERVAL_NS)
        return true;
    last = now;
    return false;
}

void cli_progress(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    (void)ctx;
    if (!cli_err_is_terminal() || too_soon())
        return;
    bool   bytes = strcmp(unit, "bytes") == 0;
    double scale = bytes ? 1048576.0 : 1.0;
    fprintf(stderr, "\r\033[K%s", what);
    if (total > 0)
        fprintf(stderr, " %3.0f %%: %.0f of %.0f %s", 100.0 * (double)done / (double)total,
                (double)done / scale, (double)total / scale, bytes ? "MiB" : unit);
    else if (done > 0)
        fprintf(stderr, ": %.0f %s", (double)done / scale, bytes ? "MiB" : unit);
    fflush(stderr);
    shown = true;
}
