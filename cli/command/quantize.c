/* SPDX-License-Identifier: Apache-2.0 */
/* weft model quantize. */
#include "command/commands.h"

#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "output/say.h"
#include "output/terminal.h"

int32_t cli_run_model_quantize(cli *c)
{
    weft_error err = CLI_ERROR_INIT;
    int32_t    code = CLI_EXIT_OK;
    if (c->n_operands == 0 || c->value[OWN_OUTPUT] == NULL) {
        cli_say(
            "model quantize needs a directory and -o OUT (weft model quantize --help says more)");
        return CLI_EXIT_USAGE;
    }
    if (weft_settings_set(c->settings, "model", c->operands[0], "DIR", &err) != WEFT_OK)
        return cli_say_error(&err);
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_CONFIG | WEFT_OPEN_NO_CORE, &code);
    if (e != NULL &&
        weft_quantize_calibrated(e, c->value[OWN_OUTPUT], c->value[OWN_CALIBRATE], &err) != WEFT_OK)
        code = cli_interrupted() ? CLI_EXIT_INTERRUPTED : cli_say_error(&err);
    cli_line_clear();
    cli_engine_close(&e);
    return code;
}
