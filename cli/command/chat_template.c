/* SPDX-License-Identifier: Apache-2.0 */
/* weft chat-template: what a conversation becomes by the model's own template. */
#include "command/commands.h"

#include <stdlib.h>
#include <string.h>

#include "command/session.h"
#include "exit.h"
#include "input/document.h"
#include "input/stdin.h"
#include "output/out.h"
#include "output/say.h"

typedef struct inputs {
    char  *messages, *tools;
    size_t messages_bytes, tools_bytes;
} inputs;

static int32_t read_inputs(const cli *c, inputs *in)
{
    if (!cli_has(c, OWN_MESSAGES))
        return cli_usage(c, "--messages FILE is needed");
    const cli_document messages = {"--messages", c->value[OWN_MESSAGES], CLI_PROMPT_BYTES_MAX};
    const cli_document tools = {"--tools", c->value[OWN_TOOLS], CLI_PROMPT_BYTES_MAX};
    int32_t            code = cli_read_document(&messages, &in->messages, &in->messages_bytes);
    if (code == CLI_EXIT_OK && cli_has(c, OWN_TOOLS))
        code = cli_read_document(&tools, &in->tools, &in->tools_bytes);
    return code;
}

static int32_t print(weft_engine *e, const weft_chat *chat)
{
    weft_error err = CLI_ERROR_INIT;
    uint64_t   n = 0, again = 0;
    if (weft_chat_text(e, chat, NULL, 0, &n, &err) != WEFT_OK)
        return cli_say_error(&err);
    char *text = malloc((size_t)n + 1);
    if (text == NULL) {
        cli_say("out of memory: %llu bytes of text", (unsigned long long)n);
        return CLI_EXIT_MEMORY;
    }
    int32_t code = CLI_EXIT_OK;
    if (weft_chat_text(e, chat, text, n, &again, &err) != WEFT_OK)
        code = cli_say_error(&err);
    else
        cli_out(text, (size_t)(again < n ? again : n));
    free(text);
    return code;
}

static const char *shown(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0 ? "standard input" : path;
}

int32_t cli_run_chat_template(cli *c)
{
    inputs          in = {NULL, NULL, 0, 0};
    int32_t         code = read_inputs(c, &in);
    weft_engine    *e = code == CLI_EXIT_OK ? cli_engine_open(c, WEFT_OPEN_TOKENIZER, &code) : NULL;
    const char     *names[] = {shown(c->value[OWN_MESSAGES]), shown(c->value[OWN_TOOLS])};
    const weft_chat chat = {.hdr = WEFT_HDR(weft_chat),
                            .messages = in.messages,
                            .messages_name = names[0],
                            .messages_bytes = in.messages_bytes,
                            .tools = in.tools,
                            .tools_name = names[1],
                            .tools_bytes = in.tools_bytes,
                            .date = c->value[OWN_DATE]};
    if (e != NULL)
        code = print(e, &chat);
    cli_engine_close(&e);
    free(in.messages);
    free(in.tools);
    return code;
}
