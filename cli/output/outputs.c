/* SPDX-License-Identifier: Apache-2.0 */
/* Which documents the options ask for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "exit.h"
#include "output/say.h"
#include "output/target.h"
#include "output/transcript.h"

const char *const cli_format_endings[CLI_FORMAT_COUNT] = {"txt", "srt", "vtt", "json"};

bool cli_outputs_parse(cli_outputs *o, const char *list)
{
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        int    f = 0;
        while (f < CLI_FORMAT_COUNT &&
               (strlen(cli_format_endings[f]) != n || strncmp(cli_format_endings[f], p, n) != 0))
            f++;
        if (f == CLI_FORMAT_COUNT)
            return false;
        o->wanted[f] = true;
        p += n;
        if (*p == '\0')
            return true;
    }
}

/* Without --format the name of the file to write may say it. */
static void guess_format(cli_outputs *o)
{
    const char *dot = o->path != NULL ? strrchr(o->path, '.') : NULL;
    for (int f = 0; dot != NULL && f < CLI_FORMAT_COUNT; f++)
        if (strcmp(dot + 1, cli_format_endings[f]) == 0) {
            o->wanted[f] = true;
            return;
        }
    o->wanted[CLI_TXT] = true;
}

/* Another run may make the same folder at the same moment, so the name is looked at once more. */
static int32_t make_folder(const char *path)
{
    int code = cli_is_folder(path) || mkdir(path, 0777) == 0 ? 0 : errno;
    if (code == 0 || (code == EEXIST && cli_is_folder(path)))
        return CLI_EXIT_OK;
    cli_say("-o %.600s: %s", path,
            code == EEXIST ? "is no folder, and there is more than one file to write"
                           : strerror(code));
    return code == EEXIST ? CLI_EXIT_USAGE : CLI_EXIT_UNEXPECTED;
}

/* Standard output holds one document; several recordings only as lines of txt.
 */
static int32_t check_stdout(cli_outputs *o, const cli *c, int n_formats, bool many)
{
    if (n_formats > 1)
        return cli_usage(c, "several formats need -o DIR to be written to");
    if (many && !o->wanted[CLI_TXT])
        return cli_usage(c, "several recordings need -o DIR to be written to");
    o->labels = many;
    return CLI_EXIT_OK;
}

/* A name such as x.srt is a document's, not a folder's. */
static int32_t check_folder(const cli_outputs *o, const cli *c)
{
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        if (!cli_is_folder(o->path) && cli_has_ending(o->path, cli_format_endings[f]))
            return cli_usage(c,
                             "-o %.600s is one document, and there are several to write: name a "
                             "folder, or end its name with /",
                             o->path);
    return make_folder(o->path);
}

static int32_t read_formats(cli_outputs *o, const cli *c)
{
    const char *formats = c->value[OWN_FORMAT];
    if (formats == NULL)
        guess_format(o);
    else if (!cli_outputs_parse(o, formats))
        return cli_usage(c, "--format %.100s: give txt, srt, vtt and json, with commas between",
                         formats);
    return CLI_EXIT_OK;
}

int32_t cli_outputs_init(cli_outputs *o, const cli *c, bool many)
{
    int     n = 0;
    int32_t code = cli_check_target(c, OWN_OUTPUT);
    o->path = c->value[OWN_OUTPUT];
    if (code == CLI_EXIT_OK)
        code = read_formats(o, c);
    if (code != CLI_EXIT_OK)
        return code;
    for (int f = 0; f < CLI_FORMAT_COUNT; f++)
        n += o->wanted[f];
    if (o->path != NULL && cli_is_stdout(o->path))
        o->path = NULL;
    if (o->path == NULL)
        return check_stdout(o, c, n, many);
    o->folder = many || n > 1 || o->path[strlen(o->path) - 1] == '/' || cli_is_folder(o->path);
    return o->folder ? check_folder(o, c) : CLI_EXIT_OK;
}

void cli_outputs_deinit(cli_outputs *o)
{
    cli_names_deinit(&o->names);
}
