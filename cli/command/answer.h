/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one prompt and puts out the text that the model writes; for describe, generate and chat. */
#ifndef WEFT_CLI_ANSWER_H
#define WEFT_CLI_ANSWER_H

#include "cli.h"
#include "command/stops.h"
#include "output/json.h"

enum cli_form {
    CLI_FORM_STREAM, /* the text as it is made */
    CLI_FORM_LINE,   /* path, tab, text on one line */
    CLI_FORM_KEEP,   /* kept for a JSON object */
};

typedef struct cli_answer {
    enum cli_form  form;
    const char    *path;     /* CLI_FORM_LINE */
    cli_place     *place;    /* where the text is put among the results; NULL: at once */
    weft_sequence *sequence; /* there from start to finish */
    bool           lent;     /* it is the caller's, who fed it and goes on with it; and the text is
                                kept, whatever the form */
    weft_status     status;  /* of the start, and after finish of the whole */
    weft_generation run;
    weft_error      err;                /* why it failed, or WEFT_OK */
    double          decode_s, encode_s; /* of the items */
    cli_stops       stops;              /* of --stop */
    int32_t         max_new;            /* of -n */
    char           *text;               /* CLI_FORM_KEEP, and with lent */
    size_t          text_bytes, text_cap;
    bool            begun, ends_line, no_memory;
    bool            nothing;      /* there is nothing to answer: the text stays empty */
    bool            done, failed; /* of one that a scheduler runs: its end is known; it ends with
                                     the step that failed */
    bool after_space; /* so far nothing but the space that some tokenizers put before a word */
} cli_answer;

/* c, path and place are borrowed. */
void cli_answer_init(cli_answer *a, const cli *c, enum cli_form form, const char *path,
                     cli_place *place);
void cli_answer_deinit(cli_answer *a);
/* Feeds the prompt to a fresh sequence. A failure is in a->status until the answer is finished. */
void cli_answer_start(cli_answer *a, weft_engine *e, const weft_prompt *prompt);
/* Lets the scheduler generate the text: a->done becomes true in one of its steps, or at once where
 * that is not possible. sampling is copied. Then cli_answer_end() is due. */
void cli_answer_submit(cli_answer *a, weft_scheduler *s, const weft_sampling *sampling);
/* The end of an answer whose text has been generated: as cli_answer_finish(). */
void cli_answer_end(cli_answer *a);
/* Generates the text and puts it where the form says, with a newline after it. Afterwards a->err
 * holds a failure, also one of the start. */
void cli_answer_finish(cli_answer *a, const cli *c);
/* Why the text ended: "stop", at a token or text that ends an answer, or "length", cut by -n or the
 * context. NULL: it failed. */
const char *cli_answer_reason(const cli_answer *a);
/* The exit code of a->err: 0 where nothing failed, 130 after Ctrl-C, else weft_exit_code(). */
int32_t cli_answer_code(const cli_answer *a);
/* The JSON that both commands print: {"tokens": {...}, "timings": {...}, "text": ...,
 * "finish_reason": ..., "error": ...}. */
json_t *cli_answer_json(const cli_answer *a, const weft_engine *e);

/* Fills the prompt from the options. The text "-" is read from standard input into *owned, which
 * the caller frees. Returns the exit code; failures are said. */
int32_t cli_prompt_text(const cli *c, weft_prompt *prompt, char **owned);
/* Says how many tokens and how much time it took, in one line, where standard error is a terminal
 * or with -v. */
void cli_summary(const weft_generation *sum, double decode_s, double encode_s);

#endif
