/* SPDX-License-Identifier: Apache-2.0 */
/* weft transcribe: recordings to text, subtitles and JSON. What the options say. */
#include "command/transcribe.h"

#include <stdlib.h>
#include <string.h>

#include "command/answer.h"
#include "command/commands.h"
#include "exit.h"
#include "input/values.h"
#include "output/say.h"

#define SECOND_US 1000000
#define SEGMENT_LEAST_US (SECOND_US / 2) /* a word takes about that long */
#define SEGMENT_MOST_US (600ll * SECOND_US)

/* Standard input can be one thing only. */
static int32_t check_usage(const cli *c)
{
    const char *prompt = weft_settings_str(c->settings, "prompt");
    int32_t     dashes = prompt != NULL && strcmp(prompt, "-") == 0;
    for (int32_t i = 0; i < c->n_operands; i++)
        dashes += strcmp(c->operands[i], "-") == 0;
    if (dashes > 1)
        return cli_usage(c, "standard input (-) can be read once only");
    if (c->n_operands == 0)
        return cli_usage(c, "name a FILE, a folder, or - for standard input");
    return CLI_EXIT_OK;
}

static int32_t read_task(cli_transcribe *j)
{
    const char *task = j->c->value[OWN_TASK], *language = j->c->value[OWN_LANGUAGE];
    j->out.task = task != NULL ? task : "transcribe";
    if (strcmp(j->out.task, "transcribe") != 0 && strcmp(j->out.task, "translate") != 0)
        return cli_usage(j->c, "--task %.60s: it is transcribe or translate", task);
    if (language != NULL && language[0] == '\0')
        return cli_usage(j->c, "--language needs a name");
    j->out.language = language != NULL ? language : "English";
    j->request.task = j->out.task;
    j->request.language = j->out.language;
    return cli_time_option(j->c, OWN_MAX_SEGMENT, SEGMENT_LEAST_US, SEGMENT_MOST_US,
                           &j->request.max_us);
}

/* The prompt of the options as a string, which the caller frees. */
static int32_t read_prompt(cli_transcribe *j, char **user)
{
    weft_prompt p = {.hdr = WEFT_HDR(weft_prompt)};
    char       *owned;
    int32_t     code = cli_prompt_text(j->c, &p, &owned);
    *user = code == CLI_EXIT_OK && p.user != NULL ? strndup(p.user, (size_t)p.user_bytes) : NULL;
    free(owned);
    if (code == CLI_EXIT_OK && p.user != NULL && *user == NULL) {
        cli_say("out of memory: the prompt");
        return CLI_EXIT_MEMORY;
    }
    j->request.user = *user;
    j->request.system = p.system;
    return code;
}

int32_t cli_run_transcribe(cli *c)
{
    char          *user = NULL;
    cli_transcribe j = {.c = c,
                        .request = {.hdr = WEFT_HDR(weft_long_request), .kind = "audio"},
                        .sampling = {.hdr = WEFT_HDR(weft_sampling)}};
    int32_t        code = check_usage(c);
    if (code == CLI_EXIT_OK)
        code = cli_parallel_option(c, &j.at_once);
    if (code == CLI_EXIT_OK)
        code = read_task(&j);
    if (code == CLI_EXIT_OK)
        code = read_prompt(&j, &user);
    j.request.flags = cli_has(c, OWN_RAW) ? 0 : WEFT_PROMPT_CHAT;
    j.sampling = (weft_sampling){.hdr = WEFT_HDR(weft_sampling)};
    weft_sampling_from_settings(c->settings, &j.sampling);
    if (code == CLI_EXIT_OK)
        code = cli_transcribe_files(&j);
    free(user);
    return code;
}
