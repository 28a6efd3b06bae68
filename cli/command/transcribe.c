/* SPDX-License-Identifier: Apache-2.0 */
/* weft transcribe: recordings to text, subtitles and JSON. What the options say. */
#include "command/transcribe.h"

#include <stdlib.h>
#include <string.h>

#include "command/answer.h"
#include "command/commands.h"
#include "command/resume.h"
#include "exit.h"
#include "input/languages.h"
#include "input/values.h"
#include "output/say.h"

#define SECOND_US 1000000
#define LINES_MOST 20                    /* of a subtitle */
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

static int32_t unknown_language(const cli *c, const char *word)
{
    const char *near = cli_language_near(word);
    return cli_usage(c,
                     "--language %.60s is no language that is known here%s%s%s; give its English "
                     "name or its code of two or three letters",
                     word, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "?" : "");
}

static int32_t read_task(cli_transcribe *j)
{
    const char *task = j->c->value[OWN_TASK], *language = j->c->value[OWN_LANGUAGE];
    j->out.task = task != NULL ? task : "transcribe";
    if (strcmp(j->out.task, "transcribe") != 0 && strcmp(j->out.task, "translate") != 0)
        return cli_usage(j->c, "--task %.60s: it is transcribe or translate", task);
    j->out.language = language != NULL ? cli_language_name(language) : NULL;
    if (language != NULL && j->out.language == NULL)
        return unknown_language(j->c, language);
    j->request.task = j->out.task;
    j->request.language = j->out.language;
    return cli_time_option(j->c, OWN_MAX_SEGMENT, SEGMENT_LEAST_US, SEGMENT_MOST_US,
                           &j->request.max_us);
}

static int32_t read_wrap(const cli *c, cli_wrap *w)
{
    const char *line = c->value[OWN_MAX_LINE];
    *w = (cli_wrap){42, 2};
    int32_t code = cli_count_option(c, OWN_MAX_LINES, &w->max_lines);
    if (code == CLI_EXIT_OK && w->max_lines > LINES_MOST)
        code = cli_usage(c, "--max-lines %d: at most %d", w->max_lines, LINES_MOST);
    if (line != NULL && strspn(line, "0") == strlen(line) && line[0] != '\0')
        w->max_line = 0;
    else if (code == CLI_EXIT_OK)
        code = cli_count_option(c, OWN_MAX_LINE, &w->max_line);
    return code;
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
        code = cli_resume_check(c);
    j.out.resume = cli_has(c, OWN_RESUME);
    if (code == CLI_EXIT_OK)
        code = cli_parallel_option(c, &j.at_once);
    if (code == CLI_EXIT_OK)
        code = read_task(&j);
    if (code == CLI_EXIT_OK)
        code = read_wrap(c, &j.out.wrap);
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
