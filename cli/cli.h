/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the command line share. The program is a user of weft/weft.h and of nothing
 * else.
 *
 * Adding a command: one row of cli_commands (commands.c) and its run function; an option of its own
 * is one row of cli_own_options (options.c). Parsing, --help and docs/CLI.md are made from these
 * rows and from the engine's own table (weft_option_at).
 *
 * Exit codes: as in weft_exit_code(). Standard output carries results only; everything said to a
 * person goes to standard error. */
#ifndef WEFT_CLI_H
#define WEFT_CLI_H

#include <stdbool.h>

#include "weft/weft.h"

#define CLI_EXIT_OK 0
#define CLI_EXIT_UNEXPECTED 1
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_MEDIA 3
#define CLI_EXIT_PLUGIN 5
#define CLI_EXIT_MEMORY 6
#define CLI_EXIT_LIMIT 7
#define CLI_EXIT_CHECK 9
#define CLI_EXIT_INTERRUPTED 130

#define CLI_PROMPT_BYTES_MAX (16u << 20) /* text of one prompt or one line of tokenize */

#define CLI_AUDIO_MAX 16 /* recordings of one prompt */

#define CLI_ERROR_INIT                                                                             \
    {                                                                                              \
        WEFT_HDR(weft_error), WEFT_OK, WEFT_STAGE_NONE, ""                                         \
    }

/* ---- options and commands ---- */

/* Places in cli_own_options; each is also a bit of cli_command.own. */
enum cli_own {
    OWN_HELP,
    OWN_VERSION,
    OWN_LIST_DEVICES,
    OWN_PRINT_CONFIG,
    OWN_CONFIG,
    OWN_SET,
    OWN_QUIET,
    OWN_VERBOSE,
    OWN_JSON,
    OWN_PLAN,
    OWN_CHAT,
    OWN_RAW,
    OWN_TOGETHER,
    OWN_RECURSIVE,
    OWN_FAIL_FAST,
    OWN_OUTPUT,
    OWN_DECODE,
    OWN_TOKENIZER,
    OWN_PARITY,
    OWN_DUMP,
    OWN_ALL,
    OWN_FORMAT,
    OWN_LANGUAGE,
    OWN_TASK,
    OWN_MAX_SEGMENT,
    OWN_AUDIO,
    OWN_FRAMES,
    OWN_START,
    OWN_END,
    OWN_PREVIEW,
    OWN_COUNT
};
#define OWN_BIT(o) (1u << (o))
/* What every command takes. */
#define OWN_COMMON                                                                                 \
    (OWN_BIT(OWN_HELP) | OWN_BIT(OWN_PRINT_CONFIG) | OWN_BIT(OWN_CONFIG) | OWN_BIT(OWN_SET) |      \
     OWN_BIT(OWN_QUIET) | OWN_BIT(OWN_VERBOSE))

extern const weft_option_info cli_own_options[OWN_COUNT];

typedef struct cli cli;

typedef struct cli_command {
    const char *name;       /* one word or two: "describe", "model verify" */
    const char *operands;   /* "FILE...", for --help */
    const char *summary;    /* one line */
    const char *text;       /* paragraphs for --help; each line fits in 80 columns */
    int32_t (*run)(cli *c); /* the exit code */
    uint32_t own;           /* OWN_BIT()s beside OWN_COMMON */
    int32_t  operands_max;  /* -1: any number */
} cli_command;

extern const cli_command cli_commands[]; /* ends with a row without a name */
extern const cli_command cli_no_command; /* what `weft` alone takes: --help, --version, ... */

/* One run of the program. */
struct cli {
    const cli_command *command;
    weft_settings     *settings;
    char *const       *operands;
    int32_t            n_operands;
    const char        *value[OWN_COUNT]; /* the last one given; NULL where the option takes none */
    int32_t            given[OWN_COUNT]; /* how often */
    const char        *audio[CLI_AUDIO_MAX]; /* every --audio, given[OWN_AUDIO] of them */
};

static inline bool cli_has(const cli *c, enum cli_own o)
{
    return c->given[o] > 0;
}

/* Reads the words after the command into *c and its settings. False: said on standard error, and
 * the exit code is in *code. */
bool cli_parse(cli *c, int argc, char **argv, int32_t *code);
/* The command that argv names, and how many words its name took. NULL: said on standard error. */
const cli_command *cli_command_find(int argc, char **argv, int *words);
/* The name nearest to word, or NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names, uint32_t n);
/* "--max-pixels" of the key "max_pixels", into buf. */
const char *cli_option_name(const weft_option_info *o, char *buf, size_t cap);

/* Of one command, or of all in short for cli_no_command. */
void    cli_help(const cli_command *command);
int32_t cli_run_help(cli *c);
void    cli_print_config(cli *c);
void    cli_list_devices(void);

int32_t cli_run_describe(cli *c);
int32_t cli_run_transcribe(cli *c);
int32_t cli_run_generate(cli *c);
int32_t cli_run_tokenize(cli *c);
int32_t cli_run_preprocess(cli *c);
int32_t cli_run_model_inspect(cli *c);
int32_t cli_run_model_verify(cli *c);
int32_t cli_run_plugin_list(cli *c);
int32_t cli_run_plugin_inspect(cli *c);

/* ---- streams ---- */

/* Makes descriptors 0 to 2 safe to use, even where the caller closed them, and a broken pipe an
 * error of the write. First thing in main. */
void cli_streams_init(void);
void cli_verbosity(int32_t quiet, int32_t verbose);
bool cli_is_verbose(void);
bool cli_err_is_terminal(void); /* and not -q: progress and summaries are welcome */
bool cli_in_is_terminal(void);

/* To standard output. Text may come from a model or a file: on a terminal its control characters
 * other than newline and tab, and bytes that are not UTF-8, become U+FFFD; elsewhere it is left as
 * it is. */
void cli_out(const char *text, size_t bytes);
void cli_outf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_out_flush(void);
/* A write failed: there is no point in going on. */
bool cli_out_failed(void);
/* Closes standard output; the exit code is code unless the output could not be written. */
int32_t cli_out_close(int32_t code);

/* One line on standard error, "weft: " before it. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says the error and gives its exit code. */
int32_t cli_say_error(const weft_error *err);
/* cli_say() with the hint to --help; gives CLI_EXIT_USAGE. */
int32_t cli_usage(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* weft_log_fn: warnings unless -q, more with -v. */
void cli_log(void *ctx, int32_t level, const char *utf8);

/* weft_progress.fn: one rewritten line on standard error, where that is a terminal. */
void cli_progress(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);
void cli_progress_clear(void);
/* Likewise for a recording: time done of total (-1: unknown), after elapsed_s. From then on the
 * line is its own, until cli_progress_time_end(). */
void cli_progress_time(int64_t done_us, int64_t total_us, double elapsed_s);
void cli_progress_time_end(void);

/* Length of the well-formed UTF-8 character at p, at most n bytes; 0: there is none. */
size_t cli_utf8_char(const char *p, size_t n, uint32_t *code_point);

/* All of standard input, at most max bytes. On failure *text is NULL and the exit code is returned,
 * the reason said; else 0 and *text belongs to the caller. */
int32_t cli_read_stdin(size_t max, char **text, size_t *bytes);
/* read(2) on standard input that goes on after a signal unless it was Ctrl-C. 0: the end; -1: said,
 * or interrupted. */
ptrdiff_t cli_read_some(char *buf, size_t cap);
/* Waits until standard input has something to read or is at its end. False: Ctrl-C. */
bool cli_wait_stdin(void);

/* ---- interruption ---- */

/* The first Ctrl-C, SIGTERM or SIGHUP cancels the engine's call and makes cli_interrupted() true; a
 * Ctrl-C after it (or any of them while no engine is open) ends the program at once. */
void cli_interrupt_init(void);
bool cli_interrupted(void);

/* ---- the engine ---- */

/* NULL: *code is the exit code and the reason was said. */
weft_engine *cli_engine_open(cli *c, uint32_t flags, int32_t *code);
void         cli_engine_close(weft_engine **e);

/* Of two failures the one that counts more: 130, 1, 6, 5, 4, 8, 7, 3, 9, then the rest. */
int32_t cli_worse(int32_t a, int32_t b);

#endif
