/* SPDX-License-Identifier: Apache-2.0 */
/* The weft program: finds the command, reads its options, runs it. */
#include <string.h>

#include "command/commands.h"
#include "command/config.h"
#include "command/help.h"
#include "exit.h"
#include "input/args.h"
#include "input/command_name.h"
#include "input/interrupt.h"
#include "output/crash.h"
#include "output/ordered.h"
#include "output/out.h"
#include "output/say.h"
#include "output/target.h"
#include "output/terminal.h"

static const cli_command no_command = {
    .name = "",
    .operands = "COMMAND [OPTION...] [OPERAND...]",
    .own = OWN_BIT(OWN_VERSION) | OWN_BIT(OWN_LIST_DEVICES),
    .operands_max = -1,
};

/* What --print-config, --list-devices and --version ask for in place of the command, and *code;
 * false: nothing. */
static bool asked_instead(cli *c, int32_t *code)
{
    if (cli_has(c, OWN_HELP))
        cli_help(c, c->command);
    else if (cli_has(c, OWN_VERSION))
        (void)cli_run_version(c);
    else if (cli_has(c, OWN_LIST_DEVICES))
        *code = cli_list_devices(c);
    else if (cli_has(c, OWN_PRINT_CONFIG))
        cli_print_config(c);
    else
        return false;
    return true;
}

static int32_t check_operands(const cli *c)
{
    int32_t max = c->command->operands_max;
    if (c->command->run == NULL && c->n_operands > 0)
        return cli_usage(c, "the command comes before its options: weft %s ...", c->operands[0]);
    if (c->command->run == NULL)
        return cli_usage(c,
                         "no command was given; weft describe FILE, weft transcribe FILE and weft "
                         "chat are for a start");
    if (max >= 0 && c->n_operands > max)
        return cli_usage(c, "%s is one operand too many", c->operands[max]);
    return CLI_EXIT_OK;
}

static int32_t run(cli *c, int argc, char **argv)
{
    weft_error err = CLI_ERROR_INIT;
    int32_t    code = CLI_EXIT_OK;
    if (weft_settings_create(&c->settings, &err) != WEFT_OK)
        return cli_say_error(&err);
    if (!cli_parse(c, argc, argv, &code))
        return code;
    if (cli_has(c, OWN_HELP) || cli_has(c, OWN_VERSION)) {
        asked_instead(c, &code);
        return code;
    }
    if (weft_settings_load(c->settings, c->value[OWN_CONFIG], &err) != WEFT_OK)
        return cli_say_error(&err);
    if (asked_instead(c, &code))
        return code;
    code = check_operands(c);
    return code != CLI_EXIT_OK ? code : c->command->run(c);
}

int main(int argc, char **argv)
{
    cli     c;
    int     words = 0;
    int32_t code = CLI_EXIT_USAGE;
    memset(&c, 0, sizeof c);
    cli_terminal_init();
    cli_target_init();
    cli_crash_init();
    cli_interrupt_init();
    weft_set_log(cli_log, NULL);
    c.commands = cli_commands;
    c.none = c.command = &no_command;
    if (argc > 1 && argv[1][0] != '-')
        c.command = cli_command_find(c.commands, argc - 1, argv + 1, &words);
    if (c.command != NULL && argc > 0)
        code = run(&c, argc - words, argv + words);
    weft_settings_destroy(&c.settings);
    cli_line_clear();
    return cli_out_close(code);
}
