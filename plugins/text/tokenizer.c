/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer as a whole: it is opened from a directory, and turns text into ids and ids into
 * bytes. */
#include "text.h"

static bool has_file(const weft_host *h, const weft_package *p, const char *file)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    weft_source            source = {.hdr = WEFT_HDR(weft_source)};
    return package->open(h, p, file, &source, NULL) == WEFT_OK;
}

static void start_over(txt_tokenizer *t, txt_added_list *list)
{
    txt_vocab_free(&t->vocab);
    txt_vocab_init(&t->vocab, t->host);
    list->bytes.n = list->items.n = 0;
}

/* Reads tokenizer.json, whose content tells its kind: that of Llama 3, else that of Llama 1 and 2.
 * A file that is neither is refused with the message for Llama 3's kind. */
static weft_status read_json(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                             weft_error *err)
{
    start_over(t, list);
    weft_status s = txt_tokenizer_json_read(&t->vocab, list, t->host, p, err);
    if (s != WEFT_E_UNSUPPORTED)
        return s;
    weft_error other = {WEFT_HDR(weft_error), 0, 0, {0}};
    start_over(t, list);
    s = txt_fallback_json_read(t, list, p, &other);
    return s == WEFT_OK || s == WEFT_E_UNSUPPORTED ? s : weft_fail(err, s, "%s", other.message);
}

/* Reads the vocabulary from tokenizer.model where that is in tiktoken's format, else from
 * tokenizer.json. The added tokens come from tokenizer.json in either case. */
static weft_status read_vocab(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err)
{
    bool        json = has_file(t->host, p, "tokenizer.json");
    weft_status s = txt_model_file_read(&t->vocab, p, err);
    if (s == WEFT_OK)
        return json ? txt_tokenizer_json_read(NULL, list, t->host, p, err) : s;
    if (!json)
        return s != WEFT_E_NOTFOUND
                   ? s
                   : weft_fail(err, s,
                               "the directory has neither tokenizer.model nor tokenizer.json");
    if (s != WEFT_E_NOTFOUND && s != WEFT_E_UNSUPPORTED)
        return s;
    return read_json(t, list, p, err);
}

static weft_status read_all(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                            weft_error *err)
{
    weft_status s = txt_settings_vocab_size(t, p, err);
    if (s == WEFT_OK)
        s = read_vocab(t, list, p, err);
    if (s == WEFT_OK && t->vocab_size != 0 && t->vocab.n_base > t->vocab_size)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the tokenizer's ids go up to %u, and config.json says vocab_size %u",
                         t->vocab.n_base - 1, t->vocab_size);
    if (s == WEFT_OK)
        s = txt_specials_read(t, list, p, err);
    if (s == WEFT_OK)
        s = txt_settings_stops(t, p, err);
    return s == WEFT_OK ? txt_settings_chat(t, p, err) : s;
}

static void find_specials(txt_tokenizer *t, const weft_package *p)
{
    int64_t id;
    t->start_header = txt_added_find(&t->vocab, "<|start_header_id|>");
    t->end_header = txt_added_find(&t->vocab, "<|end_header_id|>");
    t->eot = txt_added_find(&t->vocab, "<|eot_id|>");
    t->end_turn = txt_added_find(&t->vocab, "<end_of_utterance>");
    if (t->fallback.is_used && t->end_turn != TXT_NONE && t->n_stops < TXT_MAX_STOPS)
        t->stops[t->n_stops++] = t->end_turn;
    t->bos = txt_added_find(&t->vocab, t->fallback.is_used ? "<s>" : "<|begin_of_text|>");
    if (t->bos == TXT_NONE && txt_config_i64(t->host, p, "bos_token_id", &id, NULL) == WEFT_OK &&
        id >= 0 && id <= INT32_MAX)
        t->bos = (uint32_t)id;
}

weft_status txt_tokenizer_create(const weft_host *h, const weft_package *p, void **self,
                                 weft_error *err)
{
    *self = NULL;
    txt_tokenizer *t = h->alloc(h, sizeof *t, 16);
    if (t == NULL)
        return txt_fail_nomem(err, sizeof *t);
    memset(t, 0, sizeof *t);
    t->host = h;
    txt_vocab_init(&t->vocab, h);
    txt_added_list list = {.bytes.host = h, .items.host = h};
    weft_status    s = read_all(t, &list, p, err);
    txt_buf_free(&list.bytes);
    txt_buf_free(&list.items);
    if (s != WEFT_OK) {
        txt_tokenizer_destroy(t);
        return s;
    }
    find_specials(t, p);
    *self = t;
    return WEFT_OK;
}

void txt_tokenizer_destroy(void *self)
{
    txt_tokenizer *t = self;
    if (t == NULL)
        return;
    txt_vocab_free(&t->vocab);
    txt_fallback_free(&t->fallback, t->host);
    t->host->free(t->host, t);
}

/* What all pieces of one text share. */
typedef struct encoding {
    const txt_tokenizer *t;
    const uint8_t       *text;
    txt_scratch         *scratch;
    txt_sink            *out;
    bool                 specials;
} encoding;

/* Encodes bytes [at, last) of the text, which hold no added tokens. */
static weft_status encode_plain(const encoding *e, uint64_t at, uint64_t last, weft_error *err)
{
    weft_status s = WEFT_OK;
    if (e->t->fallback.is_used)
        return txt_fallback_encode(e->t, e->text + at, last - at, at == 0, e->specials, e->scratch,
                                   e->out, err);
    for (uint64_t end; s == WEFT_OK && at < last; at = end) {
        end = at + txt_split_next(e->text + at, last - at, 0);
        s = txt_bpe(&e->t->vocab, e->text + at, end - at, e->scratch, e->out, err);
    }
    return s;
}

weft_status txt_encode_into(const txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags,
                            txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const encoding e = {t, bytes, scratch, out, (flags & WEFT_TOK_SPECIAL) != 0};
    uint64_t       from = 0; /* start of the text that is not encoded yet */
    weft_status    s = WEFT_OK;
    if (n == 0)
        return WEFT_OK; /* text may be NULL */
    if (!e.specials && t->vocab.n_plain == 0)
        return encode_plain(&e, 0, n, err);
    for (uint64_t at = 0; s == WEFT_OK && at < n;) {
        uint32_t id = txt_added_match(&t->vocab, bytes + at, n - at,
                                      e.specials ? TXT_MATCH_ALL : TXT_MATCH_PLAIN);
        if (id == TXT_NONE) {
            at++;
            continue;
        }
        s = encode_plain(&e, from, at, err);
        txt_sink_put(out, id);
        at += txt_vocab_token(&t->vocab, id)->length;
        from = at;
    }
    return s == WEFT_OK ? encode_plain(&e, from, n, err) : s;
}

weft_status txt_encode(void *self, const char *text, uint64_t bytes, uint32_t flags, int32_t *ids,
                       uint64_t cap, uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    txt_scratch          scratch;
    txt_sink             out = {ids, cap, 0};
    if ((flags & ~WEFT_TOK_SPECIAL) != 0)
        return weft_fail(err, WEFT_E_INVALID, "encode knows no flags but WEFT_TOK_SPECIAL");
    txt_scratch_init(&scratch, t->host);
    weft_status s = txt_encode_into(t, text, bytes, flags, &scratch, &out, err);
    txt_scratch_free(&scratch);
    *need = out.n;
    return s;
}

weft_status txt_decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    uint64_t             count = 0;
    uint8_t              own[TXT_MAX_TOKEN];
    bool                 is_first = n > 1; /* a single id may come from the middle of an answer */
    uint32_t             end = t->vocab_size > t->vocab.n_ids ? t->vocab_size : t->vocab.n_ids;
    for (uint64_t i = 0; i < n; i++) {
        const txt_token *token = txt_vocab_token(&t->vocab, ids[i]);
        /* Ids that the model has and the tokenizer does not name give no text, like special tokens.
         */
        if (ids[i] < 0 || (uint32_t)ids[i] >= end)
            return weft_fail(err, WEFT_E_INVALID,
                             "id %d is not in the vocabulary, which ends at %u", ids[i], end - 1);
        if (token == NULL || (token->flags & TXT_SPECIAL) != 0)
            continue;
        const uint8_t *bytes = txt_vocab_bytes(&t->vocab, token);
        uint64_t       length = token->length, room = count < cap ? cap - count : 0;
        if (t->fallback.is_used)
            length = txt_fallback_text(t, (uint32_t)ids[i], is_first, own, &bytes);
        if (room != 0)
            memcpy(text + count, bytes, length < room ? length : room);
        count += length;
        is_first = false;
    }
    *need = count;
    return WEFT_OK;
}
