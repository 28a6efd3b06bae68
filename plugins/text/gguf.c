/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tokenizer of a GGUF file from gguf.json, in which the host gives the file's values: the
 * tokens with their types, and either merges ("gpt2") or scores ("llama", SentencePiece). The
 * values come in any order, so merges are read in a second pass. Source: ggml docs/gguf.md;
 * llama.cpp src/llama-vocab.cpp. */
#include "listed.h"

#define FILE_NAME "gguf.json"
#define ROOT "tokenizer.ggml."

typedef struct document {
    txt_json        json;
    txt_tokenizer  *t;
    txt_added_list *added;
    char            model[32], pre[64];
    txt_listed      listed;
    bool            adds_space, has_merges;
} document;

static weft_status name_read(document *d, char *name, size_t cap, weft_error *err)
{
    if (d->json.event != TXT_J_STRING || d->json.text.n >= cap)
        return txt_json_bad(&d->json, err, "this is no name");
    memcpy(name, d->json.text.p, d->json.text.n + 1);
    return WEFT_OK;
}

static weft_status token_add(document *d, weft_error *err)
{
    txt_json *j = &d->json;
    if (j->event != TXT_J_STRING || j->text.n > TXT_MAX_TOKEN)
        return txt_json_bad(j, err, "a token is no string of at most 4096 bytes");
    return txt_listed_add(&d->listed, j->text.p, j->text.n, err);
}

/* A number as JSON writes it. Its last digit may be off, which no order of scores depends on. */
static double number_of(const char *s)
{
    double value = 0, scale = *s == '-' ? -1 : 1;
    int    exponent = 0, sign = 1;
    for (s += *s == '-'; *s >= '0' && *s <= '9'; s++)
        value = value * 10 + (*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
            value = value * 10 + (*s - '0');
    if (*s == 'e' || *s == 'E') {
        sign = s[1] == '-' ? -1 : 1;
        for (s += s[1] == '-' || s[1] == '+' ? 2 : 1; *s >= '0' && *s <= '9' && exponent < 1000;
             s++)
            exponent = exponent * 10 + (*s - '0');
    }
    for (; exponent > 0; exponent--)
        scale = sign < 0 ? scale / 10 : scale * 10;
    return value * scale;
}

static weft_status score_add(document *d, weft_error *err)
{
    if (d->json.event != TXT_J_NUMBER)
        return txt_json_bad(&d->json, err, "a score is no finite number");
    const double v = number_of((const char *)d->json.text.p);
    return txt_buf_add(&d->listed.scores, &v, sizeof v, err);
}

static weft_status kind_add(document *d, weft_error *err)
{
    uint32_t    v = 0;
    weft_status s = txt_json_uint(&d->json, 255, &v, err);
    uint8_t     kind = (uint8_t)v;
    return s == WEFT_OK ? txt_buf_add(&d->listed.kinds, &kind, 1, err) : s;
}

static weft_status each(document   *d, weft_status (*add)(document *d, weft_error *err),
                        weft_error *err)
{
    txt_json   *j = &d->json;
    weft_status s = WEFT_OK;
    if (j->event != TXT_J_ARRAY)
        return txt_json_bad(j, err, "this is no array");
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = add(d, err);
    return s;
}

/* A value of the first pass. */
static weft_status value_read(document *d, const char *name, weft_error *err)
{
    txt_json *j = &d->json;
    if (strcmp(name, "model") == 0)
        return name_read(d, d->model, sizeof d->model, err);
    if (strcmp(name, "pre") == 0)
        return name_read(d, d->pre, sizeof d->pre, err);
    if (strcmp(name, "tokens") == 0)
        return each(d, token_add, err);
    if (strcmp(name, "scores") == 0)
        return each(d, score_add, err);
    if (strcmp(name, "token_type") == 0)
        return each(d, kind_add, err);
    if (strcmp(name, "unknown_token_id") == 0)
        return txt_json_uint(j, TXT_MAX_VOCAB - 1, &d->listed.unknown, err);
    if (strcmp(name, "add_space_prefix") == 0)
        d->adds_space = j->event != TXT_J_FALSE;
    return j->event == TXT_J_ARRAY ? txt_json_skip(j, err) : WEFT_OK;
}

static weft_status merges_read(document *d, const char *name, weft_error *err)
{
    txt_json *j = &d->json;
    if (strcmp(name, "merges") != 0)
        return j->event == TXT_J_ARRAY ? txt_json_skip(j, err) : WEFT_OK;
    d->has_merges = true;
    return j->event == TXT_J_ARRAY ? txt_json_merges(j, d->t, err)
                                   : txt_json_bad(j, err, "this is no array");
}

static weft_status pass(document *d, const weft_package *p,
                        weft_status (*value)(document *d, const char *name, weft_error *err),
                        weft_error *err)
{
    txt_json   *j = &d->json;
    weft_status s = txt_json_open(d->t->host, p, FILE_NAME, j, err);
    if (s != WEFT_OK)
        return s;
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_END) {
        const char *key = j->key.p != NULL ? (const char *)j->key.p : ""; /* the file's own key */
        const bool  ours = strncmp(key, ROOT, sizeof ROOT - 1) == 0;
        if (j->event != TXT_J_OBJECT && j->event != TXT_J_CLOSE)
            s = value(d, ours ? key + sizeof ROOT - 1 : "", err);
    }
    txt_json_close(j);
    return s;
}

static weft_status settings_use(document *d, weft_error *err)
{
    if (strcmp(d->model, "gpt2") != 0 && strcmp(d->model, "llama") != 0)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         ROOT "model is \"%s\", a kind of tokenizer that is not known here "
                              "(known are gpt2 and llama)",
                         d->model);
    const char *text = txt_gguf_settings(d->model, d->pre, d->adds_space);
    if (text == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         ROOT "pre is \"%s\", a way to cut text that is not known here", d->pre);
    if (strcmp(d->pre, "tekken") == 0) { /* begins texts, where the file does not say otherwise */
        d->t->has_template = true;
        memcpy(d->t->begin, "<s>", sizeof "<s>");
    }
    return txt_tokenizer_json_settings(d->t, text, err);
}

static weft_status model_make(document *d, const weft_package *p, weft_error *err)
{
    const bool  of_chars = strcmp(d->model, "llama") == 0;
    txt_buf     none = {.host = d->t->host};
    weft_status s = txt_listed_vocab(d->t, &d->listed, of_chars, d->added, err);
    if (s != WEFT_OK || of_chars)
        return s == WEFT_OK ? txt_listed_merges(d->t, &d->listed, err) : s;
    s = pass(d, p, merges_read, err);
    if (s == WEFT_OK && !d->has_merges)
        return weft_fail(err, WEFT_E_CORRUPT, ROOT "merges is missing");
    return s == WEFT_OK ? txt_json_model(d->t, &none, err) : s;
}

weft_status txt_gguf_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                          weft_error *err)
{
    document d = {.t = t, .added = added, .adds_space = true};
    txt_listed_init(&d.listed, t->host, "the GGUF file", ROOT);
    t->from = FILE_NAME;
    weft_status s = pass(&d, p, value_read, err);
    if (s == WEFT_OK)
        s = txt_listed_check(&d.listed, err);
    if (s == WEFT_OK)
        s = settings_use(&d, err);
    if (s == WEFT_OK)
        s = model_make(&d, p, err);
    txt_listed_free(&d.listed);
    return s;
}

void txt_gguf_stops(txt_tokenizer *t)
{
    static const char *const names[] = {"<|eot_id|>",    "<|eom_id|>", "<|end_of_text|>",
                                        "<|im_end|>",    "<|end|>",    "<end_of_turn>",
                                        "<|endoftext|>", "<EOT>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint32_t id = txt_added_find(&t->vocab, names[i]);
        bool           there = id == TXT_NONE;
        for (uint32_t k = 0; k < t->n_stops && !there; k++)
            there = t->stops[k] == id;
        if (!there && t->n_stops < TXT_MAX_STOPS)
            t->stops[t->n_stops++] = id;
    }
}
