/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the forward pass and picks the tokens itself: cc own_steps.c $(pkg-config --cflags --libs
 * weft). Two sequences go through weft_step side by side; each has a sampler and a text stream. */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define N 2
#define NEW_TOKENS 24

typedef struct line {
    weft_sequence    *sequence;
    weft_sampler     *sampler;
    weft_text_stream *text;
} line;

/* A sequence that holds BOS and the prompt, and what turns its logits into text. */
static weft_status begin(weft_engine *e, const char *text, const weft_sampling *p, line *l,
                         weft_error *err)
{
    const weft_prompt prompt = {.hdr = WEFT_HDR(weft_prompt), .user = text}; /* raw: no chat */
    weft_status       status = weft_sequence_create(e, &l->sequence, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(l->sequence, &prompt, err);
    if (status == WEFT_OK)
        status = weft_sampler_create(l->sequence, p, &l->sampler, err);
    return status == WEFT_OK ? weft_text_stream_create(e, &l->text, err) : status;
}

/* Picks the next token from a row of logits, prints the characters that are whole with it, and
 * feeds it, so that the next weft_step runs it. *stop: the answer ends with it. */
static weft_status go_on(weft_engine *e, line *l, const float *logits, int32_t *stop,
                         weft_error *err)
{
    int32_t     id = 0;
    const char *text = NULL;
    uint64_t    bytes = 0;
    weft_status status =
        weft_sampler_pick(l->sampler, logits, weft_sequence_length(l->sequence), &id, NULL, err);
    *stop = status == WEFT_OK && weft_token_stops(e, id);
    if (status != WEFT_OK || *stop)
        return status;
    status = weft_text_stream_push(l->text, id, &text, &bytes, err);
    if (status == WEFT_OK)
        fwrite(text, 1, (size_t)bytes, stdout);
    weft_sampler_accept(l->sampler, id);
    return status == WEFT_OK ? weft_sequence_feed_ids(l->sequence, &id, 1, err) : status;
}

/* The last characters, where a token ended within one; then everything is given back. */
static void end(line *l)
{
    const char *text = NULL;
    uint64_t    bytes = 0;
    if (l->text != NULL && weft_text_stream_flush(l->text, &text, &bytes, NULL) == WEFT_OK)
        fwrite(text, 1, (size_t)bytes, stdout);
    weft_text_stream_destroy(&l->text);
    weft_sampler_destroy(&l->sampler);
    weft_sequence_destroy(&l->sequence);
}

/* Each round is one forward pass over all lines that have not stopped. Here they take turns in
 * blocks of output: "[0]" and "[1]" say whose characters follow. */
static weft_status run(weft_engine *e, line *lines, float *logits, int64_t vocab, weft_error *err)
{
    int32_t     live[N] = {0, 1}, n = N;
    weft_status status = WEFT_OK;
    for (int round = 0; round < NEW_TOKENS && n > 0 && status == WEFT_OK; round++) {
        weft_sequence *batch[N];
        int32_t        left = 0, stop = 0;
        for (int32_t i = 0; i < n; i++)
            batch[i] = lines[live[i]].sequence;
        status = weft_step(e, batch, (uint32_t)n, logits, err);
        for (int32_t i = 0; i < n && status == WEFT_OK; i++) {
            printf("[%d]", live[i]);
            status = go_on(e, &lines[live[i]], logits + i * vocab, &stop, err);
            if (!stop)
                live[left++] = live[i];
        }
        n = left;
    }
    return status;
}

int main(int argc, char **argv)
{
    weft_error       err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_settings   *settings = NULL;
    weft_engine     *engine = NULL;
    weft_engine_info info = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_sampling    sampling = {.hdr = WEFT_HDR(weft_sampling)};
    line             lines[N] = {{0}};
    float           *logits = NULL;

    weft_status status = weft_settings_create(&settings, &err);
    if (status == WEFT_OK && argc == 2) /* own_steps [MODEL-DIR]; else the demo model */
        status = weft_settings_set(settings, "model", argv[1], "argument 1", &err);
    if (status == WEFT_OK)
        status = weft_engine_open(settings, 0, NULL, &engine, &err);
    if (status == WEFT_OK)
        status = weft_engine_describe(engine, &info, &err);
    if (status == WEFT_OK) {
        weft_sampling_from_settings(settings, &sampling); /* every field has a sensible value */
        logits = malloc((size_t)info.vocab * N * sizeof *logits);
        if (logits == NULL) {
            snprintf(err.message, sizeof err.message, "out of memory for logits");
            status = err.code = WEFT_E_NOMEM;
        }
    }
    if (status == WEFT_OK)
        status = begin(engine, "a small", &sampling, &lines[0], &err);
    sampling.temperature = 0.8f; /* the second draws */
    sampling.top_p = 0.9f;
    sampling.seed = 7;
    if (status == WEFT_OK)
        status = begin(engine, "a large", &sampling, &lines[1], &err);
    if (status == WEFT_OK)
        status = run(engine, lines, logits, info.vocab, &err);
    for (int i = 0; i < N; i++)
        end(&lines[i]);
    puts(status == WEFT_OK ? "" : err.message);
    free(logits);
    weft_engine_close(&engine);
    weft_settings_destroy(&settings);
    return status == WEFT_OK ? 0 : weft_exit_code(&err);
}
