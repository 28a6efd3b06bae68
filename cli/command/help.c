/* SPDX-License-Identifier: Apache-2.0 */
/* --help, weft help and docs/CLI.md, all from the tables of commands and options. */
#include "command/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "exit.h"
#include "input/command_name.h"
#include "output/out.h"

#define WIDTH 80
#define DOC_COLUMN 30

static const char exit_codes[] =
    "   0  all done\n"
    "   1  an unexpected failure, or standard output could not be written\n"
    "   2  usage: a bad option, argument or configuration\n"
    "   3  a media file or other input that is damaged or of an unknown kind\n"
    "   4  a model directory that is bad or does not fit\n"
    "   5  a plugin is missing, was refused or failed\n"
    "   6  out of memory, or the device failed\n"
    "   7  a limit was exceeded; the message names the option that raises it,\n"
    "      or says what else to do\n"
    "   8  not a number where numbers belong\n"
    "   9  a comparison did not hold (model verify)\n"
    " 130  interrupted: Ctrl-C, SIGTERM or SIGHUP\n";

static const char streams_text[] =
    "Results go to standard output, everything else to standard error: failures as\n"
    "one line that begins with \"weft:\", and progress and a summary where standard\n"
    "error is a terminal. On a terminal, control characters in a model's text are\n"
    "shown as U+FFFD; pipes and files get its bytes. A reader that goes away (head)\n"
    "is no failure. With several files the rest are done after a failure, unless\n"
    "--fail-fast is given; the exit code is then the first of 130, 1, 6, 5, 4, 8,\n"
    "7, 3, 9 that occurred.\n";

static const char config_text[] =
    "A setting is looked for on the command line, then in the environment (WEFT_ and\n"
    "the option's name in capitals, such as WEFT_CPU_MASK), then in the file named\n"
    "by --config, then in $XDG_CONFIG_HOME/weft/weft.ini (or ~/.config/weft/weft.ini)\n"
    "and in /etc/weft/weft.ini. The files are INI: section [core] has the engine's\n"
    "options as keys, with _ for -, and each plugin has a section [plugin ID].\n"
    "Paths in a file are relative to it. --print-config prints such a file. With no\n"
    "model named anywhere, the demo model is used.\n";

/* The length of the next word, or of as many of the choices a|b|c that it is as a line holds. */
static size_t piece(const char *text)
{
    size_t n = strcspn(text, " "), m = WIDTH - DOC_COLUMN;
    if (n <= m)
        return n;
    while (m > 0 && text[m - 1] != '|')
        m--;
    return m > 0 ? m : n;
}

/* Prints words from column `at` on, each line of them beginning at DOC_COLUMN. */
static void wrap(int at, const char *text)
{
    bool glued = false; /* to the piece before */
    while (*text != '\0') {
        size_t n = piece(text);
        int    gap = at > DOC_COLUMN && !glued;
        if (at > DOC_COLUMN && at + gap + (int)n > WIDTH) {
            cli_outf("\n%*s", DOC_COLUMN, "");
            at = DOC_COLUMN;
        } else if (gap) {
            cli_outf(" ");
            at++;
        }
        cli_outf("%.*s", (int)n, text);
        glued = text[n] != ' ';
        at += (int)n;
        text += n + (text[n] == ' ');
    }
    cli_outf("\n");
}

/* "lowest to highest" is said where it tells something: both ends, or a choice of words. */
static void full_doc(const weft_option_info *o, char *buf, size_t cap)
{
    size_t n = o->range != NULL ? strlen(o->range) : 0;
    bool   range = n > 2 && strcmp(o->range + n - 2, "..") != 0;
    bool   dflt = o->dflt != NULL && o->type != WEFT_OPT_BOOL;
    bool   many = (o->flags & WEFT_OPTION_LIST) != 0 && strstr(o->doc, "repeated") == NULL;
    snprintf(buf, cap, "%s%s%s%s%s%s%s%s", o->doc, many ? "; may be repeated" : "",
             range || dflt ? " (" : "", range ? o->range : "", range && dflt ? "; " : "",
             dflt ? "default " : "", dflt ? o->dflt : "", range || dflt ? ")" : "");
}

static void print_option(const weft_option_info *o)
{
    char name[64], label[96], doc[512];
    if ((o->flags & WEFT_OPTION_HIDDEN) != 0)
        return;
    char letter[5] = "    ";
    if (o->letter > 0)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    int n =
        snprintf(label, sizeof label, "  %s%s%s%s", letter, cli_option_name(o, name, sizeof name),
                 o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
    full_doc(o, doc, sizeof doc);
    cli_outf("%s", label);
    if (n + 2 > DOC_COLUMN)
        cli_outf("\n%*s", DOC_COLUMN, "");
    else
        cli_outf("%*s", DOC_COLUMN - n, "");
    wrap(DOC_COLUMN, doc);
}

static void print_own(uint64_t bits)
{
    for (int i = 0; i < OWN_COUNT; i++)
        if ((bits & OWN_BIT(i)) != 0)
            print_option(&cli_own_options[i]);
}

static void print_engine_options(void)
{
    weft_option_info o;
    for (uint32_t i = 0; weft_option_at(i, &o) != 0; i++)
        print_option(&o);
}

static void overview(const cli *c)
{
    cli_outf("Usage: weft COMMAND [OPTION...] [OPERAND...]\n\n"
             "Runs a Llama 3 text model with plugins for pictures and other media.\n\nCommands:\n");
    for (const cli_command *k = c->commands; k->name != NULL; k++)
        cli_outf("  %-*s%s\n", DOC_COLUMN - 2, k->name, k->summary);
    cli_outf("\nWithout a command:\n");
    print_own(c->none->own | OWN_COMMON);
    cli_outf("\nExit codes:\n%s\nweft help COMMAND says what a command takes.\n", exit_codes);
}

static void usage_line(const cli_command *k)
{
    cli_outf("Usage: weft %s [OPTION...]%s%s\n\n", k->name, k->operands[0] != '\0' ? " " : "",
             k->operands);
}

/* As a sentence; in the list of commands it is a phrase. */
static void summary_line(const cli_command *k)
{
    cli_outf("%c%s.\n", toupper((unsigned char)k->summary[0]), k->summary + 1);
}

void cli_help(const cli *c, const cli_command *command)
{
    if (command->name[0] == '\0') {
        overview(c);
        return;
    }
    usage_line(command);
    summary_line(command);
    if (command->text[0] != '\0')
        cli_outf("\n%s", command->text);
    cli_outf("\nOptions:\n");
    print_own(command->own | OWN_COMMON);
    cli_outf("\nOptions of the engine, which are also keys of the configuration:\n");
    print_engine_options();
}

static void markdown_command(const cli_command *k)
{
    cli_outf("\n## weft %s\n\n```\n", k->name);
    usage_line(k);
    summary_line(k);
    if (k->text[0] != '\0')
        cli_outf("\n%s", k->text);
    if (k->own != 0) {
        cli_outf("\n");
        print_own(k->own);
    }
    cli_outf("```\n");
}

/* docs/CLI.md. */
static void markdown(const cli *c)
{
    cli_outf("# The weft command\n\n"
             "Written by `weft help --all`; a test compares this page with what it prints.\n\n"
             "## Streams and exit codes\n\n%s\n```\n%s```\n\n## Settings\n\n%s",
             streams_text, exit_codes, config_text);
    for (const cli_command *k = c->commands; k->name != NULL; k++)
        markdown_command(k);
    cli_outf("\n## Options of every command\n\n```\n");
    print_own(OWN_COMMON);
    cli_outf("```\n\n## Options of the engine\n\n"
             "Every command takes them; they are also the keys of section `[core]`.\n\n```\n");
    print_engine_options();
    cli_outf("```\n");
}

int32_t cli_run_version(cli *c)
{
    (void)c;
    cli_outf("weft %s\n", weft_version());
    return CLI_EXIT_OK;
}

/* The operands as words; one operand may hold both, as in weft help "model inspect". Returns how
 * many there are. */
static int split_name(const cli *c, char *buf, size_t cap, char **argv)
{
    buf[0] = '\0';
    for (int i = 0; i < c->n_operands; i++) {
        size_t at = strlen(buf);
        snprintf(buf + at, cap - at, "%s%s", at > 0 ? " " : "", c->operands[i]);
    }
    int   words = 0;
    char *rest = NULL, *word = strtok_r(buf, " ", &rest);
    for (; word != NULL && words < 2; word = strtok_r(NULL, " ", &rest))
        argv[words++] = word;
    return words;
}

int32_t cli_run_help(cli *c)
{
    char  name[512];
    char *argv[3] = {NULL, NULL, NULL};
    int   words;
    if (cli_has(c, OWN_ALL)) {
        markdown(c);
        return CLI_EXIT_OK;
    }
    if (c->n_operands == 0) {
        cli_help(c, c->none);
        return CLI_EXIT_OK;
    }
    int                n = split_name(c, name, sizeof name, argv);
    const cli_command *k = n > 0 ? cli_command_find(c->commands, n, argv, &words) : c->none;
    if (k == NULL)
        return CLI_EXIT_USAGE;
    cli_help(c, k);
    return CLI_EXIT_OK;
}
