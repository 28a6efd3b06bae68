/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a GGUF file as the JSON files of a model directory.
 * Source: ggml, docs/gguf.md; llama.cpp, convert_hf_to_gguf.py and src/llama-model.cpp. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/model/gguf_parts.h"

#define KEY_BYTES 96

/* ---- config.json ---- */

typedef struct named {
    const char *gguf, *json; /* gguf: without the architecture */
    bool        needed;
} named;

static const named integers[] = {
    {"embedding_length", "hidden_size", true},
    {"feed_forward_length", "intermediate_size", true},
    {"block_count", "num_hidden_layers", true},
    {"attention.head_count", "num_attention_heads", true},
    {"attention.head_count_kv", "num_key_value_heads", false},
    {"attention.key_length", "head_dim", false},
    {"context_length", "max_position_embeddings", false},
};
static const named reals[] = {
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", true},
    {"rope.freq_base", "rope_theta", false},
};

static void key_of(char *key, const char *name)
{
    snprintf(key, KEY_BYTES, WF_GGUF_ARCH ".%s", name);
}

/* A value that is absent and need not be there is no failure. */
static weft_status absent(const wf_gguf_file *g, const named *n, const char *key, weft_error *err)
{
    return n->needed
               ? wf_fail(err, WEFT_E_CORRUPT, "%s: %s is missing", wf_quote(g->file.path).s, key)
               : WEFT_OK;
}

static weft_status set(json_t *to, const char *key, json_t *value, weft_error *err)
{
    return json_object_set_new(to, key, value) == 0
               ? WEFT_OK
               : wf_fail_nomem(err, sizeof(json_t), "the values of a GGUF file");
}

static weft_status numbers_copy(const wf_gguf_file *g, json_t *to, weft_error *err)
{
    weft_status status = WEFT_OK;
    char        key[KEY_BYTES];
    int64_t     i;
    double      f;
    for (size_t k = 0; k < sizeof integers / sizeof *integers && status == WEFT_OK; k++) {
        key_of(key, integers[k].gguf);
        status = wf_gguf_i64(g, key, &i, err);
        status = status == WEFT_OK           ? set(to, integers[k].json, json_integer(i), err)
                 : status == WEFT_E_NOTFOUND ? absent(g, &integers[k], key, err)
                                             : status;
    }
    for (size_t k = 0; k < sizeof reals / sizeof *reals && status == WEFT_OK; k++) {
        key_of(key, reals[k].gguf);
        status = wf_gguf_f64(g, key, &f, err);
        if (status == WEFT_OK && !isfinite(f))
            return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is no finite number",
                           wf_quote(g->file.path).s, key);
        status = status == WEFT_OK           ? set(to, reals[k].json, json_real(f), err)
                 : status == WEFT_E_NOTFOUND ? absent(g, &reals[k], key, err)
                                             : status;
    }
    return status;
}

/* Whether an integer is absent or has one value. */
static weft_status expect(const wf_gguf_file *g, const char *name, int64_t value, const char *what,
                          weft_error *err)
{
    char    key[KEY_BYTES];
    int64_t v;
    key_of(key, name);
    weft_status status = wf_gguf_i64(g, key, &v, err);
    if (status == WEFT_E_NOTFOUND || (status == WEFT_OK && v == value))
        return WEFT_OK;
    return status != WEFT_OK ? status
                             : wf_fail(err, WEFT_E_UNSUPPORTED, "%s: %s is %" PRId64 ": %s",
                                       wf_quote(g->file.path).s, key, v, what);
}

static weft_status rope_check(const wf_gguf_file *g, weft_error *err)
{
    char       *type;
    double      scale;
    weft_status status = wf_gguf_str(g, WF_GGUF_ARCH ".rope.scaling.type", &type, NULL, err);
    if (status == WEFT_OK && strcmp(type, "none") != 0)
        status = wf_fail(err, WEFT_E_UNSUPPORTED,
                         "%s: " WF_GGUF_ARCH ".rope.scaling.type \"%s\"; weft knows no scaling of "
                         "positions but that by the tensor " WF_GGUF_ROPE_DIVISORS,
                         wf_quote(g->file.path).s, wf_quote(type).s);
    wf_free(type);
    if (status != WEFT_OK && status != WEFT_E_NOTFOUND)
        return status;
    status = wf_gguf_f64(g, WF_GGUF_ARCH ".rope.scale_linear", &scale, err);
    if (status == WEFT_OK && (scale < 1 || scale > 1))
        status = wf_fail(err, WEFT_E_UNSUPPORTED,
                         "%s: " WF_GGUF_ARCH ".rope.scale_linear is %g, a scaling of positions "
                         "that weft does not know",
                         wf_quote(g->file.path).s, scale);
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

/* What would make the numbers mean another model than a plain Llama. */
static weft_status plain_check(const wf_gguf_file *g, const json_t *config, weft_error *err)
{
    const int64_t heads = json_integer_value(json_object_get(config, "num_attention_heads"));
    const int64_t width = json_integer_value(json_object_get(config, "hidden_size"));
    const json_t *said = json_object_get(config, "head_dim");
    const int64_t head = said != NULL ? json_integer_value(said) : heads > 0 ? width / heads : 0;
    weft_status   status =
        expect(g, "expert_count", 0, "a mixture of experts, which is no plain Llama", err);
    if (status == WEFT_OK)
        status = expect(g, "rope.dimension_count", head,
                        "a part of a head is rotated, which is no plain Llama", err);
    if (status == WEFT_OK)
        status = expect(g, "attention.value_length", head,
                        "values of another width than keys, which is no plain Llama", err);
    if (status == WEFT_OK)
        status = expect(g, "attention.sliding_window", 0,
                        "attention to a window, which is no plain Llama", err);
    return status == WEFT_OK ? rope_check(g, err) : status;
}

/* The tensor in whichever part it is. */
static const wf_gguf_tensor *tensor_find(const wf_gguf_model *m, const char *name)
{
    const wf_gguf_tensor *t = NULL;
    for (uint32_t i = 0; i < m->n_parts && t == NULL; i++)
        t = wf_gguf_tensor_find(&m->parts[i].gguf, name);
    return t;
}

static int64_t vocab_of(const wf_gguf_model *m)
{
    const wf_gguf_tensor *embed = tensor_find(m, "token_embd.weight");
    const wf_gguf_value  *tokens = wf_gguf_find(&m->parts[0].gguf, "tokenizer.ggml.tokens");
    return embed != NULL                                     ? embed->shape[1]
           : tokens != NULL && tokens->kind == WF_GGUF_ARRAY ? (int64_t)tokens->count
                                                             : 0;
}

/* Ids that begin and end texts. Several ends are a list, as in transformers. */
static weft_status ids_copy(const wf_gguf_file *g, json_t *to, weft_error *err)
{
    static const char *const ends[] = {"eos", "eot", "eom"};
    char                     key[KEY_BYTES];
    int64_t                  id;
    json_t                  *list = json_array();
    weft_status              status = set(to, "eos_token_id", list, err);
    for (size_t i = 0; i < sizeof ends / sizeof *ends && status == WEFT_OK; i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", ends[i]);
        status = wf_gguf_i64(g, key, &id, err);
        if (status == WEFT_OK && json_array_append_new(list, json_integer(id)) != 0)
            status = wf_fail_nomem(err, sizeof(json_t), "the values of a GGUF file");
        status = status == WEFT_E_NOTFOUND ? WEFT_OK : status;
    }
    if (status == WEFT_OK && json_array_size(list) == 0)
        json_object_del(to, "eos_token_id");
    if (status == WEFT_OK)
        status = wf_gguf_i64(g, "tokenizer.ggml.bos_token_id", &id, err);
    return status == WEFT_OK           ? set(to, "bos_token_id", json_integer(id), err)
           : status == WEFT_E_NOTFOUND ? WEFT_OK
                                       : status;
}

weft_status wf_gguf_config(const wf_gguf_model *m, json_t **out, weft_error *err)
{
    const wf_gguf_file *g = &m->parts[0].gguf;
    wf_json_init();
    json_t *root = json_pack("{s:[s], s:s, s:I, s:b}", "architectures", "LlamaForCausalLM",
                             "model_type", "llama", "vocab_size", (json_int_t)vocab_of(m),
                             "tie_word_embeddings", tensor_find(m, "output.weight") == NULL);
    *out = NULL;
    if (root == NULL)
        return wf_fail_nomem(err, sizeof(json_t), "the values of a GGUF file");
    weft_status status = numbers_copy(g, root, err);
    if (status == WEFT_OK)
        status = plain_check(g, root, err);
    if (status == WEFT_OK)
        status = ids_copy(g, root, err);
    if (status == WEFT_OK)
        *out = root;
    else
        json_decref(root);
    return status;
}

/* ---- tokenizer_config.json ---- */

/* A token by the id that a key has. One that is not there is left out. */
static weft_status token_copy(const wf_gguf_file *g, const char *name, json_t *to, weft_error *err)
{
    char    key[KEY_BYTES], field[KEY_BYTES], *text = NULL;
    int64_t id;
    snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", name);
    snprintf(field, sizeof field, "%s_token",
             strcmp(name, "padding") == 0   ? "pad"
             : strcmp(name, "unknown") == 0 ? "unk"
                                            : name);
    weft_status status = wf_gguf_i64(g, key, &id, err);
    if (status == WEFT_OK)
        status = wf_gguf_str_at(g, "tokenizer.ggml.tokens", id, &text, err);
    if (status == WEFT_OK)
        status = set(to, field, json_string(text), err);
    wf_free(text);
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

static weft_status flag_copy(const wf_gguf_file *g, const char *name, json_t *to, weft_error *err)
{
    char key[KEY_BYTES];
    bool v;
    snprintf(key, sizeof key, "tokenizer.ggml.%s", name);
    weft_status status = wf_gguf_bool(g, key, &v, err);
    return status == WEFT_OK           ? set(to, name, json_boolean(v), err)
           : status == WEFT_E_NOTFOUND ? WEFT_OK
                                       : status;
}

/* A chat template under its name. */
static weft_status template_add(const wf_gguf_file *g, const char *key, const char *name,
                                json_t *list, weft_error *err)
{
    char       *text;
    uint64_t    n;
    weft_status status = wf_gguf_str(g, key, &text, &n, err);
    if (status == WEFT_OK &&
        json_array_append_new(
            list, json_pack("{s:s, s:s%}", "name", name, "template", text, (size_t)n)) != 0)
        status = wf_fail(err, WEFT_E_CORRUPT, "%s: %s is no text that can be kept",
                         wf_quote(g->file.path).s, wf_quote(key).s);
    wf_free(text);
    return status;
}

#define TEMPLATE "tokenizer.chat_template"

/* One template is a string. Named ones beside it ("tokenizer.chat_template.NAME") make a list, as
 * in tokenizer_config.json. */
static weft_status templates_copy(const wf_gguf_file *g, json_t *to, weft_error *err)
{
    const size_t n = strlen(TEMPLATE);
    json_t      *list = json_array();
    weft_status  status = list != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *list, TEMPLATE);
    if (status == WEFT_OK && wf_gguf_find(g, TEMPLATE) != NULL)
        status = template_add(g, TEMPLATE, "default", list, err);
    for (uint64_t i = 0; i < g->n_values && status == WEFT_OK; i++)
        if (strncmp(g->values[i].key, TEMPLATE ".", n + 1) == 0)
            status = template_add(g, g->values[i].key, g->values[i].key + n + 1, list, err);
    if (status == WEFT_OK && json_array_size(list) == 1 && wf_gguf_find(g, TEMPLATE) != NULL)
        status = set(to, "chat_template",
                     json_incref(json_object_get(json_array_get(list, 0), "template")), err);
    else if (status == WEFT_OK && json_array_size(list) > 0)
        status = set(to, "chat_template", json_incref(list), err);
    json_decref(list);
    return status;
}

weft_status wf_gguf_tokenizer_config(const wf_gguf_model *m, json_t **out, weft_error *err)
{
    static const char *const tokens[] = {"bos", "eos", "unknown", "padding"};
    const wf_gguf_file      *g = &m->parts[0].gguf;
    wf_json_init();
    json_t     *root = json_object();
    weft_status status = root != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *root, "a tokenizer");
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens && status == WEFT_OK; i++)
        status = token_copy(g, tokens[i], root, err);
    if (status == WEFT_OK)
        status = flag_copy(g, "add_bos_token", root, err);
    if (status == WEFT_OK)
        status = flag_copy(g, "add_eos_token", root, err);
    if (status == WEFT_OK)
        status = templates_copy(g, root, err);
    *out = status == WEFT_OK ? root : NULL;
    if (status != WEFT_OK)
        json_decref(root);
    return status;
}
