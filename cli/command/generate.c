/* SPDX-License-Identifier: Apache-2.0 */
/* weft generate: a text continued, or answered with --chat. */
#include "command/commands.h"

#include <stdlib.h>

#include "command/answer.h"
#include "command/session.h"
#include "exit.h"
#include "output/say.h"
#include "output/show.h"

static int32_t show_plan(cli *c)
{
    int32_t      code = CLI_EXIT_OK;
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_CONFIG, &code);
    if (e == NULL)
        return code;
    if (!cli_has(c, OWN_JSON))
        code = cli_show_engine(e);
    else if (!cli_json_print(NULL, cli_json_engine(e)))
        code = CLI_EXIT_MEMORY;
    cli_engine_close(&e);
    return code;
}

static int32_t run_prompt(cli *c, weft_engine *e, const weft_prompt *prompt)
{
    cli_answer a;
    cli_answer_init(&a, c, cli_has(c, OWN_JSON) ? CLI_FORM_KEEP : CLI_FORM_STREAM, NULL, NULL);
    cli_answer_start(&a, e, prompt);
    cli_answer_finish(&a, c);
    int32_t code = cli_answer_code(&a);
    if (cli_has(c, OWN_JSON) && !cli_json_print(NULL, cli_answer_json(&a, e)))
        code = cli_worse(code, CLI_EXIT_MEMORY);
    if (code != CLI_EXIT_OK)
        cli_say_error(&a.err);
    else
        cli_summary(&a.run, 0.0, 0.0);
    cli_answer_deinit(&a);
    return code;
}

/* The text may stand without -p. */
static int32_t take_operand(cli *c)
{
    weft_error err = CLI_ERROR_INIT;
    if (c->n_operands == 0)
        return weft_settings_str(c->settings, "prompt") != NULL
                   ? CLI_EXIT_OK
                   : cli_usage(c, "-p TEXT is missing; -p - reads standard input");
    if (weft_settings_str(c->settings, "prompt") != NULL)
        return cli_usage(c, "-p gives the text, and %.60s is another one", c->operands[0]);
    return weft_settings_set(c->settings, "prompt", c->operands[0], "TEXT", &err) == WEFT_OK
               ? CLI_EXIT_OK
               : cli_say_error(&err);
}

int32_t cli_run_generate(cli *c)
{
    weft_prompt prompt = {.hdr = WEFT_HDR(weft_prompt)};
    char       *owned = NULL;
    int32_t     code;
    if (cli_has(c, OWN_PLAN))
        return show_plan(c);
    code = take_operand(c);
    if (code != CLI_EXIT_OK)
        return code;
    code = cli_prompt_text(c, &prompt, &owned);
    if (code != CLI_EXIT_OK)
        return code;
    prompt.flags = cli_has(c, OWN_CHAT) ? WEFT_PROMPT_CHAT : 0;
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_TEXT, &code);
    if (e != NULL)
        code = run_prompt(c, e, &prompt);
    cli_engine_close(&e);
    free(owned);
    return code;
}
