/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the command that was named. */
#include "input/command_name.h"

#include <string.h>
#include <unistd.h>

#include "input/hints.h"
#include "output/say.h"
#include "weft/weft.h"

/* Words of the name that argv spells: all of them or 0. */
static int words_of(const char *name, int argc, char **argv)
{
    const char *blank = strchr(name, ' ');
    size_t      n = blank != NULL ? (size_t)(blank - name) : strlen(name);
    if (strlen(argv[0]) != n || strncmp(argv[0], name, n) != 0)
        return 0;
    if (blank == NULL)
        return 1;
    return argc > 1 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

/* "model" alone, or with a word that it does not know. */
static bool say_group(const cli_command *commands, int argc, char **argv)
{
    char   list[128] = "";
    size_t n = strlen(argv[0]);
    for (const cli_command *k = commands; k->name != NULL; k++) {
        if (strncmp(k->name, argv[0], n) != 0 || k->name[n] != ' ')
            continue;
        strncat(list, list[0] != '\0' ? " or " : "", sizeof list - strlen(list) - 1);
        strncat(list, k->name, sizeof list - strlen(list) - 1);
    }
    if (list[0] == '\0')
        return false;
    if (argc > 1 && argv[1][0] != '-')
        cli_say("there is no command %s %s; there is %s", argv[0], argv[1], list);
    else
        cli_say("%s needs a second word: %s", argv[0], list);
    return true;
}

/* The commands whose second word was given alone: "inspect". */
static bool say_second(const cli_command *commands, const char *word)
{
    char list[128] = "";
    for (const cli_command *k = commands; k->name != NULL; k++) {
        const char *blank = strchr(k->name, ' ');
        if (blank == NULL || strcmp(blank + 1, word) != 0)
            continue;
        strncat(list, list[0] != '\0' ? " or " : "", sizeof list - strlen(list) - 1);
        strncat(list, k->name, sizeof list - strlen(list) - 1);
    }
    if (list[0] != '\0')
        cli_say("there is no command %s; did you mean %s?", word, list);
    return list[0] != '\0';
}

/* What was named is no command, nor nearly one. */
static void say_unknown(const char *name)
{
    const char *hint = cli_command_hint(name);
    if (hint != NULL)
        cli_say("there is no command %s; %s", name, hint);
    else if (access(name, F_OK) == 0)
        cli_say("%.400s is no command; weft describe FILE says what is in it, weft "
                "transcribe FILE writes down what is said in it",
                name);
    else if (strchr(name, ' ') != NULL)
        cli_say("there is no command \"%.60s\"; a text goes behind -p: weft generate -p TEXT; and "
                "weft chat talks with a model",
                name);
    else
        cli_say("there is no command %s; weft --help lists them", name);
}

const cli_command *cli_command_find(const cli_command *commands, int argc, char **argv, int *words)
{
    const char *names[32];
    uint32_t    n = 0;
    for (const cli_command *k = commands; k->name != NULL; k++) {
        *words = words_of(k->name, argc, argv);
        if (*words != 0)
            return k;
        if (n < 32)
            names[n++] = k->name;
    }
    if (say_group(commands, argc, argv) || say_second(commands, argv[0]))
        return NULL;
    const char *near = cli_command_hint(argv[0]) == NULL ? weft_nearest(argv[0], names, n) : NULL;
    if (near != NULL)
        cli_say("there is no command %s; did you mean %s?", argv[0], near);
    else
        say_unknown(argv[0]);
    return NULL;
}
