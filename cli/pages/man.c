/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages in the macros of man(7). */
#include <ctype.h>
#include <string.h>

#include "pages.h"

/* Text as roff takes it: a backslash, and a dot or quote that begins a line, mean something. */
static void put(FILE *f, const char *text, int at_start)
{
    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", f);
        at_start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
    }
}

static void put_option(void *ctx, const weft_option_info *o)
{
    FILE *f = ctx;
    char  name[64];
    fputs(".TP\n", f);
    if (o->letter > 0)
        fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB", f);
    put(f, cli_option_name(o, name, sizeof name), 0);
    fputs("\\fR", f);
    if (o->arg != NULL) {
        fputs(" \\fI", f);
        put(f, o->arg, 0);
        fputs("\\fR", f);
    }
    fputs("\n", f);
    put(f, o->doc, 1);
    if ((o->flags & WEFT_OPTION_LIST) != 0 && strstr(o->doc, "repeated") == NULL)
        fputs("; may be repeated", f);
    if (o->dflt != NULL && o->type != WEFT_OPT_BOOL) {
        fputs(" (default ", f);
        put(f, o->dflt, 0);
        fputs(")", f);
    }
    fputs("\n", f);
}

/* "weft-model-verify" */
static void page_name(const cli_command *k, char *name, size_t cap)
{
    snprintf(name, cap, "weft-%s", k->name);
    for (char *p = name; *p != '\0'; p++)
        if (*p == ' ')
            *p = '-';
}

static void head(FILE *f, const char *name, const char *summary)
{
    fprintf(f, ".TH %s 1 2026-01-01 \"weft %s\" \"User Commands\"\n.SH NAME\n", name,
            weft_version());
    put(f, name, 0);
    fputs(" \\- ", f);
    put(f, summary, 0);
    fputs("\n.SH SYNOPSIS\n", f);
}

/* The paragraphs of --help are laid out by hand, and keep their lines. */
static void write_command(const char *dir, const cli_command *k)
{
    char name[64], file[80];
    page_name(k, name, sizeof name);
    snprintf(file, sizeof file, "%s.1", name);
    FILE *f = page_open(dir, file);
    head(f, name, k->summary);
    fprintf(f, "\\fBweft %s\\fR [\\fIOPTION\\fR...]", k->name);
    if (k->operands[0] != '\0') {
        fputs(" ", f);
        put(f, k->operands, 0);
    }
    fprintf(f, "\n.SH DESCRIPTION\n%c", toupper((unsigned char)k->summary[0]));
    put(f, k->summary + 1, 0);
    fputs(".\n", f);
    if (k->text[0] != '\0') {
        fputs(".PP\n.nf\n", f);
        put(f, k->text, 1);
        fputs(".fi\n", f);
    }
    fputs(".SH OPTIONS\n", f);
    page_each_option(k->own | OWN_COMMON, put_option, f);
    fputs(".SH SEE ALSO\n.BR weft (1)\n", f);
    page_close(f);
}

static void write_overview(const char *dir)
{
    FILE *f = page_open(dir, "weft.1");
    head(f, "weft", "Llama 3 text models with plugins for pictures and other media");
    fputs("\\fBweft\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIOPERAND\\fR...]\n.SH COMMANDS\n",
          f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        fprintf(f, ".TP\n\\fB%s\\fR\n", k->name);
        put(f, k->summary, 1);
        fputs("\n", f);
    }
    fputs(".SH OPTIONS\nEvery command takes the options of its own page, the common ones and those "
          "of the "
          "engine; the latter are also keys of section [core] of the configuration.\n",
          f);
    page_each_option(OWN_BIT(OWN_VERSION) | OWN_BIT(OWN_LIST_DEVICES) | OWN_COMMON, put_option, f);
    fputs(".SH SEE ALSO\n", f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        char name[64];
        page_name(k, name, sizeof name);
        fputs(".BR ", f);
        put(f, name, 0);
        fprintf(f, " (1)%s\n", k[1].name != NULL ? "," : "");
    }
    page_close(f);
}

void page_man(const char *dir)
{
    write_overview(dir);
    for (const cli_command *k = cli_commands; k->name != NULL; k++)
        write_command(dir, k);
}
