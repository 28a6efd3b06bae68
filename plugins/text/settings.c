/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a directory's small files say: vocab_size, the stop set, and whether its chat template
 * writes a system block by itself. Templates are not run. The templates of the Llama 3 releases
 * differ in one point that text chat shows, and it is found by looking for its literal words. */
#include "text.h"

#define CONFIG "config.json"
#define TOKENIZER_CONFIG "tokenizer_config.json"

static const weft_if_package *package_of(const weft_host *h)
{
    return h->get_interface(h, WEFT_IF_PACKAGE);
}

weft_status txt_config_i64(const weft_host *h, const weft_package *p, const char *key, int64_t *v,
                           weft_error *err)
{
    char        nested[96];
    weft_status s = package_of(h)->json_i64(h, p, CONFIG, key, v, err);
    if (s != WEFT_E_NOTFOUND)
        return s;
    snprintf(nested, sizeof nested, "text_config.%s", key);
    return package_of(h)->json_i64(h, p, CONFIG, nested, v, err);
}

weft_status txt_settings_vocab_size(txt_tokenizer *t, const weft_package *p, weft_error *err)
{
    int64_t     n = 0;
    weft_status s = txt_config_i64(t->host, p, "vocab_size", &n, err);
    if (s == WEFT_E_NOTFOUND)
        return WEFT_OK;
    if (s != WEFT_OK)
        return s;
    if (n < 1 || n > INT32_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         CONFIG ": vocab_size is %lld, which no vocabulary has", (long long)n);
    t->vocab_size = (uint32_t)n;
    return WEFT_OK;
}

static weft_status stop_add(txt_tokenizer *t, const char *file, int64_t id, weft_error *err)
{
    if (id < 0 || id > INT32_MAX)
        return weft_fail(err, WEFT_E_CORRUPT, "%s: eos_token_id holds %lld, which is no token id",
                         file, (long long)id);
    if (t->n_stops == TXT_MAX_STOPS)
        return weft_fail(err, WEFT_E_LIMIT, "%s: eos_token_id lists more than %u ids", file,
                         TXT_MAX_STOPS);
    t->stops[t->n_stops++] = (uint32_t)id;
    return WEFT_OK;
}

/* Adds an id or a list of ids to the stop set. NOTFOUND: the key is not there. */
static weft_status stops_from(txt_tokenizer *t, const weft_package *p, const char *file,
                              const char *path, weft_error *err)
{
    const weft_host *h = t->host;
    int64_t          id, n;
    weft_status      s = package_of(h)->json_i64(h, p, file, path, &id, err);
    if (s == WEFT_OK)
        return stop_add(t, file, id, err);
    if (s != WEFT_E_CORRUPT)
        return s;
    s = package_of(h)->json_count(h, p, file, path, &n, err);
    for (int64_t i = 0; s == WEFT_OK && i < n; i++) {
        char item[96];
        snprintf(item, sizeof item, "%s[%lld]", path, (long long)i);
        s = package_of(h)->json_i64(h, p, file, item, &id, err);
        if (s == WEFT_OK)
            s = stop_add(t, file, id, err);
        else if (s == WEFT_E_NOTFOUND)
            s = weft_fail(err, WEFT_E_CORRUPT, "%s: %s is not a token id", file, item);
    }
    return s;
}

weft_status txt_settings_stops(txt_tokenizer *t, const weft_package *p, weft_error *err)
{
    static const char *const defaults[] = {"<|end_of_text|>", "<|eom_id|>", "<|eot_id|>", "</s>"};
    weft_status              s = stops_from(t, p, "generation_config.json", "eos_token_id", err);
    if (s == WEFT_E_NOTFOUND)
        s = stops_from(t, p, CONFIG, "eos_token_id", err);
    if (s == WEFT_E_NOTFOUND)
        s = stops_from(t, p, CONFIG, "text_config.eos_token_id", err);
    if (s != WEFT_E_NOTFOUND)
        return s;
    for (uint32_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        uint32_t id = txt_added_find(&t->vocab, defaults[i]);
        if (id != TXT_NONE)
            t->stops[t->n_stops++] = id;
    }
    return WEFT_OK;
}

/* Whether tokenizer_config.json names the class of Llama's own tokenizers, or none. */
static bool is_llama_class(const txt_tokenizer *t, const weft_package *p)
{
    const char *class;
    weft_status s = package_of(t->host)->json_str(t->host, p, TOKENIZER_CONFIG, "tokenizer_class",
                                                  &class, NULL);
    return s != WEFT_OK || strncmp(class, "LlamaTokenizer", 14) == 0 ||
           strncmp(class, "CodeLlamaTokenizer", 18) == 0;
}

/* The name of the token that begins a text, by tokenizer_config.json: a string or an object. */
static uint32_t named_bos(const txt_tokenizer *t, const weft_package *p)
{
    const weft_if_package *package = package_of(t->host);
    const char            *name;
    if (package->json_str(t->host, p, TOKENIZER_CONFIG, "bos_token", &name, NULL) != WEFT_OK &&
        package->json_str(t->host, p, TOKENIZER_CONFIG, "bos_token.content", &name, NULL) !=
            WEFT_OK)
        return TXT_NONE;
    return txt_added_find(&t->vocab, name);
}

void txt_settings_bos(txt_tokenizer *t, const weft_package *p)
{
    const bool     spaced = t->merges.is_used && t->merges.of_chars;
    const uint32_t own = txt_added_find(&t->vocab, spaced ? "<s>" : "<|begin_of_text|>");
    int64_t        id;
    int32_t        adds = 0;
    t->bos = own != TXT_NONE ? own : named_bos(t, p);
    if (t->bos == TXT_NONE && txt_config_i64(t->host, p, "bos_token_id", &id, NULL) == WEFT_OK &&
        id >= 0 && id <= INT32_MAX)
        t->bos = (uint32_t)id;
    if (package_of(t->host)->json_bool(t->host, p, TOKENIZER_CONFIG, "add_bos_token", &adds,
                                       NULL) == WEFT_OK) {
        t->adds_bos = adds != 0 && t->bos != TXT_NONE;
        return;
    }
    if (t->has_template) {
        const uint32_t begin = txt_added_find(&t->vocab, t->begin);
        t->adds_bos = begin != TXT_NONE;
        t->bos = begin != TXT_NONE ? begin : t->bos;
        return;
    }
    t->adds_bos = t->bos != TXT_NONE && (own != TXT_NONE) && is_llama_class(t, p);
}

void txt_settings_shown(txt_tokenizer *t)
{
    const weft_if_options *options = t->host->get_interface(t->host, WEFT_IF_OPTIONS);
    const char            *said = options->str(t->host, "special");
    t->shown = TXT_SHOWN_NONE;
    if (said != NULL && strcmp(said, "show") == 0)
        t->shown = TXT_SHOWN_ALL;
    else if ((said == NULL || strcmp(said, "auto") == 0) &&
             txt_added_find(&t->vocab, "<doctag>") != TXT_NONE)
        t->shown = TXT_SHOWN_MARKUP;
}

typedef struct template
{
    bool dated, pictured; /* it writes the knowledge dates; it has a place for pictures */
}
template;

static void template_look(template *t, const txt_buf *text)
{
    static const char date[] = "Cutting Knowledge Date", picture[] = "<|image|>";
    if (text->n == 0)
        return;
    t->dated |= memmem(text->p, text->n, date, sizeof date - 1) != NULL;
    t->pictured |= memmem(text->p, text->n, picture, sizeof picture - 1) != NULL;
}

/* Reads chat_template, which is a string or a list of named templates. */
static weft_status template_json(template *t, const weft_host *h, const weft_package *p,
                                 const char *file, weft_error *err)
{
    txt_json    j;
    weft_status s = txt_json_open(h, p, file, &j, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while ((s = txt_json_next(&j, err)) == WEFT_OK && j.event != TXT_J_END)
        if (j.event == TXT_J_STRING &&
            (strcmp(j.path, "chat_template") == 0 || strncmp(j.path, "chat_template[", 14) == 0))
            template_look(t, &j.text);
    txt_json_close(&j);
    return s;
}

static weft_status template_file(template *t, const weft_host *h, const weft_package *p,
                                 weft_error *err)
{
    txt_reader  r;
    txt_buf     text = {.host = h};
    int         c = 0;
    weft_status s = txt_reader_open(h, p, "chat_template.jinja", TXT_MAX_STRING, &r, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while (s == WEFT_OK && (s = txt_reader_next(&r, &c, err)) == WEFT_OK && c >= 0) {
        uint8_t byte = (uint8_t)c;
        s = txt_buf_add(&text, &byte, 1, err);
    }
    if (s == WEFT_OK)
        template_look(t, &text);
    txt_buf_free(&text);
    txt_reader_close(&r);
    return s;
}

weft_status txt_settings_chat(txt_tokenizer *t, const weft_package *p, weft_error *err)
{
    const weft_if_options *options = t->host->get_interface(t->host, WEFT_IF_OPTIONS);
    const char            *block = options->str(t->host, "system_block"),
               *date = options->str(t->host, "date");
    template look = {false, false};
    t->date = date != NULL && date[0] != '\0' ? date : TXT_DATE;
    if (block != NULL && strcmp(block, "auto") != 0) {
        t->system_block = strcmp(block, "always") == 0;
        return WEFT_OK;
    }
    weft_status s = template_json(&look, t->host, p, "tokenizer_config.json", err);
    if (s == WEFT_OK)
        s = template_json(&look, t->host, p, "chat_template.json", err);
    if (s == WEFT_OK)
        s = template_file(&look, t->host, p, err);
    t->system_block = look.dated && !look.pictured;
    return s;
}
