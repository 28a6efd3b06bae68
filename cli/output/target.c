/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files to write. */
#include "output/target.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exit.h"
#include "output/say.h"

/* Of the clock that file systems stamp with: the exact one runs up to a tick ahead of it. */
static struct timespec began;

void cli_target_init(void)
{
    clock_gettime(CLOCK_REALTIME_COARSE, &began);
}

bool cli_is_stdout(const char *path)
{
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return false;
}

bool cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *cli_folder_slash(const char *folder)
{
    size_t n = strlen(folder);
    return n > 0 && folder[n - 1] == '/' ? "" : "/";
}

/* A descriptor under its name may lead to a regular file, and is a stream all the same. What is
 * else in /dev, as files of /dev/shm, is told by what it is. */
static bool names_descriptor(const char *path)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0;
}

bool cli_is_stream(const char *path)
{
    struct stat st;
    return names_descriptor(path) ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

bool cli_has_ending(const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcasecmp(dot + 1, ending) == 0;
}

bool cli_is_same_file(const char *output, const char *input)
{
    struct stat out, in;
    int         got = strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &in) : stat(input, &in);
    return got == 0 && S_ISREG(in.st_mode) && stat(output, &out) == 0 && in.st_dev == out.st_dev &&
           in.st_ino == out.st_ino;
}

/* The time of a file's last change of name: its bytes may be older. */
bool cli_is_newer_than_us(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    return st.st_ctim.tv_sec != began.tv_sec ? st.st_ctim.tv_sec > began.tv_sec
                                             : st.st_ctim.tv_nsec > began.tv_nsec;
}

int32_t cli_check_target(const cli *c, enum cli_own option)
{
    char        name[48], folder[4096];
    const char *path = c->value[option];
    if (!cli_has(c, option))
        return CLI_EXIT_OK;
    cli_option_name(&cli_own_options[option], name, sizeof name);
    size_t n = strlen(path);
    if (n == 0)
        return cli_usage(c, "%s needs a name", name);
    while (n > 1 && path[n - 1] == '/')
        n--;
    const char *slash = memrchr(path, '/', n);
    if (slash == NULL || slash == path)
        return CLI_EXIT_OK;
    n = (size_t)(slash - path);
    if (n >= sizeof folder)
        return cli_usage(c, "%s: a path of %zu bytes is too long", name, strlen(path));
    memcpy(folder, path, n);
    folder[n] = '\0';
    if (!cli_is_folder(folder))
        return cli_usage(c, "%s %.500s: there is no folder %.500s", name, path, folder);
    return CLI_EXIT_OK;
}
