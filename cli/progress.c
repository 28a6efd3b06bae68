/* SPDX-License-Identifier: Apache-2.0 */
/* The one rewritten line on standard error while weights are read, media encoded and prompts run.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define INTERVAL_NS 100000000 /* ten times a second is as often as anybody reads */

static bool            shown, of_recording;
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
    if (!cli_err_is_terminal() || of_recording || too_soon())
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

/* 1:02:03, without the hours where there are none. */
static void put_clock(double s)
{
    int64_t t = s > 0.0 && s < 1e9 ? (int64_t)s : 0;
    if (t >= 3600)
        fprintf(stderr, "%lld:%02lld:%02lld", (long long)t / 3600, (long long)t / 60 % 60,
                (long long)t % 60);
    else
        fprintf(stderr, "%lld:%02lld", (long long)t / 60, (long long)t % 60);
}

void cli_progress_time(int64_t done_us, int64_t total_us, double elapsed_s)
{
    double done = (double)done_us / 1e6, total = (double)total_us / 1e6;
    double speed = elapsed_s > 0.0 ? done / elapsed_s : 0.0;
    of_recording = true;
    if (!cli_err_is_terminal() || too_soon())
        return;
    fputs("\r\033[K", stderr);
    put_clock(done);
    if (total_us > 0) {
        fputs(" / ", stderr);
        put_clock(total);
    }
    fprintf(stderr, ", %.1f times real time", speed);
    if (total_us > 0 && speed > 0.0) {
        fputs(", ETA ", stderr);
        put_clock((total - done) / speed);
    }
    fflush(stderr);
    shown = true;
}

void cli_progress_time_end(void)
{
    cli_progress_clear();
    of_recording = false;
}
