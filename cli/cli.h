/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the program, and what a command is. The program uses the public headers weft/weft.h
 * and weft/bench.h and nothing else of the library.
 *
 *   main.c     finds the command, reads its options, runs it
 *   options.h  the one table of the program's own options
 *   exit.h     exit codes
 *   input/     what comes in: the words of the command line, files and folders, standard input,
 *              Ctrl-C
 *   output/    what goes out: results on standard output, messages and progress on standard error,
 *              documents in files
 *   command/   the commands: they read through input/ and write through output/
 *   bench/     what `weft bench` measures
 *
 * input/ calls output/ to print messages, never the other way round, and neither of them knows a
 * command. In the comments of this folder "to say" something is to print it as a message on
 * standard error. A function that returns an exit code has already said what failed, unless its
 * comment says otherwise.
 *
 * Adding a command: one row of cli_commands (command/commands.c) and its run function; an option of
 * its own is one row of cli_own_options (options.c). Parsing, --help and docs/CLI.md are made from
 * these rows and from the engine's own table (weft_option_at). */
#ifndef WEFT_CLI_H
#define WEFT_CLI_H

#include "options.h"

#define CLI_AUDIO_MAX 16 /* recordings of one prompt */
#define CLI_STOP_MAX 16  /* texts that end an answer */

typedef struct cli cli;

typedef struct cli_command {
    const char *name;       /* one word or two: "describe", "model verify" */
    const char *operands;   /* "FILE...", for --help */
    const char *summary;    /* one line */
    const char *text;       /* paragraphs for --help; each line fits in 80 columns */
    int32_t (*run)(cli *c); /* the exit code */
    uint64_t own;           /* OWN_BIT()s beside OWN_COMMON */
    int32_t  operands_max;  /* -1: any number */
} cli_command;

/* One run of the program. */
struct cli {
    const cli_command *commands; /* all of them; ends with a row without a name */
    const cli_command *none;     /* what `weft` alone takes: --help, --version, ... */
    const cli_command *command;
    weft_settings     *settings;
    char *const       *operands;
    int32_t            n_operands;
    const char        *value[OWN_COUNT]; /* the last one given; NULL where the option takes none */
    int32_t            given[OWN_COUNT]; /* how often */
    const char        *audio[CLI_AUDIO_MAX]; /* every --audio, given[OWN_AUDIO] of them */
    const char        *stop[CLI_STOP_MAX];   /* every --stop */
};

static inline bool cli_has(const cli *c, enum cli_own o)
{
    return c->given[o] > 0;
}

#endif
