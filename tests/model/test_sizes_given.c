/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of programs that were compiled with another version of weft.h, of what they give: no byte
 * beyond its size is read, and what is not there counts as zero. And those that they are given in
 * callbacks: of this version's size. */
#include "moods.h"

#include "weft/bench.h"

#define ROOM 512
#define LATER 32 /* bytes that a later version has more */
#define WILD 0xA5

static struct world { /* what everything below works on */
    weft_settings  *settings;
    weft_engine    *e;
    weft_scheduler *scheduler;
    weft_sequence  *s;
    char            path[80]; /* of a file of moods */
} w;

static uint64_t sum; /* of all that came from a call and its callbacks */

static void add(int64_t v)
{
    sum = (sum ^ (uint64_t)v) * 0x100000001B3u + 1;
}

/* A struct that the library hands out: its size is that of this version. */
#define HANDED(T, p)                                                                               \
    do {                                                                                           \
        assert_int_equal((p)->hdr.size, sizeof(T));                                                \
        assert_int_equal((p)->hdr.zero, 0);                                                        \
        handed |= 1u << HANDED_##T;                                                                \
    } while (0)

enum {
    HANDED_weft_token,
    HANDED_weft_job_result,
    HANDED_weft_generation,
    HANDED_weft_error,
    HANDED_weft_part_result,
    HANDED_weft_long_result,
    HANDED_weft_item_info,
    HANDED_weft_verify_row,
    HANDED_weft_plugin_info,
    HANDED_weft_stored_info,
    HANDED_weft_bench_limit,
    HANDED_weft_bench_op,
    N_HANDED
};
static uint32_t handed;

/* ---- callbacks: their ctx is read nowhere, since a struct may end before it ---- */

static int32_t on_token(void *ctx, const weft_token *t)
{
    (void)ctx;
    HANDED(weft_token, t);
    add(t->id);
    return 0;
}

static void on_done(void *ctx, const weft_job_result *r)
{
    (void)ctx;
    HANDED(weft_job_result, r);
    HANDED(weft_generation, r->generation);
    HANDED(weft_error, r->error);
    add(r->status);
    add(r->generation->n_new);
}

static int32_t on_part(void *ctx, const weft_part_result *p)
{
    (void)ctx;
    HANDED(weft_part_result, p);
    add(p->index);
    add((int64_t)p->n_ids);
    return 0;
}

static void on_long(void *ctx, const weft_long_result *r)
{
    (void)ctx;
    HANDED(weft_long_result, r);
    HANDED(weft_item_info, r->info);
    HANDED(weft_error, r->error);
    add(r->status);
}

static void on_row(void *ctx, const weft_verify_row *row)
{
    (void)ctx;
    HANDED(weft_verify_row, row);
    add(row->passed);
}

static void on_plugin(void *ctx, const weft_plugin_info *p)
{
    (void)ctx;
    HANDED(weft_plugin_info, p);
}

static void on_stored(void *ctx, const weft_stored_info *s)
{
    (void)ctx;
    HANDED(weft_stored_info, s);
    assert_true(s->tensors > 0);
}

/* The first one is enough of both. */
static int32_t on_limit(void *ctx, const weft_bench_limit *l)
{
    (void)ctx;
    HANDED(weft_bench_limit, l);
    return 1;
}

static int32_t on_op(void *ctx, const weft_bench_op *o)
{
    (void)ctx;
    HANDED(weft_bench_op, o);
    return 1;
}

/* ---- one call with a struct from the outside, as it is ---- */

static void begin(void)
{
    weft_error    err = WF_ERROR_INIT;
    const int32_t ids[] = {5, 9, 12};
    rig_check(weft_sequence_create(w.e, &w.s, &err), &err);
    rig_check(weft_sequence_feed_ids(w.s, ids, 3, &err), &err);
}

static void step_all(weft_scheduler *s)
{
    weft_error err = WF_ERROR_INIT;
    for (int32_t left = 1; left > 0;)
        rig_check(weft_scheduler_step(s, &left, &err), &err);
}

static void open_item(const void *in)
{
    weft_error     err = WF_ERROR_INIT;
    weft_item     *item;
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    rig_check(weft_item_open(w.e, in, &item, &err), &err);
    rig_check(weft_item_describe(item, &d, &err), &err);
    add(d.n_placeholders);
    add(d.n_rows);
    weft_item_release(&item);
}

static void feed_prompt(const void *in)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(weft_sequence_create(w.e, &w.s, &err), &err);
    rig_check(weft_sequence_feed_prompt(w.s, in, &err), &err);
    add(weft_sequence_length(w.s));
    weft_sequence_destroy(&w.s);
}

static void feed_turn(const void *in)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(weft_sequence_create(w.e, &w.s, &err), &err);
    rig_check(weft_sequence_feed_turns(w.s, in, 1, NULL, &err), &err);
    add(weft_sequence_length(w.s));
    weft_sequence_destroy(&w.s);
}

static void sample(const void *in)
{
    weft_error      err = WF_ERROR_INIT;
    weft_generation g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampler   *sampler;
    begin();
    rig_check(weft_sampler_create(w.s, in, &sampler, &err), &err);
    weft_sampler_destroy(&sampler);
    rig_check(weft_generate(w.s, in, on_token, NULL, &g, &err), &err);
    add(g.n_new);
    weft_sequence_destroy(&w.s);
}

static void request_sampling(const void *in)
{
    weft_error       err = WF_ERROR_INIT;
    weft_job_request rq = {WEFT_HDR(weft_job_request), NULL, in, on_token, on_done, NULL};
    begin();
    rq.sequence = w.s;
    rig_check(weft_scheduler_add(w.scheduler, &rq, NULL, &err), &err);
    step_all(w.scheduler);
    weft_sequence_destroy(&w.s);
}

static void both_samplings(const void *in)
{
    sample(in);
    request_sampling(in);
}

static void schedule(const void *in)
{
    weft_error          err = WF_ERROR_INIT;
    weft_scheduler_info d = {.hdr = WEFT_HDR(weft_scheduler_info)};
    weft_scheduler     *s;
    weft_sampling       p = greedy(2);
    weft_job_request    rq = {WEFT_HDR(weft_job_request), NULL, &p, on_token, on_done, NULL};
    begin();
    rq.sequence = w.s;
    rig_check(weft_scheduler_create(w.e, in, &s, &err), &err);
    rig_check(weft_scheduler_add(s, &rq, NULL, &err), &err);
    step_all(s);
    rig_check(weft_scheduler_describe(s, &d, &err), &err);
    add((int64_t)d.steps); /* the row budget shows */
    weft_scheduler_destroy(&s);
    weft_sequence_destroy(&w.s);
}

static void add_job(const void *in)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(weft_scheduler_add(w.scheduler, in, NULL, &err), &err);
    step_all(w.scheduler);
}

static void run_long(const void *in)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sampling  p = greedy(2);
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    rig_check(weft_run_long(w.e, in, &p, &d, &err), &err);
    add(d.n_samples);
    rig_check(weft_scheduler_add_long(w.scheduler, in, &p, on_long, NULL, &err), &err);
    step_all(w.scheduler);
}

static void verify(const void *in)
{
    weft_error     err = WF_ERROR_INIT;
    const char    *pairs[] = {"model=" FIXTURE("llama-tied"), "threads=1", NULL};
    weft_settings *s = settings_of(pairs);
    weft_engine   *e = open_engine(s);
    int32_t        passed = 0;
    rig_check(weft_verify(e, in, &passed, &err), &err);
    assert_int_equal(passed, 1);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static char config[4096]; /* of the fixture llama-tied */

static void bench(const void *in)
{
    weft_error       err = WF_ERROR_INIT;
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_engine     *e;
    rig_check(weft_bench_open(w.settings, WEFT_OPEN_CONFIG, NULL, "made", in, 1, &e, &err), &err);
    rig_check(weft_engine_describe(e, &d, &err), &err);
    add(d.n_layers);
    add(d.vocab);
    weft_engine_close(&e);
}

/* ---- the structs ---- */

static const weft_sampling sampling_of_two = {
    .hdr = WEFT_HDR(weft_sampling), .top_p = 1, .repetition_penalty = 1, .max_new_tokens = 2};

static void chat_text(const void *in)
{
    char       text[256];
    uint64_t   n = 0;
    weft_error err = WF_ERROR_INIT;
    rig_check(weft_chat_text(w.e, in, text, sizeof text, &n, &err), &err);
    assert_true(n <= sizeof text);
    for (uint64_t i = 0; i < n; i++)
        add(text[i]);
}

/* Each makes the struct whole, and zero (or what stands for "nothing said") from `cut` on: that is
 * what one that ends there must mean too. */
static void make_item_request(void *to)
{
    *(weft_item_request *)to = (weft_item_request)WEFT_ITEM_REQUEST(w.path);
}

static void make_prompt(void *to)
{
    *(weft_prompt *)to = (weft_prompt){.hdr = WEFT_HDR(weft_prompt), .user = "a large red apple"};
}

static void make_turn(void *to)
{
    *(weft_turn *)to =
        (weft_turn){.hdr = WEFT_HDR(weft_turn), .role = "user", .text = "a large red apple"};
}

static void make_chat(void *to)
{
    static const char talk[] = "[{\"role\": \"user\", \"content\": \"Hi\"}]";
    *(weft_chat *)to = (weft_chat){
        .hdr = WEFT_HDR(weft_chat), .messages = talk, .messages_bytes = sizeof talk - 1};
}

static void make_sampling(void *to)
{
    *(weft_sampling *)to = sampling_of_two;
}

static void make_options(void *to)
{
    *(weft_scheduler_options *)to =
        (weft_scheduler_options){WEFT_HDR(weft_scheduler_options), 1, 0};
}

static void make_job(void *to)
{
    begin();
    *(weft_job_request *)to = (weft_job_request){
        WEFT_HDR(weft_job_request), w.s, &sampling_of_two, on_token, on_done, NULL};
}

static void unmake_job(void)
{
    weft_sequence_destroy(&w.s);
}

static void make_long(void *to)
{
    *(weft_long_request *)to = (weft_long_request){.hdr = WEFT_HDR(weft_long_request),
                                                   .path = w.path,
                                                   .flags = WEFT_PROMPT_CHAT,
                                                   .on_part = on_part};
}

static void make_verify(void *to)
{
    *(weft_verify_request *)to =
        (weft_verify_request){.hdr = WEFT_HDR(weft_verify_request), .on_row = on_row};
}

static void make_file(void *to)
{
    *(weft_bench_file *)to = (weft_bench_file){WEFT_HDR(weft_bench_file), "config.json", config};
}

static const struct {
    const char *name;
    void (*make)(void *to);
    void (*call)(const void *in);
    void (*unmake)(void); /* NULL: nothing is to be undone */
    size_t size, cut;
} ins[] = {
    {"weft_item_request", make_item_request, open_item, NULL, sizeof(weft_item_request),
     offsetof(weft_item_request, start_us)},
    {"weft_prompt", make_prompt, feed_prompt, NULL, sizeof(weft_prompt),
     offsetof(weft_prompt, user_bytes)},
    {"weft_turn", make_turn, feed_turn, NULL, sizeof(weft_turn), offsetof(weft_turn, bytes)},
    {"weft_chat", make_chat, chat_text, NULL, sizeof(weft_chat), offsetof(weft_chat, tools)},
    {"weft_sampling", make_sampling, both_samplings, NULL, sizeof(weft_sampling),
     offsetof(weft_sampling, seed)},
    {"weft_scheduler_options", make_options, schedule, NULL, sizeof(weft_scheduler_options),
     offsetof(weft_scheduler_options, most_run)},
    {"weft_job_request", make_job, add_job, unmake_job, sizeof(weft_job_request),
     offsetof(weft_job_request, ctx)},
    {"weft_long_request", make_long, run_long, NULL, sizeof(weft_long_request),
     offsetof(weft_long_request, on_time)},
    {"weft_verify_request", make_verify, verify, NULL, sizeof(weft_verify_request),
     offsetof(weft_verify_request, ctx)},
    /* All of it is needed: there is none that ends earlier. */
    {"weft_bench_file", make_file, bench, NULL, sizeof(weft_bench_file), sizeof(weft_bench_file)},
};

/* What comes of the i-th struct with that size in its header, where every byte behind its first
 * `known` is `rest`. The room ends with it, so that a sanitizer sees what is read behind. */
static uint64_t outcome(size_t i, size_t size, size_t known, int rest)
{
    uint64_t whole[ROOM / 8];
    uint8_t *room = malloc(size);
    assert_true(ins[i].size <= sizeof whole && room != NULL);
    memset(room, rest, size);
    ins[i].make(whole);
    memcpy(room, whole, known);
    const weft_hdr hdr = {(uint32_t)size, 0};
    memcpy(room, &hdr, sizeof hdr);
    sum = 0;
    ins[i].call(room);
    free(room);
    if (ins[i].unmake != NULL)
        ins[i].unmake();
    return sum;
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ins / sizeof *ins; i++) {
        const size_t   size = ins[i].size, cut = ins[i].cut;
        const uint64_t right = outcome(i, size, size, 0);
        if (outcome(i, size + LATER, size, 0) != right)
            fail_msg("%s of a later version, zeros", ins[i].name);
        if (outcome(i, size + LATER, size, WILD) != right)
            fail_msg("%s of a later version, not zeros", ins[i].name);
        if (outcome(i, cut, cut, 0) != right)
            fail_msg("%s of an earlier version", ins[i].name);
    }
}

static void stored_of_a_file(void)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *settings;
    weft_engine   *e;
    rig_check(weft_settings_create(&settings, &err), &err);
    rig_check(weft_settings_set(settings, "model", FIXTURE("gguf/types.gguf"), "a test", &err),
              &err);
    rig_check(weft_engine_open(settings, WEFT_OPEN_CONFIG, NULL, &e, &err), &err);
    rig_check(weft_engine_stored(e, on_stored, NULL, &err), &err);
    assert_int_equal(weft_engine_stored(e, NULL, NULL, &err), WEFT_E_INVALID);
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
}

static void limits_of_the_machine(void)
{
    weft_error         err = WF_ERROR_INIT;
    weft_bench_limits *l;
    rig_check(weft_bench_limits_create(1, &l, &err), &err);
    assert_int_equal(weft_bench_limits_measure(l, on_limit, NULL, &err), WEFT_E_CANCELLED);
    weft_bench_limits_destroy(&l);
    assert_null(l);
    weft_bench_limits_destroy(&l);
}

static void test_handed(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_check(weft_engine_plugins(w.e, on_plugin, NULL, &err), &err);
    rig_check(weft_engine_stored(w.e, on_stored, NULL, &err), &err); /* of a directory: nothing */
    assert_int_equal(handed & 1u << HANDED_weft_stored_info, 0);
    stored_of_a_file();
    limits_of_the_machine();
    assert_int_equal(weft_bench_op_run(w.e, weft_bench_op_at(0), 1, NULL, on_op, NULL, &err),
                     WEFT_E_CANCELLED);
    assert_int_equal(handed, (1u << N_HANDED) - 1);
}

/* A request that is not there, or whose size was never set, is refused. */
static void test_unset(void **state)
{
    weft_error              err = WF_ERROR_INIT;
    weft_sampling           p = sampling_of_two;
    const weft_long_request none = {.path = w.path};
    const weft_bench_file   file = {.name = "config.json", .text = config};
    weft_engine            *e;
    (void)state;
    refused(weft_run_long(w.e, NULL, &p, NULL, &err), &err, WEFT_E_INVALID, 2, "path");
    refused(weft_bench_open(w.settings, WEFT_OPEN_CONFIG, NULL, "made", &file, 1, &e, &err), &err,
            WEFT_E_INVALID, 2, "weft_bench_file");
    refused(weft_run_long(w.e, &none, &p, NULL, &err), &err, WEFT_E_INVALID, 2, "path");
}

/* A size that ends within a pointer gives no half pointer. */
static void test_half(void **state)
{
    weft_error       err = WF_ERROR_INIT;
    weft_job_request rq = {.sampling = &sampling_of_two, .on_token = on_token};
    (void)state;
    begin();
    rq.sequence = w.s;
    rq.hdr.size = offsetof(weft_job_request, sampling) + 4;
    refused(weft_scheduler_add(w.scheduler, &rq, NULL, &err), &err, WEFT_E_INVALID, 2, "sampling");
    rq.hdr.size = offsetof(weft_job_request, on_token) + 4;
    rig_check(weft_scheduler_add(w.scheduler, &rq, NULL, &err), &err);
    step_all(w.scheduler);
    weft_sequence_destroy(&w.s);
}

static int setup(void **state)
{
    const char *pairs[] = {"model=" MOODS_MODEL, "plugin=" WEFT_MOODS_PLUGIN, "threads=1", NULL};
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    w.settings = settings_of(pairs);
    w.e = open_engine(w.settings);
    rig_check(weft_scheduler_create(w.e, NULL, &w.scheduler, &err), &err);
    FILE *f = fopen(FIXTURE("llama-tied/config.json"), "rb");
    assert_non_null(f);
    config[fread(config, 1, sizeof config - 1, f)] = '\0';
    fclose(f);
    snprintf(w.path, sizeof w.path, "%s", mood_file('n', "abcd"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(w.path);
    weft_scheduler_destroy(&w.scheduler);
    weft_engine_close(&w.e);
    weft_settings_destroy(&w.settings);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_handed),
                                       cmocka_unit_test(test_unset), cmocka_unit_test(test_half)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
