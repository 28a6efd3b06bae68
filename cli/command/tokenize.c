/* SPDX-License-Identifier: Apache-2.0 */
/* weft tokenize: lines of text to lines of ids, and back. Lines end at \n alone. */
#include "command/commands.h"

#include <stdlib.h>
#include <string.h>

#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "output/out.h"
#include "output/say.h"

#define CHUNK 65536u

typedef struct job {
    weft_engine *e;
    bool         decode;
    uint64_t     line_number;
    char        *line; /* the part of a line that has been read */
    size_t       bytes, cap;
    int32_t     *ids;
    size_t       ids_cap;
    char        *text;
    size_t       text_cap;
} job;

/* p with room for want > 0 elements of the size, at least doubled. NULL: said, and p is still good.
 */
static void *reserve(void *p, size_t *cap, uint64_t want, size_t size)
{
    if (want <= *cap)
        return p;
    uint64_t n = want > 2 * (uint64_t)*cap ? want : 2 * (uint64_t)*cap;
    void    *grown = n <= SIZE_MAX / size ? realloc(p, (size_t)n * size) : NULL;
    if (grown == NULL)
        cli_say("out of memory: %llu elements of a line", (unsigned long long)n);
    else
        *cap = (size_t)n;
    return grown;
}

static bool reserve_ids(job *j, uint64_t want)
{
    int32_t *grown = reserve(j->ids, &j->ids_cap, want, sizeof *j->ids);
    if (grown != NULL)
        j->ids = grown;
    return grown != NULL;
}

static bool reserve_text(job *j, uint64_t want)
{
    char *grown = reserve(j->text, &j->text_cap, want, 1);
    if (grown != NULL)
        j->text = grown;
    return grown != NULL;
}

static int32_t say_line_error(const job *j, const weft_error *err)
{
    cli_say("standard input, line %llu: %s", (unsigned long long)j->line_number, err->message);
    return weft_exit_code(err);
}

static void print_ids(const int32_t *ids, uint64_t n)
{
    char   buf[4096];
    size_t at = 0;
    for (uint64_t i = 0; i < n; i++) {
        char     digits[12];
        size_t   k = sizeof digits;
        uint32_t v = (uint32_t)ids[i];
        do
            digits[--k] = (char)('0' + v % 10);
        while ((v /= 10) != 0);
        if (i > 0)
            digits[--k] = ' ';
        if (sizeof buf - at < sizeof digits) {
            cli_out(buf, at);
            at = 0;
        }
        memcpy(buf + at, digits + k, sizeof digits - k);
        at += sizeof digits - k;
    }
    cli_out(buf, at);
    cli_out("\n", 1);
}

static int32_t encode_line(job *j, const char *line, size_t bytes)
{
    weft_error err = CLI_ERROR_INIT;
    uint64_t   need = bytes;
    do {
        if (!reserve_ids(j, need))
            return CLI_EXIT_MEMORY;
        if (weft_tokenize(j->e, line, bytes, 0, j->ids, j->ids_cap, &need, &err) != WEFT_OK)
            return say_line_error(j, &err);
    } while (need > j->ids_cap);
    print_ids(j->ids, need);
    return CLI_EXIT_OK;
}

/* Decimal ids with blanks between them. False: the byte at *at is neither. */
static bool read_ids(const char *line, size_t bytes, int32_t *ids, uint64_t *n, size_t *at)
{
    size_t i = 0;
    for (*n = 0; i < bytes; *n += 1) {
        int64_t v = 0;
        size_t  from;
        while (i < bytes && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
            i++;
        from = i;
        while (i < bytes && line[i] >= '0' && line[i] <= '9' && v <= INT32_MAX)
            v = 10 * v + (line[i++] - '0');
        *at = i;
        if (i == from && i == bytes)
            return true;
        if (i == from || v > INT32_MAX || (i < bytes && strchr(" \t\r", line[i]) == NULL))
            return false;
        ids[*n] = (int32_t)v;
    }
    return true;
}

static int32_t decode_line(job *j, const char *line, size_t bytes)
{
    weft_error err = CLI_ERROR_INIT;
    uint64_t   n, need = 4 * (uint64_t)bytes;
    size_t     at = 0;
    if (!reserve_ids(j, bytes / 2 + 1))
        return CLI_EXIT_MEMORY;
    if (!read_ids(line, bytes, j->ids, &n, &at)) {
        cli_say(
            "standard input, line %llu, byte %zu: ids are whole numbers with blanks between them",
            (unsigned long long)j->line_number, at + 1);
        return CLI_EXIT_MEDIA;
    }
    do {
        if (!reserve_text(j, need))
            return CLI_EXIT_MEMORY;
        if (weft_detokenize(j->e, j->ids, n, j->text, j->text_cap, &need, &err) != WEFT_OK)
            return say_line_error(j, &err);
    } while (need > j->text_cap);
    cli_out(j->text, (size_t)need);
    cli_out("\n", 1);
    return CLI_EXIT_OK;
}

static int32_t do_line(job *j, const char *line, size_t bytes)
{
    if (bytes == 0)
        cli_out("\n", 1);
    else
        return j->decode ? decode_line(j, line, bytes) : encode_line(j, line, bytes);
    return CLI_EXIT_OK;
}

static int32_t keep(job *j, const char *part, size_t n)
{
    if (n > CLI_PROMPT_BYTES_MAX - j->bytes) {
        cli_say("standard input, line %llu has more than %u bytes, the most that a line may have",
                (unsigned long long)j->line_number, CLI_PROMPT_BYTES_MAX);
        return CLI_EXIT_LIMIT;
    }
    if (n == 0)
        return CLI_EXIT_OK;
    char *grown = reserve(j->line, &j->cap, j->bytes + n, 1);
    if (grown == NULL)
        return CLI_EXIT_MEMORY;
    memcpy(grown + j->bytes, part, n);
    j->line = grown;
    j->bytes += n;
    return CLI_EXIT_OK;
}

/* Every line that ends in the chunk; the rest is kept for the next one. */
static int32_t do_chunk(job *j, const char *chunk, size_t n)
{
    int32_t code = CLI_EXIT_OK;
    while (n > 0 && code == CLI_EXIT_OK && !cli_out_failed()) {
        const char *end = memchr(chunk, '\n', n);
        size_t      part = end != NULL ? (size_t)(end - chunk) : n;
        code = keep(j, chunk, part);
        if (end == NULL || code != CLI_EXIT_OK)
            break;
        code = do_line(j, j->line, j->bytes);
        j->bytes = 0;
        j->line_number++;
        chunk += part + 1;
        n -= part + 1;
    }
    return code;
}

static int32_t do_all(job *j)
{
    static char chunk[CHUNK];
    int32_t     code = CLI_EXIT_OK;
    ptrdiff_t   got = 1;
    while (code == CLI_EXIT_OK && got > 0 && !cli_out_failed()) {
        cli_out_flush(); /* whoever feeds us line by line waits for the answer */
        got = cli_read_some(chunk, sizeof chunk);
        if (got > 0)
            code = do_chunk(j, chunk, (size_t)got);
    }
    if (code == CLI_EXIT_OK && got == 0 && j->bytes > 0) /* the last line had no newline */
        code = do_line(j, j->line, j->bytes);
    if (cli_interrupted())
        return CLI_EXIT_INTERRUPTED;
    return got < 0 ? cli_worse(code, CLI_EXIT_UNEXPECTED) : code;
}

/* No line is needed to find out that there is no tokenizer. */
static int32_t check_tokenizer(weft_engine *e)
{
    weft_error err = CLI_ERROR_INIT;
    uint64_t   need;
    return weft_tokenize(e, "", 0, 0, NULL, 0, &need, &err) == WEFT_OK ? CLI_EXIT_OK
                                                                       : cli_say_error(&err);
}

int32_t cli_run_tokenize(cli *c)
{
    job        j = {.decode = cli_has(c, OWN_DECODE), .line_number = 1};
    weft_error err = CLI_ERROR_INIT;
    int32_t    code = CLI_EXIT_OK;
    if (cli_has(c, OWN_TOKENIZER) &&
        weft_settings_set(c->settings, "model", c->value[OWN_TOKENIZER], "--tokenizer", &err) !=
            WEFT_OK)
        return cli_say_error(&err);
    j.e = cli_engine_open(c, WEFT_OPEN_TOKENIZER, &code);
    if (j.e != NULL)
        code = check_tokenizer(j.e);
    if (j.e != NULL && code == CLI_EXIT_OK)
        code = do_all(&j);
    cli_engine_close(&j.e);
    free(j.line);
    free(j.ids);
    free(j.text);
    return code;
}
