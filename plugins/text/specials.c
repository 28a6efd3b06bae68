/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the added tokens. They come from tokenizer.json, else from added_tokens_decoder of
 * tokenizer_config.json, else they are the 256 names that follow the vocabulary in Llama 3. The
 * releases of Llama 3 differ in a few of these names, and config.json tells which release it is.
 * Source: llama-models tokenizer.py; the special_tokens_map of the released directories. */
#include "text.h"

#define CONFIG_FILE "tokenizer_config.json"
#define NAMES_FILE "added_tokens.json"
#define N_NAMES 256u

weft_status txt_list_add(txt_added_list *list, const void *text, uint64_t n, uint32_t id,
                         uint32_t flags, weft_error *err)
{
    txt_added_token t = {(uint32_t)list->bytes.n, (uint32_t)n, id, flags};
    weft_status     s = txt_buf_add(&list->bytes, text, n, err);
    return s == WEFT_OK ? txt_buf_add(&list->items, &t, sizeof t, err) : s;
}

static void list_free(txt_added_list *list)
{
    txt_buf_free(&list->bytes);
    txt_buf_free(&list->items);
}

/* Takes the field of an added token that was just read. The token's text goes to the list's bytes.
 */
static weft_status added_field(txt_json *j, txt_added_list *list, txt_added_token *t,
                               weft_error *err)
{
    static const struct {
        const char *key;
        uint32_t    flag;
    } flags[] = {{"special", TXT_SPECIAL},
                 {"normalized", TXT_NORMAL},
                 {"single_word", TXT_WORD},
                 {"lstrip", TXT_LSTRIP},
                 {"rstrip", TXT_RSTRIP}};
    const char *key = (const char *)j->key.p;
    if (strcmp(key, "id") == 0)
        return txt_json_uint(j, TXT_MAX_IDS - 1, &t->id, err);
    for (uint32_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(key, flags[i].key) == 0 && j->event == TXT_J_TRUE)
            t->flags |= flags[i].flag;
    if (strcmp(key, "content") != 0)
        return j->event == TXT_J_OBJECT || j->event == TXT_J_ARRAY ? txt_json_skip(j, err)
                                                                   : WEFT_OK;
    if (t->length != 0 || j->event != TXT_J_STRING || j->text.n == 0 ||
        j->text.n > TXT_MAX_ADDED_BYTES)
        return txt_json_bad(j, err, "an added token's content is not one string of 1 to 256 bytes");
    t->at = (uint32_t)list->bytes.n;
    t->length = (uint32_t)j->text.n;
    return txt_buf_add(&list->bytes, j->text.p, j->text.n, err);
}

weft_status txt_added_read(txt_json *j, txt_added_list *list, uint32_t id, weft_error *err)
{
    txt_added_token t = {.id = id};
    weft_status     s;
    if (list->items.n / sizeof t >= TXT_MAX_ADDED)
        return weft_fail(err, WEFT_E_LIMIT, "%s has more than %u added tokens", j->in.name,
                         TXT_MAX_ADDED);
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        if ((s = added_field(j, list, &t, err)) != WEFT_OK)
            return s;
    if (s == WEFT_OK && (t.length == 0 || t.id == TXT_NONE))
        return txt_json_bad(j, err, "an added token has no content or no id");
    return s == WEFT_OK ? txt_buf_add(&list->items, &t, sizeof t, err) : s;
}

/* The key of added_tokens_decoder as an id, or TXT_NONE. */
static uint32_t key_id(const txt_json *j)
{
    uint32_t id = 0;
    for (uint64_t i = 0; i < j->key.n; i++) {
        uint8_t c = j->key.p[i];
        if (c < '0' || c > '9' || id >= TXT_MAX_IDS)
            return TXT_NONE;
        id = id * 10 + (c - '0');
    }
    return j->key.n != 0 && id < TXT_MAX_IDS ? id : TXT_NONE;
}

static weft_status decoder_read(txt_json *j, txt_added_list *list, weft_error *err)
{
    weft_status s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE) {
        uint32_t id = key_id(j);
        if (id == TXT_NONE || j->event != TXT_J_OBJECT)
            return txt_json_bad(j, err, "added_tokens_decoder does not give an object to an id");
        if ((s = txt_added_read(j, list, id, err)) != WEFT_OK)
            return s;
    }
    return s;
}

/* Reads tokenizer_config.json. Where there is no such file the list stays as it was, which is no
 * failure. */
static weft_status config_read(txt_added_list *list, const weft_host *h, const weft_package *p,
                               weft_error *err)
{
    txt_json    j;
    weft_status s = txt_json_open(h, p, CONFIG_FILE, &j, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while (s == WEFT_OK && (s = txt_json_next(&j, err)) == WEFT_OK && j.event != TXT_J_END)
        if (j.event == TXT_J_OBJECT && strcmp(j.path, "added_tokens_decoder") == 0)
            s = decoder_read(&j, list, err);
    txt_json_close(&j);
    return s;
}

/* Reads added_tokens.json of older directories: {"text": id}. They are special ones here, so that
 * text of a user never becomes one. */
static weft_status names_read(txt_added_list *list, const weft_host *h, const weft_package *p,
                              weft_error *err)
{
    txt_json    j;
    weft_status s = txt_json_open(h, p, NAMES_FILE, &j, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while (s == WEFT_OK && (s = txt_json_next(&j, err)) == WEFT_OK && j.event != TXT_J_END) {
        uint32_t id;
        if (j.event == TXT_J_OBJECT || j.event == TXT_J_CLOSE)
            continue;
        if (j.key.n == 0 || j.key.n > TXT_MAX_ADDED_BYTES ||
            list->items.n / sizeof(txt_added_token) >= TXT_MAX_ADDED)
            s = txt_json_bad(&j, err, "these are no added tokens, or too many");
        else if ((s = txt_json_uint(&j, TXT_MAX_IDS - 1, &id, err)) == WEFT_OK)
            s = txt_list_add(list, j.key.p, j.key.n, id, TXT_SPECIAL, err);
    }
    txt_json_close(&j);
    return s;
}

/* Adds the tokens of `from` whose ids are not in `has`, a bit for each id. */
static weft_status list_join(txt_added_list *to, const txt_added_list *from, uint8_t *has,
                             weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint64_t i = 0; s == WEFT_OK && i < from->items.n / sizeof(txt_added_token); i++) {
        txt_added_token a;
        memcpy(&a, from->items.p + i * sizeof a, sizeof a);
        if ((has[a.id / 8] >> (a.id % 8) & 1) == 0)
            s = txt_list_add(to, from->bytes.p + a.at, a.length, a.id, a.flags, err);
        has[a.id / 8] |= (uint8_t)(1u << (a.id % 8));
    }
    return s;
}

weft_status txt_specials_more(const txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err)
{
    const weft_host *h = t->host;
    txt_added_list   config = {.bytes.host = h, .items.host = h}, names = config, all = config;
    uint8_t         *has = h->alloc(h, TXT_MAX_IDS / 8, 16);
    weft_status      s =
        has != NULL ? config_read(&config, h, p, err) : txt_fail_nomem(err, TXT_MAX_IDS / 8);
    if (s == WEFT_OK)
        s = names_read(&names, h, p, err);
    const txt_added_list *const parts[] = {&config, &names, list};
    if (has != NULL)
        memset(has, 0, TXT_MAX_IDS / 8);
    for (int i = 0; i < 3 && s == WEFT_OK; i++)
        s = list_join(&all, parts[i], has, err);
    if (s == WEFT_OK) {
        const txt_added_list before = *list;
        *list = all;
        all = before;
    }
    h->free(h, has);
    list_free(&config);
    list_free(&names);
    list_free(&all);
    return s;
}

/* The releases, told apart by config.json. Only the first four name anything differently. */
enum { LLAMA_3, LLAMA_3_1, LLAMA_VISION };
typedef struct names {
    const char *at[11]; /* NULL: a reserved token, numbered in order */
} names;
#define COMMON_0 "<|begin_of_text|>", "<|end_of_text|>", NULL, NULL
#define COMMON_6 "<|start_header_id|>", "<|end_header_id|>"
static const names releases[] = {
    {{COMMON_0, NULL, NULL, COMMON_6, NULL, "<|eot_id|>", NULL}},
    {{COMMON_0, "<|finetune_right_pad_id|>", NULL, COMMON_6, "<|eom_id|>", "<|eot_id|>",
      "<|python_tag|>"}},
    {{COMMON_0, "<|finetune_right_pad_id|>", "<|step_id|>", COMMON_6, "<|eom_id|>", "<|eot_id|>",
      "<|python_tag|>"}},
};

/* Llama 3 itself was released with 8192 positions and no scaling of them; all later ones scale. */
static int release_of(const weft_host *h, const weft_package *p)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    const char            *text;
    int64_t                n;
    if (package->json_str(h, p, "config.json", "model_type", &text, NULL) == WEFT_OK &&
        strcmp(text, "mllama") == 0)
        return LLAMA_VISION;
    if (package->json_count(h, p, "config.json", "rope_scaling", &n, NULL) == WEFT_OK)
        return LLAMA_3_1;
    if (package->json_str(h, p, "config.json", "rope_parameters.rope_type", &text, NULL) ==
            WEFT_OK &&
        strcmp(text, "llama3") == 0)
        return LLAMA_3_1;
    return txt_config_i64(h, p, "max_position_embeddings", &n, NULL) == WEFT_OK && n == 8192
               ? LLAMA_3
               : LLAMA_3_1;
}

static weft_status names_add(const txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                             weft_error *err)
{
    int      release = release_of(t->host, p);
    uint32_t reserved = 0, base = t->vocab.n_base,
             end = t->vocab_size != 0 ? t->vocab_size : base + N_NAMES;
    weft_status s = WEFT_OK;
    for (uint32_t i = 0; s == WEFT_OK && i < N_NAMES && base + i < end; i++) {
        char        numbered[48];
        const char *name = i < 11 ? releases[release].at[i] : NULL;
        if (name == NULL) {
            snprintf(numbered, sizeof numbered, "<|reserved_special_token_%u|>", reserved++);
            name = numbered;
        }
        s = txt_list_add(list, name, strlen(name), base + i, TXT_SPECIAL, err);
    }
    if (s == WEFT_OK && release == LLAMA_VISION)
        s = txt_list_add(list, "<|image|>", 9, end, TXT_SPECIAL, err);
    return s;
}

/* The text that a token is looked for as: its own, or what the normalizers make of it. */
static weft_status pattern_put(txt_tokenizer *t, const txt_token *token, uint32_t id,
                               weft_error *err)
{
    txt_buf        bufs[2] = {{.host = t->host}, {.host = t->host}};
    const uint8_t *bytes = txt_vocab_bytes(&t->vocab, token);
    uint32_t       which = 2;
    weft_status    s;
    if ((token->flags & TXT_NORMAL) == 0)
        return txt_patterns_put(&t->raw, bytes, token->length, id, token->flags, err);
    s = txt_normalise(&t->normalizers, bytes, token->length, bufs, &which, err);
    if (s == WEFT_OK && which == 2)
        s = txt_patterns_put(&t->normal, bytes, token->length, id, token->flags, err);
    else if (s == WEFT_OK && bufs[which].n > TXT_MAX_ADDED_BYTES * 2)
        s = weft_fail(err, WEFT_E_LIMIT, "the normalizers make added token %u too long", id);
    else if (s == WEFT_OK)
        s = txt_patterns_put(&t->normal, bufs[which].p, bufs[which].n, id, token->flags, err);
    txt_buf_free(&bufs[0]);
    txt_buf_free(&bufs[1]);
    return s;
}

static weft_status patterns_make(txt_tokenizer *t, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint32_t i = 0; s == WEFT_OK && i < t->vocab.n_added; i++) {
        const uint32_t id = t->vocab.added[i];
        s = pattern_put(t, txt_vocab_token(&t->vocab, id), id, err);
    }
    txt_patterns_sort(&t->raw);
    txt_patterns_sort(&t->normal);
    return s;
}

weft_status txt_specials_read(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err)
{
    const char *from = list->items.n != 0 ? t->from : CONFIG_FILE;
    weft_status s = list->items.n != 0 ? WEFT_OK : config_read(list, t->host, p, err);
    if (s == WEFT_OK && list->items.n == 0 && !t->merges.is_used) {
        from = "tokenizer.model";
        s = names_add(t, list, p, err);
    }
    for (uint64_t i = 0; s == WEFT_OK && i < list->items.n / sizeof(txt_added_token); i++) {
        txt_added_token a;
        memcpy(&a, list->items.p + i * sizeof a, sizeof a);
        s = txt_added_put(&t->vocab, from, a.id, list->bytes.p + a.at, a.length, a.flags, err);
    }
    if (s == WEFT_OK)
        s = txt_added_sort(&t->vocab, from, err);
    if (s == WEFT_OK && t->merges.is_used)
        txt_merges_leave_out_specials(&t->merges, &t->vocab);
    return s == WEFT_OK ? patterns_make(t, err) : s;
}
