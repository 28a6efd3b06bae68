/* SPDX-License-Identifier: Apache-2.0 */
/* A picture and two prompts at once, each with sampling of its own; one is cancelled on its way:
 * cc picture_beside.c $(pkg-config --cflags --libs weft). Then says what memory was taken. */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

#define N 3

/* One request: what it is asked with, and what became of it. */
typedef struct ask {
    weft_sequence *sequence;
    weft_job      *job;
    char           text[2000]; /* as far as there is room; whole characters */
    size_t         n;
    int32_t        tokens, enough; /* so far; cancelled after so many, 0: never */
    weft_status    status;
    char           why[sizeof((weft_error *)0)->message];
} ask;

static int32_t on_token(void *ctx, const weft_token *t)
{
    ask *a = ctx;
    if (a->n + t->text_bytes >= sizeof a->text)
        return 1; /* enough: the request ends well */
    memcpy(a->text + a->n, t->text, (size_t)t->text_bytes);
    a->n += (size_t)t->text_bytes;
    if (++a->tokens == a->enough)
        weft_job_cancel(a->job); /* as any other thread may */
    return 0;
}

static void on_done(void *ctx, const weft_job_result *result)
{
    ask *a = ctx;
    a->status = result->status;
    if (result->status != WEFT_OK)
        snprintf(a->why, sizeof a->why, "%s", result->error->message);
}

/* prompt: text in the chat format, or a picture and the model's own question about it. */
static weft_status add(weft_engine *e, weft_scheduler *s, const weft_prompt *prompt,
                       const weft_sampling *p, ask *a, weft_error *err)
{
    weft_status status = weft_sequence_create(e, &a->sequence, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(a->sequence, prompt, err);
    const weft_job_request rq = {WEFT_HDR(weft_job_request), a->sequence, p, on_token, on_done, a};
    return status == WEFT_OK ? weft_scheduler_add(s, &rq, &a->job, err) : status;
}

static weft_status add_all(weft_engine *e, weft_scheduler *s, const weft_settings *settings,
                           weft_item *picture, ask *asks, weft_error *err)
{
    const weft_prompt prompts[N] = {
        {.hdr = WEFT_HDR(weft_prompt), .flags = WEFT_PROMPT_CHAT, .user = "Say hello."},
        {.hdr = WEFT_HDR(weft_prompt), .flags = WEFT_PROMPT_CHAT, .user = "Count to five."},
        {.hdr = WEFT_HDR(weft_prompt),
         .flags = WEFT_PROMPT_CHAT,
         .task = "describe",
         .items = &picture,
         .n_items = 1}};
    weft_sampling p = {.hdr = WEFT_HDR(weft_sampling)};
    weft_sampling_from_settings(settings, &p); /* greedy, where the settings say nothing */
    weft_status status = add(e, s, &prompts[0], &p, &asks[0], err);
    asks[1].enough = 3;
    p.temperature = 0.7f;
    p.top_k = 40;
    p.seed = 7;
    if (status == WEFT_OK)
        status = add(e, s, &prompts[1], &p, &asks[1], err);
    p.temperature = 0;
    p.max_new_tokens = 40;
    return status == WEFT_OK ? add(e, s, &prompts[2], &p, &asks[2], err) : status;
}

/* Steps until nothing is left; a failure of one request is its own and stops none of the others. */
static weft_status run(weft_scheduler *s, weft_error *err)
{
    int32_t     left = 1;
    weft_status status = WEFT_OK;
    while (status == WEFT_OK && left > 0)
        status = weft_scheduler_step(s, &left, err);
    return status;
}

static void print(const weft_engine *e, const weft_scheduler *s, const ask *asks)
{
    weft_engine_info    model = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_scheduler_info now = {.hdr = WEFT_HDR(weft_scheduler_info)};
    for (int i = 0; i < N; i++)
        printf("%d: %.*s%s%s\n", i, (int)asks[i].n, asks[i].text,
               asks[i].status == WEFT_OK ? "" : " -- ", asks[i].why);
    if (weft_engine_describe(e, &model, NULL) == WEFT_OK)
        printf("weights %llu bytes\n", (unsigned long long)model.weight_bytes);
    if (weft_scheduler_describe(s, &now, NULL) == WEFT_OK)
        printf("keys and values %llu of %llu pages of %llu bytes, %llu rows in %llu steps\n",
               (unsigned long long)now.pages, (unsigned long long)now.limit,
               (unsigned long long)now.page_bytes, (unsigned long long)now.rows,
               (unsigned long long)now.steps);
}

int main(int argc, char **argv)
{
    static ask        asks[N];
    weft_error        err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_settings    *settings = NULL;
    weft_engine      *engine = NULL;
    weft_scheduler   *scheduler = NULL;
    weft_item        *picture = NULL;
    weft_item_request request = WEFT_ITEM_REQUEST(argv[argc - 1]);

    weft_status status = weft_settings_create(&settings, &err);
    if (status == WEFT_OK &&
        argc == 3) /* picture_beside [MODEL-DIR] PICTURE; else the demo model */
        status = weft_settings_set(settings, "model", argv[1], "argument 1", &err);
    if (status == WEFT_OK)
        status = weft_engine_open(settings, 0, NULL, &engine, &err);
    if (status == WEFT_OK)
        status = weft_item_open(engine, &request, &picture, &err);
    if (status == WEFT_OK)
        status = weft_scheduler_create(engine, NULL, &scheduler, &err);
    if (status == WEFT_OK)
        status = add_all(engine, scheduler, settings, picture, asks, &err);
    if (status == WEFT_OK)
        status = run(scheduler, &err);
    if (status == WEFT_OK)
        print(engine, scheduler, asks);
    else
        puts(err.message);
    weft_scheduler_destroy(&scheduler);
    for (int i = 0; i < N; i++) {
        weft_job_release(&asks[i].job);
        weft_sequence_destroy(&asks[i].sequence);
    }
    weft_item_release(&picture);
    weft_engine_close(&engine);
    weft_settings_destroy(&settings);
    return status == WEFT_OK ? 0 : weft_exit_code(&err);
}
