/* SPDX-License-Identifier: Apache-2.0 */
/* Documents through a buffer into the library's files. */
#include "output/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/out.h"
#include "output/target.h"

#define HELD_BYTES 65536u

static enum cli_opened fail_open(cli_sheet *s, const weft_error *err)
{
    (void)cli_place_error(s->place, err);
    free(s->held);
    memset(s, 0, sizeof *s);
    return CLI_OPEN_FAILED;
}

enum cli_opened cli_sheet_open(cli_sheet *s, const char *path, cli_place *place)
{
    weft_error err = CLI_ERROR_INIT;
    int32_t    busy = 0;
    memset(s, 0, sizeof *s);
    s->error = err;
    s->place = place;
    if (path == NULL || cli_is_stdout(path))
        return CLI_OPENED;
    s->held = malloc(HELD_BYTES);
    if (s->held == NULL) {
        err.code = WEFT_E_NOMEM;
        snprintf(err.message, sizeof err.message, "%.400s: out of memory", path);
        return fail_open(s, &err);
    }
    if (weft_output_open(path, &busy, &s->file, &err) == WEFT_OK)
        return CLI_OPENED;
    if (busy == 0)
        return fail_open(s, &err);
    free(s->held);
    memset(s, 0, sizeof *s);
    return CLI_OPEN_BUSY;
}

static void write_file(cli_sheet *s, const char *text, size_t bytes)
{
    if (s->error.code == WEFT_OK && bytes > 0)
        (void)weft_output_write(s->file, text, bytes, &s->error);
}

static void write_held(cli_sheet *s)
{
    write_file(s, s->held, s->n_held);
    s->n_held = 0;
}

void cli_sheet_put(cli_sheet *s, const char *text, size_t bytes)
{
    if (s->file == NULL) {
        cli_place_put(s->place, text, bytes);
        return;
    }
    if (bytes > HELD_BYTES - s->n_held)
        write_held(s);
    if (bytes > HELD_BYTES) {
        write_file(s, text, bytes);
        return;
    }
    if (bytes > 0)
        memcpy(s->held + s->n_held, text, bytes);
    s->n_held += bytes;
}

void cli_sheet_putf(cli_sheet *s, const char *format, ...)
{
    char   *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n >= 0) {
        cli_sheet_put(s, text, (size_t)n);
        free(text);
    } else if (s->error.code == WEFT_OK) {
        s->error.code = WEFT_E_NOMEM;
        snprintf(s->error.message, sizeof s->error.message, "out of memory: a document");
    }
}

bool cli_sheet_flush(cli_sheet *s)
{
    if (s->file == NULL) {
        cli_place_flush(s->place);
        return s->error.code == WEFT_OK && !cli_out_failed();
    }
    write_held(s);
    return s->error.code == WEFT_OK;
}

int32_t cli_sheet_close(cli_sheet *s, bool keep)
{
    int32_t    code = CLI_EXIT_OK;
    weft_error err = CLI_ERROR_INIT;
    bool       good = cli_sheet_flush(s);
    if (s->file != NULL && weft_output_close(&s->file, keep && good, &err) != WEFT_OK)
        s->error = s->error.code == WEFT_OK ? err : s->error;
    if (s->error.code != WEFT_OK)
        code = cli_place_error(s->place, &s->error);
    free(s->held);
    memset(s, 0, sizeof *s);
    return code;
}
