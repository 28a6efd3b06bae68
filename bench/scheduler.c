/* SPDX-License-Identifier: Apache-2.0 */
/* How fast requests run beside each other, on random weights of a released shape: tokens a second
 * of 1 to 16 requests together, and how long a short request waits beside a long prompt.
 *
 *     bench/scheduler 135m [THREADS]       or 1b
 *
 * The numbers are in docs/SPEED.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/engine/engine.h"
#include "tests/support/random_model.h"

#define PROMPT 32
#define ANSWER 64
#define LONG_PROMPT 2048
#define OUT_ROWS 64

typedef struct shape {
    const char *name;
    int32_t     n_layers, d_model, d_ffn, n_heads, n_kv_heads, vocab;
} shape;

static const shape shapes[] = {
    {"135m", 30, 576, 1536, 9, 3, 49152}, /* SmolLM-135M */
    {"1b", 16, 2048, 8192, 32, 8, 128256} /* Llama 3.2 1B */
};

static void check(weft_status status, const weft_error *err)
{
    if (status == WEFT_OK)
        return;
    fprintf(stderr, "scheduler: %s\n", err->message);
    exit(1);
}

/* A directory with a config.json of the shape and nothing else. */
static void write_config(const shape *s, char *dir, size_t cap)
{
    char path[160];
    snprintf(dir, cap, "/tmp/weft-bench-%ld", (long)getpid());
    snprintf(path, sizeof path, "mkdir -p %s", dir);
    if (system(path) != 0)
        exit(1);
    snprintf(path, sizeof path, "%s/config.json", dir);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        exit(1);
    fprintf(f,
            "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", "
            "\"hidden_size\": %d, \"intermediate_size\": %d, \"num_hidden_layers\": %d, "
            "\"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"head_dim\": 64, "
            "\"vocab_size\": %d, \"max_position_embeddings\": 8192, \"rms_norm_eps\": 1e-5, "
            "\"rope_theta\": 500000, \"hidden_act\": \"silu\", \"tie_word_embeddings\": true, "
            "\"torch_dtype\": \"bfloat16\"}\n",
            s->d_model, s->d_ffn, s->n_layers, s->n_heads, s->n_kv_heads, s->vocab);
    fclose(f);
}

/* An engine that was opened without weights gets random ones. */
static weft_engine *open_random(const shape *s, const char *threads, weft_settings **settings)
{
    weft_error   err = {WEFT_HDR(weft_error), 0, 0, {0}};
    char         dir[128];
    weft_engine *e;
    write_config(s, dir, sizeof dir);
    check(weft_settings_create(settings, &err), &err);
    check(weft_settings_set(*settings, "model", dir, "bench", &err), &err);
    check(weft_settings_set(*settings, "kv_bytes", "2G", "bench", &err), &err);
    if (threads != NULL)
        check(weft_settings_set(*settings, "threads", threads, "bench", &err), &err);
    check(weft_engine_open(*settings, WEFT_OPEN_CONFIG, NULL, &e, &err), &err);
    check(wf_random_model(e->device, &e->config, WF_BF16, 7, &e->model, &err), &err);
    check(wf_decoder_init(&e->decoder, e->model, &e->hooks, &e->kv.pool, e->queue, e->prefill_chunk,
                          OUT_ROWS, &err),
          &err);
    e->flags = 0;
    return e;
}

typedef struct request {
    weft_sequence *s;
    double         first_s; /* when its first token came */
    int32_t        n;
} request;

static int32_t on_token(void *ctx, const weft_token *t)
{
    request *r = ctx;
    (void)t;
    if (r->n++ == 0)
        r->first_s = wf_now_s();
    return 0;
}

static void add(weft_engine *e, weft_scheduler *s, request *r, int32_t prompt, int32_t answer,
                uint32_t seed)
{
    weft_error    err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_sampling p = {.hdr = WEFT_HDR(weft_sampling),
                       .top_p = 1,
                       .repetition_penalty = 1,
                       .max_new_tokens = answer};
    *r = (request){.n = 0};
    check(weft_sequence_create(e, &r->s, &err), &err);
    for (int32_t i = 0; i < prompt; i++) {
        int32_t id = (int32_t)((seed * 7919u + (uint32_t)i * 104729u) % (uint32_t)e->config.vocab);
        check(weft_sequence_feed_ids(r->s, &id, 1, &err), &err);
    }
    weft_job_request rq = {WEFT_HDR(weft_job_request), r->s, &p, on_token, NULL, r};
    check(weft_scheduler_add(s, &rq, NULL, &err), &err);
}

static void run_all(weft_scheduler *s)
{
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    int32_t    left = 1;
    while (left > 0)
        check(weft_scheduler_step(s, &left, &err), &err);
}

/* Tokens a second of n answers, from the first token of the last request to the end. */
static double measure(weft_engine *e, int32_t n, uint32_t seed)
{
    weft_error      err = {WEFT_HDR(weft_error), 0, 0, {0}};
    request         r[16];
    weft_scheduler *s;
    double          start = 0;
    check(weft_scheduler_create(e, NULL, &s, &err), &err);
    for (int32_t i = 0; i < n; i++)
        add(e, s, &r[i], PROMPT, ANSWER, seed + (uint32_t)i);
    run_all(s);
    double took = wf_now_s();
    for (int32_t i = 0; i < n; i++) {
        start = r[i].first_s > start ? r[i].first_s : start;
        weft_sequence_destroy(&r[i].s);
    }
    took -= start;
    weft_scheduler_destroy(&s);
    return (double)n * (ANSWER - 1) / took;
}

/* Seconds until the first token of a short request that comes while a long prompt is read; with
 * `alone`, without that prompt. */
static double wait_beside(weft_engine *e, bool alone, uint32_t seed)
{
    weft_error      err = {WEFT_HDR(weft_error), 0, 0, {0}};
    request         slow = {.n = 0}, quick;
    weft_scheduler *s;
    check(weft_scheduler_create(e, NULL, &s, &err), &err);
    if (!alone) {
        add(e, s, &slow, LONG_PROMPT, 1, seed);
        check(weft_scheduler_step(s, NULL, &err), &err);
    }
    double start = wf_now_s();
    add(e, s, &quick, PROMPT, 1, seed + 1);
    run_all(s);
    double took = quick.first_s - start;
    weft_sequence_destroy(&quick.s);
    weft_sequence_destroy(&slow.s);
    weft_scheduler_destroy(&s);
    return took;
}

int main(int argc, char **argv)
{
    weft_settings *settings;
    const shape   *s = argc > 1 && strcmp(argv[1], "1b") == 0 ? &shapes[1] : &shapes[0];
    weft_engine   *e = open_random(s, argc > 2 ? argv[2] : NULL, &settings);
    uint32_t       seed = 1;
    printf("%s, bf16, %s, %d threads; prompts of %d, answers of %d tokens\n", s->name,
           e->device->isa, wf_pool_threads(e->pool), PROMPT, ANSWER);
    (void)measure(e, 1, seed);
    for (int32_t n = 1; n <= 16; n *= 2) {
        double best = 0;
        for (int i = 0; i < 3; i++, seed += 100) {
            double rate = measure(e, n, seed);
            best = rate > best ? rate : best;
        }
        printf("%2d requests: %7.1f tokens a second\n", n, best);
    }
    printf("first token of a short request: alone %.3f s", wait_beside(e, true, seed));
    printf(", beside a prompt of %d tokens %.3f s\n", LONG_PROMPT, wait_beside(e, false, seed + 9));
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
    return 0;
}
