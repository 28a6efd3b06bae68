/* SPDX-License-Identifier: Apache-2.0 */
/* Files written under another name beside their own, flushed to the disk and
 * renamed: the old file or the whole one, never a half. */
#include "output/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "output/out.h"

/* A pipe or a device keeps its name: there is nothing to replace. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static bool fail_open(cli_sheet *s, const char *why)
{
    cli_place_say(s->place, "%.600s: cannot be written: %s",
                  s->path != NULL ? s->path : "a transcript", why);
    free(s->path);
    free(s->temp);
    memset(s, 0, sizeof *s);
    return false;
}

bool cli_sheet_open(cli_sheet *s, const char *path, cli_place *place)
{
    memset(s, 0, sizeof *s);
    s->place = place;
    if (path == NULL)
        return true;
    s->path = strdup(path);
    bool special = is_special(path);
    /* The process id keeps two runs apart. */
    if (!special && asprintf(&s->temp, "%s.%ld.part", path, (long)getpid()) < 0)
        s->temp = NULL;
    if (s->path == NULL || (!special && s->temp == NULL))
        return fail_open(s, "out of memory");
    int fd = special ? open(path, O_WRONLY | O_CLOEXEC)
                     : open(s->temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    s->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (s->file != NULL)
        return true;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return fail_open(s, strerror(why));
}

static void note(cli_sheet *s, bool ok)
{
    if (!ok && s->error == 0)
        s->error = errno != 0 ? errno : EIO;
}

void cli_sheet_put(cli_sheet *s, const char *text, size_t bytes)
{
    errno = 0;
    if (s->file == NULL)
        cli_place_put(s->place, text, bytes);
    else if (s->error == 0)
        note(s, fwrite(text, 1, bytes, s->file) == bytes);
}

void cli_sheet_putf(cli_sheet *s, const char *format, ...)
{
    char   *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        errno = ENOMEM;
        note(s, false);
        return;
    }
    cli_sheet_put(s, text, (size_t)n);
    free(text);
}

bool cli_sheet_flush(cli_sheet *s)
{
    errno = 0;
    if (s->file == NULL) {
        cli_place_flush(s->place);
        return s->error == 0 && !cli_out_failed();
    }
    if (s->error == 0)
        note(s, fflush(s->file) == 0);
    return s->error == 0;
}

static void finish_file(cli_sheet *s, bool keep)
{
    (void)cli_sheet_flush(s);
    errno = 0;
    if (keep && s->error == 0 && s->temp != NULL)
        note(s, fsync(fileno(s->file)) == 0);
    errno = 0;
    int closed = fclose(s->file);
    note(s, closed == 0);
    errno = 0;
    if (s->temp == NULL)
        return;
    if (keep && s->error == 0)
        note(s, rename(s->temp, s->path) == 0);
    if (!keep || s->error != 0)
        (void)unlink(s->temp);
}

int32_t cli_sheet_close(cli_sheet *s, bool keep)
{
    int32_t code = CLI_EXIT_OK;
    if (s->file != NULL)
        finish_file(s, keep);
    else
        cli_place_flush(s->place);
    if (s->error != 0) {
        cli_place_say(s->place, "%.600s: cannot be written: %s",
                      s->path != NULL ? s->path : "standard output", strerror(s->error));
        code = s->error == ENOMEM ? CLI_EXIT_MEMORY : CLI_EXIT_UNEXPECTED;
    }
    free(s->path);
    free(s->temp);
    memset(s, 0, sizeof *s);
    return code;
}

bool cli_is_same_file(const char *output, const char *input)
{
    struct stat out, in;
    int         got = strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &in) : stat(input, &in);
    return got == 0 && S_ISREG(in.st_mode) && stat(output, &out) == 0 && in.st_dev == out.st_dev &&
           in.st_ino == out.st_ino;
}
