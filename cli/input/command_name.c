/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the command that was named. */
#include "input/command_name.h"

#include <string.h>

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
    if (say_group(commands, argc, argv))
        return NULL;
    const char *near = weft_nearest(argv[0], names, n);
    if (near != NULL)
        cli_say("there is no command %s; did you mean %s?", argv[0], near);
    else
        cli_say("there is no command %s; weft --help lists them", argv[0]);
    return NULL;
}
