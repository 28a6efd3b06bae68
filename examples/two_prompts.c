/* SPDX-License-Identifier: Apache-2.0 */
/* Answers two prompts at once: cc two_prompts.c $(pkg-config --cflags --libs weft) */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

/* What one prompt comes to: text as far as there is room for it. */
typedef struct answer {
    char        text[2000];
    size_t      n;
    weft_status status;
    weft_error  why;
} answer;

static int32_t keep_token(void *ctx, const weft_token *t)
{
    answer *a = ctx;
    if (a->n + t->text_bytes >= sizeof a->text)
        return 1; /* enough */
    memcpy(a->text + a->n, t->text, (size_t)t->text_bytes);
    a->n += (size_t)t->text_bytes;
    return 0;
}

static void keep_end(void *ctx, const weft_job_result *result)
{
    answer *a = ctx;
    a->status = result->status;
    a->why = *result->error;
}

static weft_status ask(weft_engine *e, weft_scheduler *s, const weft_sampling *p, const char *text,
                       weft_sequence **out, answer *a, weft_error *err)
{
    weft_prompt prompt = {
        WEFT_HDR(weft_prompt), WEFT_PROMPT_CHAT, 0, NULL, text, 0, NULL, NULL, NULL};
    weft_status status = weft_sequence_create(e, out, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(*out, &prompt, err);
    weft_job_request rq = {WEFT_HDR(weft_job_request), *out, p, keep_token, keep_end, a};
    return status == WEFT_OK ? weft_scheduler_add(s, &rq, NULL, err) : status;
}

int main(int argc, char **argv)
{
    static const char *const prompts[] = {"Say hello.", "Count to five."};
    static answer            answers[2];
    weft_error               err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_settings           *settings = NULL;
    weft_engine             *engine = NULL;
    weft_scheduler          *scheduler = NULL;
    weft_sequence           *sequences[2] = {NULL, NULL};
    weft_sampling            sampling;
    int32_t                  left = 1;

    weft_status status = weft_settings_create(&settings, &err);
    if (status == WEFT_OK && argc == 2) /* two_prompts [MODEL-DIR]; else the demo model */
        status = weft_settings_set(settings, "model", argv[1], "argument 1", &err);
    if (status == WEFT_OK)
        status = weft_engine_open(settings, 0, NULL, &engine, &err);
    if (status == WEFT_OK)
        status = weft_scheduler_create(engine, NULL, &scheduler, &err);
    sampling.hdr.size = (uint32_t)sizeof sampling;
    if (status == WEFT_OK)
        weft_sampling_from_settings(settings, &sampling);
    for (int i = 0; i < 2 && status == WEFT_OK; i++)
        status = ask(engine, scheduler, &sampling, prompts[i], &sequences[i], &answers[i], &err);
    while (status == WEFT_OK && left > 0)
        status = weft_scheduler_step(scheduler, &left, &err);
    for (int i = 0; i < 2 && status == WEFT_OK; i++)
        printf("%s %s\n", prompts[i],
               answers[i].status == WEFT_OK ? answers[i].text : answers[i].why.message);
    if (status != WEFT_OK)
        puts(err.message);
    weft_scheduler_destroy(&scheduler);
    for (int i = 0; i < 2; i++)
        weft_sequence_destroy(&sequences[i]);
    weft_engine_close(&engine);
    weft_settings_destroy(&settings);
    return status == WEFT_OK ? 0 : weft_exit_code(&err);
}
