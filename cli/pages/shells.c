/* SPDX-License-Identifier: Apache-2.0 */
/* Completions. A shell is told the commands, the options of each command, and whether an option
 * takes an argument. Files complete everywhere else. */
#include <string.h>

#include "pages.h"

/* The distinct first words of the commands, then the second words of those that have two. */
static int first_words(const cli_command *k, char *word, size_t cap)
{
    size_t n = strcspn(k->name, " ");
    snprintf(word, cap, "%.*s", (int)n, k->name);
    for (const cli_command *before = cli_commands; before < k; before++)
        if (strncmp(before->name, word, n) == 0 &&
            (before->name[n] == ' ' || before->name[n] == '\0'))
            return 0;
    return 1;
}

static const char *second_word(const cli_command *k)
{
    const char *space = strchr(k->name, ' ');
    return space != NULL ? space + 1 : NULL;
}

/* ---- bash ---- */

static void bash_option(void *ctx, const weft_option_info *o)
{
    char name[64];
    if (o->letter > 0)
        fprintf(ctx, " -%c", o->letter);
    fprintf(ctx, " %s", cli_option_name(o, name, sizeof name));
}

void page_bash(const char *dir)
{
    FILE *f = page_open(dir, "weft");
    char  word[64];
    fputs(
        "# bash completion for weft\n_weft()\n{\n    local words='' cur=${COMP_WORDS[COMP_CWORD]}\n"
        "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='",
        f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++)
        if (first_words(k, word, sizeof word))
            fprintf(f, "%s ", word);
    fputs("--help --version --list-devices'\n    else\n        case \"${COMP_WORDS[1]} "
          "${COMP_WORDS[2]}\" in\n",
          f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        fprintf(f, "        '%s'%s)\n            words='", k->name,
                second_word(k) != NULL ? "*" : "' '*");
        page_each_option(k->own | OWN_COMMON, bash_option, f);
        fputs("' ;;\n", f);
    }
    fputs("        esac\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            case "
          "${COMP_WORDS[1]} in\n",
          f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        if (second_word(k) == NULL || !first_words(k, word, sizeof word))
            continue;
        fprintf(f, "            %s) words='", word);
        for (const cli_command *each = k; each->name != NULL; each++)
            if (strncmp(each->name, word, strlen(word)) == 0 && second_word(each) != NULL)
                fprintf(f, "%s ", second_word(each));
        fputs("' ;;\n", f);
    }
    fputs("            esac\n        fi\n        [[ $cur == -* || $COMP_CWORD -eq 2 ]] || "
          "words=''\n    fi\n"
          "    [ -z \"$words\" ] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "}\ncomplete -o default -F _weft weft\n",
          f);
    page_close(f);
}

/* ---- zsh ---- */

/* In single quotes, and without the characters that _arguments and _describe read. */
static void zsh_text(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", f);
        else if (strchr("[]:\\", *text) != NULL)
            fprintf(f, "\\%c", *text);
        else
            fputc(*text, f);
    }
}

static void zsh_option(void *ctx, const weft_option_info *o)
{
    FILE *f = ctx;
    char  name[64];
    cli_option_name(o, name, sizeof name);
    for (int letter = 0; letter <= (o->letter > 0); letter++) {
        fputs("            '*", f);
        if (letter)
            fprintf(f, "-%c[", o->letter);
        else
            fprintf(f, "%s[", name);
        zsh_text(f, o->doc);
        fputs("]", f);
        if (o->arg != NULL) {
            fputs(":", f);
            zsh_text(f, o->arg);
            fputs((o->flags & WEFT_OPTION_PATH) != 0 ? ":_files" : ": ", f);
        }
        fputs("' \\\n", f);
    }
}

void page_zsh(const char *dir)
{
    FILE *f = page_open(dir, "_weft");
    fputs("#compdef weft\n_weft()\n{\n    local -a commands\n    local command=$words[2]\n    "
          "commands=(\n",
          f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        fprintf(f, "        '%s:", k->name);
        zsh_text(f, k->summary);
        fputs("'\n", f);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        "
          "return\n    fi\n"
          "    case $command in (model|plugin) command=\"$command $words[3]\" ;; esac\n    case "
          "$command in\n",
          f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        fprintf(f, "    '%s')\n        _arguments \\\n", k->name);
        page_each_option(k->own | OWN_COMMON, zsh_option, f);
        fputs("            '*:file:_files' ;;\n", f);
    }
    fputs("    *) _files ;;\n    esac\n}\n_weft \"$@\"\n", f);
    page_close(f);
}

/* ---- fish ---- */

typedef struct fish_line {
    FILE       *f;
    const char *command;
} fish_line;

static void fish_text(FILE *f, const char *text)
{
    fputc('\'', f);
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', f);
        fputc(*text, f);
    }
    fputc('\'', f);
}

static void fish_option(void *ctx, const weft_option_info *o)
{
    const fish_line *l = ctx;
    char             name[64];
    fprintf(l->f, "complete -c weft -n '__fish_seen_subcommand_from %s' -l %s", l->command,
            cli_option_name(o, name, sizeof name) + 2);
    if (o->letter > 0)
        fprintf(l->f, " -s %c", o->letter);
    if (o->arg != NULL)
        fputs((o->flags & WEFT_OPTION_PATH) != 0 ? " -r -F" : " -x", l->f);
    fputs(" -d ", l->f);
    fish_text(l->f, o->doc);
    fputs("\n", l->f);
}

void page_fish(const char *dir)
{
    FILE *f = page_open(dir, "weft.fish");
    char  word[64];
    fputs("# fish completion for weft\n", f);
    for (const cli_command *k = cli_commands; k->name != NULL; k++) {
        const char *second = second_word(k);
        if (first_words(k, word, sizeof word)) {
            fprintf(f, "complete -c weft -n __fish_use_subcommand -f -a %s -d ", word);
            fish_text(f, second == NULL ? k->summary : "");
            fputs("\n", f);
        }
        if (second != NULL) {
            fprintf(f, "complete -c weft -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
                    (int)(second - k->name - 1), k->name, second);
            fish_text(f, k->summary);
            fputs("\n", f);
        }
        page_each_option(k->own | OWN_COMMON, fish_option,
                         &(fish_line){f, second != NULL ? second : k->name});
    }
    page_close(f);
}
