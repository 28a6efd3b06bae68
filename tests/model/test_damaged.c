/* SPDX-License-Identifier: Apache-2.0 */
/* What must be refused, and how it is said: damaged weights, files cut short, sizes over the
 * context, and calls in the wrong state. */
#include "expect.h"

#include <math.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

#define MODEL FIXTURE("mllama-1tile")
#define PICTURE FIXTURE("images/rgb8.png")

/* ---- damaged weights ---- */

static void *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *n = (size_t)ftell(f);
    rewind(f);
    void *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static void copy_file(const char *name)
{
    char   from[512];
    size_t n;
    snprintf(from, sizeof from, MODEL "/%s", name);
    void *bytes = read_all(from, &n);
    scratch_put(name, bytes, n);
    free(bytes);
}

/* A text with a picture, through the model in scratch. */
static weft_status run_model(const char *const *pairs, weft_error *err)
{
    weft_settings       *settings = settings_of(pairs);
    weft_engine         *e = NULL;
    weft_item           *item = NULL;
    weft_sequence       *s = NULL;
    weft_item_request    rq = WEFT_ITEM_REQUEST(PICTURE);
    static const int32_t ids[] = {57, 3, 9};
    float                logits[128];
    weft_status          status = weft_engine_open(settings, 0, NULL, &e, err);
    if (status == WEFT_OK && (status = weft_item_open(e, &rq, &item, err)) == WEFT_OK &&
        (status = weft_sequence_create(e, &s, err)) == WEFT_OK &&
        (status = weft_sequence_feed_ids(s, ids, 1, err)) == WEFT_OK &&
        (status = weft_sequence_feed_item(s, item, err)) == WEFT_OK &&
        (status = weft_sequence_feed_ids(s, ids + 1, 2, err)) == WEFT_OK)
        status = weft_step(e, &s, 1, logits, err);
    weft_item_release(&item);
    weft_sequence_destroy(&s);
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
    return status;
}

/* An element of the tensor that the run uses: the row of the first token; in a table by aspect
 * ratio that of a picture of one tile, which is 1; else the first. */
static uint64_t used_element(const wf_st_tensor *t)
{
    if (strstr(t->name, "embed_tokens") != NULL)
        return 57 * (uint64_t)t->shape[1];
    bool by_ratio = strstr(t->name, "tile_embedding.weight") != NULL ||
                    strstr(t->name, "tile_positional_embedding.embedding") != NULL;
    return by_ratio ? (uint64_t)t->shape[1] : 0;
}

static void poison(const wf_st_tensor *t, const float *value, float *before)
{
    FILE *f = fopen(scratch_path("model.safetensors"), "r+b");
    long  at = (long)(t->begin + used_element(t) * sizeof *value);
    assert_non_null(f);
    assert_int_equal(t->dtype, WF_ST_F32);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    if (before != NULL)
        assert_int_equal(fread(before, sizeof *before, 1, f), 1);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(value, sizeof *value, 1, f), 1);
    fclose(f);
}

/* One NaN in each tensor in turn: never an answer, always exit 8, and a message that names the
 * place that it knows. */
static void walk_tensors(const char *mask, const char *dtype)
{
    char        model[300];
    const char *pairs[] = {model, mask, dtype, "threads=1", NULL};
    const float nan = (float)NAN;
    weft_error  err = WF_ERROR_INIT;
    wf_st_file  f;
    snprintf(model, sizeof model, "model=%s", scratch);
    rig_check(wf_st_open(MODEL "/model.safetensors", &f, &err), &err);
    rig_check(run_model(pairs, &err), &err);
    for (uint64_t i = 0; i < f.n_tensors; i++) {
        const wf_st_tensor *t = &f.tensors[i];
        bool                encoder =
            strncmp(t->name, "vision_model.", 13) == 0 || strncmp(t->name, "multi_modal", 11) == 0;
        bool gate = strstr(t->name, "cross_attn_attn_gate") != NULL ||
                    strstr(t->name, "cross_attn_mlp_gate") != NULL;
        float before;
        poison(t, &nan, &before);
        weft_status status = run_model(pairs, &err);
        if (status != WEFT_E_NUMERIC)
            fail_msg("%s (%s %s): %s", t->name, mask, dtype, weft_status_name(status));
        refused(status, &err, WEFT_E_NUMERIC, 8,
                encoder ? "weft.vision"
                : gate  ? t->name
                        : scratch);
        poison(t, &before, NULL);
    }
    wf_st_close(&f);
}

static void test_nan_in_each_tensor(void **state)
{
    (void)state;
    copy_file("config.json");
    copy_file("model.safetensors");
    walk_tensors("cpu_mask=none", "dtype=f32");
    walk_tensors("cpu_mask=max", "dtype=f32");
    walk_tensors("cpu_mask=max", "dtype=bf16");
}

static void test_cut_short(void **state)
{
    char         model[300];
    const char  *pairs[] = {model, NULL};
    weft_error   err = WF_ERROR_INIT;
    size_t       n;
    char        *bytes = read_all(MODEL "/model.safetensors", &n);
    const size_t keep[] = {0, 1, 7, 8, 9, 1000, n / 2, n - 1};
    (void)state;
    snprintf(model, sizeof model, "model=%s", scratch);
    copy_file("config.json");
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        scratch_put("model.safetensors", bytes, keep[i]);
        refused(run_model(pairs, &err), &err, WEFT_E_CORRUPT, 4, "model.safetensors");
    }
    assert_int_equal(unlink(scratch_path("model.safetensors")), 0);
    refused(run_model(pairs, &err), &err, WEFT_E_NOTFOUND, 4, "has no weights");
    free(bytes);
}

/* The file is what is wrong: it is told once, and config.json is not blamed. */
static void test_broken_weights_are_told_once(void **state)
{
    static const char index[] = "{\"weight_map\": {\"a\": \"gone.safetensors\"}}";
    char              model[300];
    const char       *pairs[] = {model, NULL};
    weft_error        err = WF_ERROR_INIT;
    (void)state;
    snprintf(model, sizeof model, "model=%s", scratch);
    copy_file("config.json");
    scratch_put("model.safetensors", "1234567", 7);
    weft_status status = run_model(pairs, &err);
    assert_null(strstr(err.message, "config.json"));
    refused(status, &err, WEFT_E_CORRUPT, 4, "/model.safetensors: 7 bytes are too few");
    assert_int_equal(unlink(scratch_path("model.safetensors")), 0);
    scratch_put("model.safetensors.index.json", index, sizeof index - 1);
    status = run_model(pairs, &err);
    assert_null(strstr(err.message, "do not fit"));
    refused(status, &err, WEFT_E_CORRUPT, 4, "\"gone.safetensors\", which is not there");
    assert_int_equal(unlink(scratch_path("model.safetensors.index.json")), 0);
}

/* ---- limits and states ---- */

static void test_over_the_context(void **state)
{
    const char       *pairs[] = {"model=" MODEL, "context=16", NULL};
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    int32_t           ids[17] = {0};
    told              got = {.n = 0};
    weft_generation   g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling     p = greedy(TOLD_MAX - 1);
    (void)state;
    rig_open(&r, pairs, NULL);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){10, 0});
    refused(weft_sequence_feed_ids(s, ids, 7, &err), &err, WEFT_E_LIMIT, 7, "17 tokens are over");
    refused(weft_sequence_feed_ids(s, ids, 17, &err), &err, WEFT_E_LIMIT, 7,
            "context of 16 (--context");
    refused(weft_sequence_feed_ids(s, ids, (uint64_t)1 << 62, &err), &err, WEFT_E_LIMIT, 7,
            "tokens");
    assert_int_equal(weft_sequence_length(s), 10);
    rig_check(weft_sequence_feed_ids(s, ids, 6, &err), &err);
    refused(weft_sequence_feed_item(s, item, &err), &err, WEFT_E_LIMIT, 7, "17 tokens are over");
    assert_int_equal(s->n_items, 0);
    rig_check(weft_sequence_truncate(s, 12, &err), &err);
    rig_check(weft_generate(s, &p, take, &got, &g, &err),
              &err); /* to the end of the context, then it stops */
    assert_int_equal(weft_sequence_length(s), 16);
    assert_int_equal(g.n_new, 4);
    assert_int_equal(g.stopped, 0);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    rig_close(&r);
}

static void test_bad_arguments(void **state)
{
    const char       *pairs[] = {"model=" MODEL, NULL};
    rig               a, b;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    weft_engine_info  d = {.hdr = {8, 0}};
    weft_item_info    i = {.hdr = {8, 0}};
    weft_sampling     p = greedy(1);
    int32_t           id = 128;
    float             logits[2 * 128];
    (void)state;
    rig_open(&a, pairs, NULL);
    rig_open(&b, pairs, NULL);
    rig_check(weft_item_open(b.e, &rq, &item, &err), &err);
    weft_sequence *s = rig_sequence(&a, (const int32_t[]){0}), *twice[2] = {s, s};
    refused(weft_generate(s, &p, NULL, NULL, NULL, &err), &err, WEFT_E_STATE, 1, "nothing was fed");
    refused(weft_step(a.e, &s, 1, logits, &err), &err, WEFT_E_INVALID, 2, "nothing to run");
    refused(weft_sequence_feed_ids(s, &id, 1, &err), &err, WEFT_E_INVALID, 2, "128");
    id = -1;
    refused(weft_sequence_feed_ids(s, &id, 1, &err), &err, WEFT_E_INVALID, 2, "-1");
    refused(weft_sequence_feed_item(s, item, &err), &err, WEFT_E_INVALID, 2, "another engine");
    refused(weft_sequence_truncate(s, 1, &err), &err, WEFT_E_INVALID, 2, "cannot be cut to 1");
    refused(weft_sequence_truncate(s, -1, &err), &err, WEFT_E_INVALID, 2, "cannot be cut to -1");
    id = 5;
    rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
    refused(weft_step(a.e, twice, 2, logits, &err), &err, WEFT_E_INVALID, 2, "given twice");
    refused(weft_step(b.e, &s, 1, logits, &err), &err, WEFT_E_INVALID, 2, "sequence 0");
    refused(weft_engine_describe(a.e, &d, &err), &err, WEFT_E_INVALID, 2, "size is not set");
    refused(weft_item_describe(item, &i, &err), &err, WEFT_E_INVALID, 2, "size is not set");
    p.top_p = 2;
    refused(weft_generate(s, &p, NULL, NULL, NULL, &err), &err, WEFT_E_INVALID, 2, "top-p");
    p.top_p = 1;
    rig_check(weft_generate(s, &p, NULL, NULL, NULL, &err), &err); /* none of it did harm */
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    rig_close(&a);
    rig_close(&b);
}

static void test_without_a_tokenizer(void **state)
{
    const char *pairs[] = {"model=" MODEL, NULL};
    rig         r;
    weft_error  err = WF_ERROR_INIT;
    int32_t     ids[4];
    uint64_t    n;
    weft_prompt prompt = {.hdr = WEFT_HDR(weft_prompt), .user = "hello"};
    (void)state;
    rig_open(&r, pairs, NULL);
    weft_sequence *s = rig_sequence(&r, (const int32_t[]){0});
    refused(weft_tokenize(r.e, "a", 1, 0, ids, 4, &n, &err), &err, WEFT_E_NOTFOUND, 4,
            "tokenizer.json");
    refused(weft_sequence_feed_prompt(s, &prompt, &err), &err, WEFT_E_NOTFOUND, 4,
            "tokenizer.json");
    assert_int_equal(weft_sequence_length(s), 0);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

static void test_without_weights(void **state)
{
    const char           *pairs[] = {"model=" MODEL, NULL};
    static const uint32_t how[] = {WEFT_OPEN_CONFIG, WEFT_OPEN_TOKENIZER};
    weft_verify_request   rq = {.hdr = WEFT_HDR(weft_verify_request)};
    (void)state;
    for (int i = 0; i < 2; i++) {
        weft_error     err = WF_ERROR_INIT;
        weft_sequence *s;
        int32_t        passed = 1;
        rig            r = {.settings = settings_of(pairs)};
        rig_check(weft_engine_open(r.settings, how[i], NULL, &r.e, &err), &err);
        refused(weft_sequence_create(r.e, &s, &err), &err, WEFT_E_STATE, 1, "without weights");
        assert_null(s);
        refused(weft_verify(r.e, &rq, &passed, &err), &err, WEFT_E_STATE, 1, "without weights");
        assert_int_equal(passed, 0);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nan_in_each_tensor),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_broken_weights_are_told_once),
        cmocka_unit_test(test_over_the_context),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_without_a_tokenizer),
        cmocka_unit_test(test_without_weights),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
