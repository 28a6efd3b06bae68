/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory: what it needs, names that would leave it, indexes that lie about their
 * shards, and memory that runs out while it is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/model/directory.h"
#include "tests/unit/scratch.h"

#define INDEX "model.safetensors.index.json"

static void text_put(const char *name, const char *text)
{
    scratch_put(name, text, strlen(text));
}

/* A shard of one f32 tensor of n zeros. */
static void shard_put(const char *file, const char *tensor, int64_t n)
{
    static const float zeros[16];
    const wf_st_out    out = {tensor, WF_ST_F32, 1, {n}, zeros};
    weft_error         err = WF_ERROR_INIT;
    assert_int_equal(wf_st_write(scratch_path(file), &out, 1, &err), WEFT_OK);
}

static weft_package *package_open(void)
{
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    text_put("config.json", "{\"n\": 3}");
    assert_int_equal(wf_package_open(scratch, &p, &err), WEFT_OK);
    assert_string_equal(wf_package_dir(p), scratch);
    return p;
}

/* Each name that a folder without config.json may have, and what is said of it. */
static void foreign_folders(void)
{
    static const char *const cases[][2] = {
        {"adapter_config.json", "LoRA"},
        {"model_index.json", "diffusers"},
        {"some-model-Q4_K_M.gguf", "give the file itself"},
        {"snapshots", "cache"},
        {"consolidated.00.pth", "Meta's"},
        {"consolidated.safetensors", "Mistral's"},
        {"model_quantized.onnx", "ONNX"},
        {"model.safetensors", "the other files"},
    };
    weft_package *p;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_error err = WF_ERROR_INIT;
        text_put(cases[i][0], "x");
        assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_NOTFOUND, "config.json",
                       cases[i][1]);
        assert_true(unlink(scratch_path(cases[i][0])) == 0);
    }
}

static void foreign_files(void)
{
    static const char *const cases[][2] = {
        {"model.safetensors", "directory around it"},
        {"m.ONNX", "ONNX"},
        {"m.pt", "PyTorch"},
        {"x.gguf", "cut or compressed"},
        {"m.tar.gz", "unpack"},
        {"m.tar", "unpack"},
        {"config.json", "directory around it"},
    };
    weft_package *p;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_error err = WF_ERROR_INIT;
        text_put(cases[i][0], "x");
        assert_failure(wf_package_open(scratch_path(cases[i][0]), &p, &err), &err, WEFT_E_INVALID,
                       "no directory", cases[i][1]);
        assert_true(unlink(scratch_path(cases[i][0])) == 0);
    }
}

/* A file's name is what counts, and not those of the folders around it. */
static void files_in_folders_with_endings(void)
{
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    assert_int_equal(mkdir(scratch_path("m.tar.d"), 0700), 0);
    text_put("m.tar.d/notes.txt", "x");
    assert_failure(wf_package_open(scratch_path("m.tar.d/notes.txt"), &p, &err), &err,
                   WEFT_E_INVALID, "no directory", "GGUF file");
    assert_null(strstr(err.message, "unpack"));
    assert_int_equal(unlink(scratch_path("m.tar.d/notes.txt")), 0);
    assert_int_equal(rmdir(scratch_path("m.tar.d")), 0);
}

/* Weights that another program has packed are refused by its name. */
static void packed_weights(void)
{
    static const char *const cases[][2] = {
        {"{\"quantization_config\": {\"quant_method\": \"gptq\"}}", "packed by gptq"},
        {"{\"quantization_config\": {\"load_in_4bit\": true}}", "packed, which"},
        {"{\"quantization\": {\"bits\": 4, \"group_size\": 64}}", "--quantize"},
    };
    weft_package *p;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_error err = WF_ERROR_INIT;
        text_put("config.json", cases[i][0]);
        assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_UNSUPPORTED, "config.json",
                       cases[i][1]);
    }
    text_put("config.json", "{\"quantization_config\": null}");
    assert_int_equal(wf_package_open(scratch, &p, NULL), WEFT_OK);
    wf_package_close(&p);
}

static void open_refuses(void **state)
{
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_package_open(scratch_path("none"), &p, &err), &err, WEFT_E_NOTFOUND, "none",
                   "no such directory");
    assert_null(p);
    text_put("file", "x");
    assert_failure(wf_package_open(scratch_path("file"), &p, &err), &err, WEFT_E_INVALID, "file",
                   "no directory");
    assert_failure(wf_package_open(scratch_path("file/x"), &p, &err), &err, WEFT_E_NOTFOUND,
                   "file/x", "no such");
    assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_NOTFOUND, scratch,
                   "holds no config.json, so it is no model directory");
    assert_null(strstr(err.message, "--config"));
    text_put("weft.ini", "[core]\n");
    assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_NOTFOUND, scratch,
                   "weft.ini, which --config reads");
    assert_true(unlink(scratch_path("weft.ini")) == 0);
    foreign_folders();
    foreign_files();
    files_in_folders_with_endings();
    text_put("config.json", "{\"a\": 1,}");
    assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_CORRUPT,
                   "config.json:1:9:", "");
    text_put("config.json", "[1]");
    assert_failure(wf_package_open(scratch, &p, &err), &err, WEFT_E_CORRUPT, "config.json",
                   "an object is expected");
    packed_weights();
    assert_null(p);
    wf_package_close(&p); /* nothing there: fine */
    scratch_empty("");
}

static void names_stay_inside(void **state)
{
    static const char *const bad[] = {
        "",     ".",           "..", "/etc/passwd", "a/b", "../config.json", "./config.json",
        "a\\b", "config.json/"};
    const json_t *j;
    char          path[300];
    weft_error    err = WF_ERROR_INIT;
    weft_package *p = package_open();
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_failure(wf_package_json(p, bad[i], &j, &err), &err, WEFT_E_INVALID, scratch,
                       "plain");
        assert_failure(wf_package_path(p, bad[i], path, sizeof(path), &err), &err, WEFT_E_INVALID,
                       scratch, "plain");
    }
    assert_int_equal(wf_package_path(p, "..a", path, sizeof(path), &err), WEFT_OK);
    assert_string_equal(path, scratch_path("..a"));
    assert_failure(wf_package_path(p, "tokenizer.json", path, strlen(scratch) + 15, &err), &err,
                   WEFT_E_INVALID, "tokenizer.json", "too long");
    assert_int_equal(wf_package_path(p, "tokenizer.json", path, strlen(scratch) + 16, &err),
                     WEFT_OK);
    wf_package_close(&p);
    scratch_empty("");
}

/* For a tokenizer alone: no config.json needed, and a file counts as the directory that holds it.
 */
static void loose_packages(void **state)
{
    const json_t *j;
    char          path[300];
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_package_open_loose(scratch_path("none"), &p, &err), &err, WEFT_E_NOTFOUND,
                   "none", "no such");
    assert_null(p);
    text_put("my.json", "[4]");
    assert_int_equal(wf_package_open_loose(scratch, &p, &err), WEFT_OK);
    assert_int_equal(wf_package_json(p, "my.json", &j, &err), WEFT_OK);
    assert_int_equal(wf_package_json(p, "tokenizer.json", &j, &err), WEFT_E_NOTFOUND);
    wf_package_close(&p);
    assert_int_equal(wf_package_open_loose(scratch_path("my.json"), &p, &err), WEFT_OK);
    assert_int_equal(wf_package_json(p, "tokenizer.json", &j, &err), WEFT_OK);
    assert_int_equal(json_integer_value(wf_json_at(j, "[0]")), 4);
    assert_failure(wf_package_json(p, "config.json", &j, &err), &err, WEFT_E_NOTFOUND, "my.json",
                   "without config.json");
    assert_int_equal(wf_package_path(p, "../a", path, sizeof(path), &err), WEFT_E_INVALID);
    assert_int_equal(wf_package_check(p, &err), WEFT_E_NOTFOUND);
    wf_package_close(&p);
    text_put("any.model", "");
    assert_int_equal(wf_package_open_loose(scratch_path("any.model"), &p, &err), WEFT_OK);
    assert_int_equal(wf_package_path(p, "tokenizer.model", path, sizeof(path), &err), WEFT_OK);
    assert_string_equal(path, scratch_path("any.model"));
    wf_package_close(&p);
    for (uint64_t n = 1; n <= 2; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_package_open_loose(scratch, &p, &err), WEFT_E_NOMEM);
        assert_null(p);
    }
    wf_mem_fail_at(0, false);
    scratch_empty("");
}

static void json_is_cached(void **state)
{
    const json_t *a, *b;
    weft_error    err = WF_ERROR_INIT;
    weft_package *p = package_open();
    (void)state;
    text_put("extra.json", "[5]");
    assert_int_equal(wf_package_json(p, "extra.json", &a, &err), WEFT_OK);
    assert_int_equal(unlink(scratch_path("extra.json")), 0);
    assert_int_equal(wf_package_json(p, "extra.json", &b, &err), WEFT_OK);
    assert_ptr_equal(a, b);
    assert_int_equal(wf_package_json(p, "config.json", &b, &err), WEFT_OK);
    assert_int_equal(json_integer_value(wf_json_at(b, "n")), 3);
    assert_failure(wf_package_json(p, "none.json", &b, &err), &err, WEFT_E_NOTFOUND, "none.json",
                   "no such");
    assert_null(b);
    wf_package_close(&p);
    scratch_empty("");
}

static void no_weights(void **state)
{
    const wf_st_file   *f;
    const wf_st_tensor *t;
    weft_error          err = WF_ERROR_INIT;
    weft_package       *p = package_open();
    (void)state;
    assert_failure(wf_package_find(p, "a", &f, &t, &err), &err, WEFT_E_NOTFOUND, scratch,
                   "holds neither model.safetensors nor " INDEX);
    assert_null(f);
    assert_null(t);
    assert_int_equal(wf_package_find(p, "a", &f, &t, NULL), WEFT_E_NOTFOUND);
    assert_int_equal(wf_package_tensor_bytes(p), 0);
    assert_int_equal(wf_package_check(p, &err), WEFT_E_NOTFOUND);
    /* Asked again, the directory is looked at again. */
    shard_put("model.safetensors", "a", 3);
    assert_int_equal(wf_package_find(p, "a", &f, &t, &err), WEFT_OK);
    assert_int_equal(t->shape[0], 3);
    assert_int_equal(wf_package_check(p, &err), WEFT_OK);
    assert_int_equal(wf_package_tensor_bytes(p), 12);
    assert_failure(wf_package_find(p, "b", &f, &t, &err), &err, WEFT_E_NOTFOUND, scratch,
                   "no tensor \"b\"");
    wf_package_close(&p);
    scratch_empty("");
}

static void shards(void **state)
{
    const wf_st_file   *f, *g;
    const wf_st_tensor *t;
    weft_error          err = WF_ERROR_INIT;
    weft_package       *p = package_open();
    (void)state;
    shard_put("one.safetensors", "a", 3);
    shard_put("two.safetensors", "b", 5);
    text_put(INDEX, "{\"weight_map\":{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}}");
    assert_int_equal(wf_package_check(p, &err), WEFT_OK);
    assert_int_equal(wf_package_find(p, "a", &f, &t, &err), WEFT_OK);
    assert_int_equal(t->shape[0], 3);
    assert_non_null(strstr(f->file.path, "one.safetensors"));
    assert_int_equal(wf_package_find(p, "b", &g, &t, &err), WEFT_OK);
    assert_int_equal(t->shape[0], 5);
    assert_ptr_not_equal(f, g);
    assert_int_equal(wf_package_find(p, "c", &f, &t, &err), WEFT_E_NOTFOUND);
    assert_int_equal(wf_package_tensor_bytes(p), 32);
    wf_package_close(&p);
    /* With both, the single file is the model, as in transformers. */
    shard_put("model.safetensors", "a", 7);
    p = package_open();
    assert_int_equal(wf_package_find(p, "a", &f, &t, &err), WEFT_OK);
    assert_int_equal(t->shape[0], 7);
    assert_int_equal(wf_package_find(p, "b", &f, &t, &err), WEFT_E_NOTFOUND);
    wf_package_close(&p);
    scratch_empty("");
}

/* What must make both a question about a tensor and the check fail. */
static void lying_indexes(void **state)
{
    static const struct {
        const char *index, *what;
    } cases[] = {
        {"[]", "\"weight_map\" is no object"},
        {"{}", "\"weight_map\" is no object"},
        {"{\"weight_map\":[]}", "\"weight_map\" is no object"},
        {"{\"weight_map\":{\"a\":1}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":null}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"../one.safetensors\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"./one.safetensors\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"sub\\\\one.safetensors\"}}", "no plain file name"},
        {"{\"weight_map\":{\"a\":\"three.safetensors\"}}",
         "\"three.safetensors\", which is not there"},
        {"{\"weight_map\":{\"a\":\"short.safetensors\"}}",
         "short.safetensors: 4 bytes are too few"},
        {"{\"weight_map\":{\"a\":\"two.safetensors\"}}",
         "\"two.safetensors\", which does not hold it"},
        {"{\"weight_map\":{\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"}}", "duplicate"},
        {"{\"weight_map\":{\"a\":\"one.safetensors\"}", INDEX ":1:"},
    };
    (void)state;
    shard_put("one.safetensors", "a", 3);
    shard_put("two.safetensors", "b", 5);
    text_put("short.safetensors", "1234");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const wf_st_file   *f;
        const wf_st_tensor *t;
        weft_error          err = WF_ERROR_INIT, again = WF_ERROR_INIT;
        weft_package       *p = package_open();
        text_put(INDEX, cases[i].index);
        assert_failure(wf_package_find(p, "a", &f, &t, &err), &err, WEFT_E_CORRUPT, scratch,
                       cases[i].what);
        assert_failure(wf_package_check(p, &again), &again, WEFT_E_CORRUPT, scratch, cases[i].what);
        wf_package_close(&p);
    }
    scratch_empty("");
}

/* A tensor that nobody asks for is missing: found by the check, no matter to the others. */
static void check_finds_missing(void **state)
{
    const wf_st_file   *f;
    const wf_st_tensor *t;
    weft_error          err = WF_ERROR_INIT;
    weft_package       *p = package_open();
    (void)state;
    shard_put("one.safetensors", "a", 3);
    text_put(INDEX, "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}");
    assert_int_equal(wf_package_find(p, "a", &f, &t, &err), WEFT_OK);
    assert_failure(wf_package_check(p, &err), &err, WEFT_E_CORRUPT, INDEX,
                   "\"b\" is in \"one.safetensors\", which does not hold it");
    assert_int_equal(wf_package_find(p, "b", &f, &t, NULL), WEFT_E_CORRUPT);
    wf_package_close(&p);
    scratch_empty("");
}

static void too_many_shards(void **state)
{
    char         *text = malloc(100000), *at = text;
    weft_error    err = WF_ERROR_INIT;
    weft_package *p = package_open();
    (void)state;
    assert_non_null(text);
    at = stpcpy(at, "{\"weight_map\":{\"t\":\"s\"");
    for (int32_t i = 0; i < 1024; i++)
        at += sprintf(at, ",\"t%d\":\"s%d\"", i, i);
    strcpy(at, "}}");
    text_put(INDEX, text);
    free(text);
    assert_failure(wf_package_check(p, &err), &err, WEFT_E_LIMIT, INDEX, "more than 1024 files");
    wf_package_close(&p);
    scratch_empty("");
}

/* Shapes are the loader's to compare; here they must arrive as the files have them. */
static void reference_directories(void **state)
{
    static const struct {
        const char *dir, *tensor;
        int64_t     rows;
        int32_t     dtype;
    } cases[] = {
        {"llama-sharded", "model.embed_tokens.weight", 0, WF_ST_F32},
        {"llama-f16", "model.norm.weight", 0, WF_ST_F16},
        {"llama-bf16", "model.norm.weight", 0, WF_ST_BF16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char                dir[1024];
        const json_t       *config;
        int64_t             want = 0;
        weft_package       *p;
        const wf_st_file   *f;
        const wf_st_tensor *t;
        weft_error          err = WF_ERROR_INIT;
        snprintf(dir, sizeof(dir), "%s/%s", WEFT_FIXTURES, cases[i].dir);
        assert_int_equal(wf_package_open(dir, &p, &err), WEFT_OK);
        assert_int_equal(wf_package_check(p, &err), WEFT_OK);
        assert_int_equal(wf_package_json(p, "config.json", &config, &err), WEFT_OK);
        assert_int_equal(wf_json_i64(config, "config.json", "hidden_size", &want, &err), WEFT_OK);
        assert_int_equal(wf_package_find(p, cases[i].tensor, &f, &t, &err), WEFT_OK);
        assert_int_equal(t->dtype, cases[i].dtype);
        assert_int_equal(t->shape[t->rank - 1], want);
        assert_true(wf_package_tensor_bytes(p) > 100000);
        wf_package_close(&p);
    }
}

/* Opens a sharded directory and asks for a tensor; the nth allocation fails. */
static weft_status open_and_find(uint64_t n, bool forever, weft_error *err)
{
    weft_package       *p;
    const wf_st_file   *f;
    const wf_st_tensor *t;
    wf_mem_fail_at(n, forever);
    weft_status s = wf_package_open(scratch, &p, err);
    if (s == WEFT_OK)
        s = wf_package_find(p, "b", &f, &t, err);
    wf_mem_fail_at(0, false);
    /* The same package serves once there is memory again. */
    if (p != NULL)
        assert_int_equal(wf_package_find(p, "b", &f, &t, NULL), WEFT_OK);
    wf_package_close(&p);
    return s;
}

static void memory_runs_out(void **state)
{
    weft_package *p = package_open();
    (void)state;
    wf_package_close(&p);
    shard_put("one.safetensors", "a", 3);
    shard_put("two.safetensors", "b", 5);
    text_put(INDEX, "{\"weight_map\":{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}}");
    for (int32_t forever = 0; forever < 2; forever++) {
        weft_status s = WEFT_E_NOMEM;
        uint64_t    n, before;
        for (n = 1; s != WEFT_OK; n++) {
            weft_error err = WF_ERROR_INIT;
            before = wf_mem_count();
            s = open_and_find(n, forever != 0, &err);
            assert_true(s == WEFT_OK ? wf_mem_count() - before < n : s == WEFT_E_NOMEM);
            assert_true(s == WEFT_OK || strstr(err.message, "out of memory") != NULL);
        }
        assert_true(n > 60); /* the walk did meet jansson's allocations */
    }
    scratch_empty("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses),      cmocka_unit_test(loose_packages),
        cmocka_unit_test(names_stay_inside), cmocka_unit_test(json_is_cached),
        cmocka_unit_test(no_weights),        cmocka_unit_test(shards),
        cmocka_unit_test(lying_indexes),     cmocka_unit_test(check_finds_missing),
        cmocka_unit_test(too_many_shards),   cmocka_unit_test(reference_directories),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
