/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the progress line. */
#include "output/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output/terminal.h"

#define LINE_BYTES 256u
#define CLOCK_BYTES 32u
#define KIBIBYTE 1024.0
#define MEBIBYTE 1048576.0
#define ETA_AFTER_S 1.0 /* work that ends sooner shows no line */

static struct {
    cli_progress_file *first;           /* of the files at work */
    uint32_t           n_done, n_total; /* n_total 0: not known */
    struct timespec    since;
} files;

/* What all files at work have done together. */
typedef struct sum {
    uint32_t n, n_timed;
    double   done_s, total_s, speed; /* total_s 0: not known of every one */
} sum;

static sum add_up(void)
{
    sum  s = {0};
    bool known = true;
    for (const cli_progress_file *f = files.first; f != NULL; f = f->next) {
        s.n++;
        s.n_timed += f->timed;
        s.done_s += (double)f->done_us / 1e6;
        s.total_s += (double)f->total_us / 1e6;
        s.speed += f->speed;
        known = known && f->timed && f->total_us > 0;
    }
    s.total_s = known ? s.total_s : 0.0;
    return s;
}

/* 1:02:03, without the hours where there are none. */
static const char *clock_of(double s, char *buf)
{
    long long t = s > 0.0 && s < 1e9 ? (long long)s : 0;
    if (t >= 3600)
        snprintf(buf, CLOCK_BYTES, "%lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(buf, CLOCK_BYTES, "%lld:%02lld", t / 60, t % 60);
    return buf;
}

static void put_time(const sum *s, char *line, size_t cap)
{
    char   done[CLOCK_BYTES], total[CLOCK_BYTES], left[CLOCK_BYTES];
    bool   known = s->total_s > 0.0, ends = known && s->speed > 0.0;
    double left_s = ends ? (s->total_s - s->done_s) / s->speed : 0.0;
    snprintf(line, cap, "%s%s%s, %.1f times real time%s%s", clock_of(s->done_s, done),
             known ? " / " : "", known ? clock_of(s->total_s, total) : "", s->speed,
             ends ? ", ETA " : "", ends ? clock_of(left_s, left) : "");
}

static double since_s(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

void cli_progress_total(uint32_t n)
{
    files.n_total = n;
    files.n_done = 0;
    clock_gettime(CLOCK_MONOTONIC, &files.since);
}

/* Of files whose number is known. */
static void show_count(void)
{
    char   line[LINE_BYTES], left[CLOCK_BYTES];
    double left_s = since_s(&files.since) * (double)(files.n_total - files.n_done) /
                    (double)(files.n_done > 0 ? files.n_done : 1);
    snprintf(line, sizeof line, "%u of %u%s%s", files.n_done, files.n_total,
             files.n_done > 0 ? ", ETA " : "", files.n_done > 0 ? clock_of(left_s, left) : "");
    cli_line_show(line);
}

static void show_files(const sum *s)
{
    char   line[LINE_BYTES] = "";
    size_t n = 0;
    if (s->n > 1) {
        snprintf(line, sizeof line, "%u files at work, %u done%s", s->n, files.n_done,
                 s->n_timed > 0 ? ": " : "");
        n = strlen(line);
    }
    if (s->n_timed > 0)
        put_time(s, line + n, sizeof line - n);
    cli_line_show(line);
}

/* Seconds that the rest of the step takes at the pace so far; below 0: too early to tell. */
static double left_of(const char *what, uint64_t done, uint64_t total)
{
    static char            step[32];
    static struct timespec since;
    static uint64_t        from;
    if (strncmp(step, what, sizeof step - 1) != 0 || done < from) {
        snprintf(step, sizeof step, "%s", what);
        clock_gettime(CLOCK_MONOTONIC, &since);
        from = done;
    }
    double spent = since_s(&since);
    if (spent < ETA_AFTER_S || done <= from || done >= total)
        return -1.0;
    return spent * (double)(total - done) / (double)(done - from);
}

static void show_step(const char *what, uint64_t done, uint64_t total, const char *unit)
{
    char   line[LINE_BYTES], left[CLOCK_BYTES];
    bool   bytes = strcmp(unit, "bytes") == 0;
    bool   large = (double)(total > 0 ? total : done) >= MEBIBYTE;
    double scale = !bytes ? 1.0 : large ? MEBIBYTE : KIBIBYTE;
    if (bytes)
        unit = large ? "MiB" : "KiB";
    if (total > 0)
        snprintf(line, sizeof line, "%s %3.0f %%: %.0f of %.0f %s", what,
                 100.0 * (double)done / (double)total, (double)done / scale, (double)total / scale,
                 unit);
    else if (done > 0)
        snprintf(line, sizeof line, "%s: %.0f %s", what, (double)done / scale, unit);
    else
        snprintf(line, sizeof line, "%s", what);
    double left_s = left_of(what, done, total);
    size_t n = strlen(line);
    if (left_s >= 0.0)
        snprintf(line + n, sizeof line - n, ", ETA %s", clock_of(left_s, left));
    cli_line_show(line);
}

void cli_progress(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    const sum s = add_up();
    (void)ctx;
    if ((s.n == 1 && s.n_timed == 1) || !cli_line_due())
        return;
    if (files.n_total > 1 && files.n_done < files.n_total && s.n_timed == 0)
        show_count();
    else if (s.n > 1)
        show_files(&s);
    else
        show_step(what, done, total, unit);
}

void cli_progress_begin(cli_progress_file *f)
{
    *f = (cli_progress_file){.next = files.first, .total_us = -1};
    files.first = f;
}

void cli_progress_time(cli_progress_file *f, int64_t done_us, int64_t total_us, double elapsed_s)
{
    f->timed = true;
    f->done_us = done_us;
    f->total_us = total_us;
    f->speed = elapsed_s > 0.0 ? (double)done_us / 1e6 / elapsed_s : 0.0;
    if (!cli_line_due())
        return;
    const sum s = add_up();
    show_files(&s);
}

void cli_progress_end(cli_progress_file *f)
{
    cli_progress_file **at = &files.first;
    while (*at != NULL && *at != f)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = f->next;
    files.n_done++;
    cli_line_clear();
}
