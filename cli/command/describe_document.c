/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of describe. */
#include "command/describe_document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "output/say.h"
#include "output/sheet.h"
#include "output/target.h"

/* Whether the path was meant as a file's: no folder is called so, unless a slash says it. */
static bool is_files_name(const char *path)
{
    static const char *const endings[] = {"txt", "md",  "json", "jsonl",
                                          "csv", "tsv", "html", "srt"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (cli_has_ending(path, endings[i]))
            return !cli_is_folder(path);
    return false;
}

static int32_t check_usage(const cli *c)
{
    const char *path = c->value[OWN_OUTPUT];
    bool        folder = path != NULL && !cli_is_stdout(path);
    if (!folder && (cli_has(c, OWN_APPEND) || cli_has(c, OWN_SKIP_EXISTING)))
        return cli_usage(c, "--append and --skip-existing need -o DIR");
    if (!folder)
        return CLI_EXIT_OK;
    if (cli_has(c, OWN_APPEND) && cli_has(c, OWN_SKIP_EXISTING))
        return cli_usage(c, "--append and --skip-existing do not go together");
    if (cli_has(c, OWN_JSON) || cli_has(c, OWN_CSV) || cli_has(c, OWN_TOGETHER) ||
        cli_has(c, OWN_PLAN))
        return cli_usage(c, "-o DIR is for texts, a file of its own each: not with --json, --csv, "
                            "--together or --plan, which go to standard output (>FILE)");
    if (is_files_name(path))
        return cli_usage(
            c,
            "-o %.600s: name a folder, in which each FILE gets a NAME.txt; what goes to "
            "standard output goes to one file by >FILE, with --json and --csv too",
            path);
    return cli_check_target(c, OWN_OUTPUT);
}

int32_t cli_document_init(cli_describe *j)
{
    const char *path = j->c->value[OWN_OUTPUT];
    int32_t     code = check_usage(j->c);
    if (code != CLI_EXIT_OK || path == NULL || cli_is_stdout(path))
        return code;
    j->folder = path;
    if (cli_is_folder(path) || mkdir(path, 0777) == 0)
        return CLI_EXIT_OK;
    if (errno == EEXIST)
        return cli_usage(j->c, "-o %.600s: is no folder", path);
    cli_say("-o %.600s: %s", path, strerror(errno));
    return CLI_EXIT_UNEXPECTED;
}

char *cli_document_path(cli_describe *j, const char *source, weft_error *err)
{
    char       *path = NULL;
    const char *name = cli_names_for(&j->names, source);
    if (name != NULL &&
        asprintf(&path, "%s%s%s.txt", j->folder, cli_folder_slash(j->folder), name) >= 0)
        return path;
    err->code = WEFT_E_NOMEM;
    snprintf(err->message, sizeof err->message, "out of memory: the name of a document");
    return NULL;
}

bool cli_document_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* False: the document that was there could not be read. */
static bool copy_old(cli_sheet *s, const char *path)
{
    char   bytes[8192];
    size_t n;
    FILE  *old = fopen(path, "re");
    if (old == NULL)
        return errno == ENOENT;
    while ((n = fread(bytes, 1, sizeof bytes, old)) > 0)
        cli_sheet_put(s, bytes, n);
    bool whole = ferror(old) == 0;
    fclose(old);
    return whole;
}

static enum cli_opened open_document(const cli_answer *a, cli_sheet *s, const char *path)
{
    enum cli_opened how = cli_sheet_open(s, path, a->place);
    if (how != CLI_OPENED || !cli_is_newer_than_us(path))
        return how;
    (void)cli_sheet_close(s, false);
    return CLI_OPEN_BUSY;
}

int32_t cli_document_write(cli_describe *j, const char *source, char **path, const cli_answer *a)
{
    cli_sheet       s;
    weft_error      err = CLI_ERROR_INIT;
    enum cli_opened how;
    while ((how = open_document(a, &s, *path)) == CLI_OPEN_BUSY) {
        free(*path);
        *path = cli_document_path(j, source, &err);
        if (*path == NULL)
            return cli_place_error(a->place, &err);
    }
    if (how == CLI_OPEN_FAILED)
        return CLI_EXIT_UNEXPECTED;
    bool whole = !cli_has(j->c, OWN_APPEND) || copy_old(&s, *path);
    if (!whole)
        cli_place_say(a->place, "%.600s: cannot be read, to append to it", *path);
    cli_sheet_put(&s, a->text, a->text_bytes);
    cli_sheet_put(&s, "\n", 1);
    int32_t code = cli_sheet_close(&s, whole);
    return whole ? code : CLI_EXIT_UNEXPECTED;
}
