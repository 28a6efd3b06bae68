/* SPDX-License-Identifier: Apache-2.0 */
/* One prompt run to its text, for describe and generate. */
#ifndef WEFT_CLI_ANSWER_H
#define WEFT_CLI_ANSWER_H

#include "cli.h"
#include "output/json.h"

enum cli_form {
    CLI_FORM_STREAM, /* the text as it is made */
    CLI_FORM_LINE,   /* path, tab, text on one line */
    CLI_FORM_KEEP,   /* kept for a JSON object */
};

typedef struct cli_answer {
    enum cli_form   form;
    const char     *path;     /* CLI_FORM_LINE */
    cli_place      *place;    /* of the text in the order of results; NULL: at once */
    weft_sequence  *sequence; /* from start to finish */
    weft_status     status;   /* of the start, then of the whole */
    weft_generation run;
    weft_error      err;                /* why it failed, or WEFT_OK */
    double          decode_s, encode_s; /* of the items */
    char           *text;               /* CLI_FORM_KEEP */
    size_t          text_bytes, text_cap;
    bool            begun, ends_line, no_memory;
    bool after_space; /* so far nothing but the space that some tokenizers put before a word */
} cli_answer;

/* path and place are borrowed. */
void cli_answer_init(cli_answer *a, enum cli_form form, const char *path, cli_place *place);
void cli_answer_deinit(cli_answer *a);
/* Feeds the prompt to a fresh sequence. A failure is in a->status until the answer is finished. */
void cli_answer_start(cli_answer *a, weft_engine *e, const weft_prompt *prompt);
/* Generates; the text goes where the form says, closed by a newline. Failures, also of the start,
 * are in a->err. */
void cli_answer_finish(cli_answer *a, const cli *c);
/* Of a->err: 0, 130 after Ctrl-C, else weft_exit_code(). */
int32_t cli_answer_code(const cli_answer *a);
/* {"tokens": {...}, "timings": {...}, "text": ..., "error": ...}: what both commands print. */
json_t *cli_answer_json(const cli_answer *a, const weft_engine *e);

/* The prompt as the options say. TEXT "-" is read from standard input into *owned, which the caller
 * frees. The exit code; failures are said. */
int32_t cli_prompt_text(const cli *c, weft_prompt *prompt, char **owned);
/* One line on standard error, where that is a terminal or with -v. */
void cli_summary(const weft_generation *sum, double decode_s, double encode_s);

#endif
