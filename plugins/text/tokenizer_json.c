/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tokenizer.json: the steps that text goes through, the model, the added tokens, and with
 * which token a text begins. What would encode otherwise than is done here is UNSUPPORTED, and the
 * message names it, so that another plugin may be asked. Source: huggingface/tokenizers
 * (serialisation of tokenizer/, models/bpe, processors/template.rs). */
#include "text.h"

#define FILE_NAME "tokenizer.json"

/* Parts of the file that may be there once, and the values of the model. */
enum { SEEN_VOCAB = 1, SEEN_MERGES = 2, SEEN_ADDED = 4 };

typedef struct document {
    txt_json        json;
    txt_tokenizer  *t;
    txt_added_list *added;
    bool            ranked; /* the vocabulary comes from another file */
    uint32_t        seen;
    txt_steps       decoder;
    txt_buf         unknown;
} document;

typedef struct rule {
    const char *path;
    int         is;
    const char *text;
    const char *name; /* for the message */
} rule;
static const rule rules[] = {
    {"model.dropout", TXT_IS_NULL, NULL, "dropout"},
    {"model.continuing_subword_prefix", TXT_IS_EMPTY, NULL, "a continuing_subword_prefix"},
    {"model.end_of_word_suffix", TXT_IS_EMPTY, NULL, "an end_of_word_suffix"},
};

static weft_status see(document *d, uint32_t bit, weft_error *err)
{
    if ((d->seen & bit) != 0)
        return txt_json_bad(&d->json, err, "this is there for the second time");
    d->seen |= bit;
    return WEFT_OK;
}

static weft_status added_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    weft_status s = see(d, SEEN_ADDED, err);
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = j->event == TXT_J_OBJECT ? txt_added_read(j, d->added, TXT_NONE, err)
                                     : txt_json_bad(j, err, "an added token is not an object");
    return s;
}

/* A container of the model, which is passed by where another file has the vocabulary. */
static weft_status container_read(document *d, uint32_t bit, weft_error *err)
{
    weft_status s = see(d, bit, err);
    if (s != WEFT_OK)
        return s;
    if (d->ranked)
        return txt_json_skip(&d->json, err);
    if (bit == SEEN_VOCAB)
        return txt_json_vocab(&d->json, &d->t->vocab, err);
    return (d->seen & SEEN_VOCAB) != 0
               ? txt_json_merges(&d->json, d->t, err)
               : weft_fail(err, WEFT_E_UNSUPPORTED,
                           FILE_NAME " has its merges before its vocabulary");
}

static weft_status other_kind(const char *kind, weft_error *err)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     FILE_NAME " has a model of the kind %.40s, which is not known here; BPE is",
                     kind);
}

static weft_status type_check(const txt_json *j, weft_error *err)
{
    if (txt_json_is(j, TXT_IS_TEXT, "BPE"))
        return WEFT_OK;
    if (j->event == TXT_J_STRING)
        return other_kind((const char *)j->text.p, err);
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     FILE_NAME " has a model.type that is not a text; \"BPE\" is known here");
}

/* Of a vocabulary that is no object, as BPE's is. Unigram's is a list of pieces with scores, by
 * which its files are known also where they have no type. */
static weft_status vocab_check(txt_json *j, weft_error *err)
{
    return j->event == TXT_J_ARRAY ? other_kind("Unigram", err)
                                   : txt_json_bad(j, err, "the vocabulary is not an object");
}

static weft_status model_value(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    txt_merges *m = &d->t->merges;
    if (strcmp(j->path, "model.type") == 0)
        return type_check(j, err);
    if (strcmp(j->path, "model.vocab") == 0)
        return vocab_check(j, err);
    const struct {
        const char *path;
        bool       *flag;
    } flags[] = {{"model.byte_fallback", &m->falls_back},
                 {"model.ignore_merges", &m->takes_whole},
                 {"model.fuse_unk", &m->fuses}};
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(flags[i].path, j->path) == 0)
            *flags[i].flag = j->event == TXT_J_TRUE;
    for (uint32_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].path, j->path) == 0 && !txt_json_is(j, rules[i].is, rules[i].text))
            return weft_fail(err, WEFT_E_UNSUPPORTED, FILE_NAME " has %s, which is not known here",
                             rules[i].name);
    if (strcmp(j->path, "model.unk_token") != 0 || j->event != TXT_J_STRING)
        return WEFT_OK;
    d->unknown.n = 0;
    return txt_buf_add(&d->unknown, j->text.p, j->text.n, err);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A TemplateProcessing says by its first entry whether texts begin with a token. */
static void post_value(document *d)
{
    const txt_json *j = &d->json;
    txt_tokenizer  *t = d->t;
    if (ends_with(j->path, ".type") && txt_json_is(j, TXT_IS_TEXT, "TemplateProcessing"))
        t->has_template = true;
    if (ends_with(j->path, ".single[0].SpecialToken.id") && j->event == TXT_J_STRING &&
        j->text.n < sizeof t->begin)
        memcpy(t->begin, j->text.p, j->text.n + 1);
}

static bool is_under(const char *path, const char *root)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && strchr(".", path[n]) != NULL;
}

static weft_status event_read(document *d, weft_error *err)
{
    txt_json *j = &d->json;
    if (j->event == TXT_J_CLOSE)
        return WEFT_OK;
    if (is_under(j->path, "normalizer"))
        return txt_steps_value(&d->t->normalizers, j, "normalizer", "normalizers", err);
    if (is_under(j->path, "pre_tokenizer"))
        return txt_steps_value(&d->t->pre_tokenizers, j, "pre_tokenizer", "pretokenizers", err);
    if (is_under(j->path, "decoder"))
        return txt_steps_value(&d->decoder, j, "decoder", "decoders", err);
    if (j->event == TXT_J_OBJECT && strcmp(j->path, "model.vocab") == 0)
        return container_read(d, SEEN_VOCAB, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "model.merges") == 0)
        return container_read(d, SEEN_MERGES, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "added_tokens") == 0)
        return added_read(d, err);
    if (is_under(j->path, "post_processor"))
        post_value(d);
    return is_under(j->path, "model") ? model_value(d, err) : WEFT_OK;
}

static weft_status events_read(document *d, weft_error *err)
{
    weft_status s;
    while ((s = txt_json_next(&d->json, err)) == WEFT_OK && d->json.event != TXT_J_END)
        if ((s = event_read(d, err)) != WEFT_OK)
            break;
    return s;
}

static void document_free(document *d)
{
    txt_steps_free(&d->decoder);
    txt_buf_free(&d->unknown);
    txt_json_close(&d->json);
}

static weft_status steps_finish(document *d, weft_error *err)
{
    txt_tokenizer *t = d->t;
    weft_status    s =
        txt_steps_finish(&t->normalizers, "normalizer", txt_normalizers, txt_n_normalizers, err);
    if (s == WEFT_OK)
        s = txt_steps_finish(&t->pre_tokenizers, "pre_tokenizer", txt_pre_tokenizers,
                             txt_n_pre_tokenizers, err);
    if (s == WEFT_OK)
        s = txt_steps_finish(&d->decoder, "decoder", txt_decoders, txt_n_decoders, err);
    if (s == WEFT_OK)
        txt_decoder_use(t, &d->decoder);
    return s;
}

/* What can only be done when the document has been read to its end. */
static weft_status complete(document *d, weft_error *err)
{
    txt_tokenizer *t = d->t;
    weft_status    s = steps_finish(d, err);
    if (s != WEFT_OK)
        return s;
    if ((d->seen & SEEN_VOCAB) == 0 || (d->seen & SEEN_MERGES) == 0)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no model.vocab or no model.merges");
    if (d->ranked)
        return txt_pieces_are_bytes(&t->pre_tokenizers)
                   ? WEFT_OK
                   : weft_fail(err, WEFT_E_UNSUPPORTED,
                               FILE_NAME " is not byte-level, and tokenizer.model is");
    return txt_json_model(t, &d->unknown, err);
}

weft_status txt_tokenizer_json_read(txt_tokenizer *t, bool ranked, txt_added_list *added,
                                    const weft_package *p, weft_error *err)
{
    document    d = {.t = t, .added = added, .ranked = ranked, .unknown.host = t->host};
    weft_status s = txt_json_open(t->host, p, FILE_NAME, &d.json, err);
    if (s != WEFT_OK)
        return s;
    txt_steps_init(&d.decoder, t->host);
    s = events_read(&d, err);
    if (s == WEFT_OK)
        s = complete(&d, err);
    document_free(&d);
    return s;
}

/* A text in memory as a source. */
typedef struct memory {
    const char *text;
    uint64_t    n;
} memory;

static int64_t memory_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const memory  *m = ctx;
    const uint64_t left = offset < m->n ? m->n - offset : 0, take = n < left ? n : left;
    memcpy(dst, m->text + (take != 0 ? offset : 0), take);
    return (int64_t)take;
}

static int64_t memory_length(void *ctx)
{
    return (int64_t)((const memory *)ctx)->n;
}

weft_status txt_tokenizer_json_settings(txt_tokenizer *t, const char *text, weft_error *err)
{
    document          d = {.t = t, .unknown.host = t->host};
    memory            m = {text, strlen(text)};
    const weft_source source = {WEFT_HDR(weft_source), &m, memory_read_at, memory_length};
    weft_status       s = txt_json_open_source(t->host, &source, t->from, &d.json, err);
    if (s != WEFT_OK)
        return s;
    txt_steps_init(&d.decoder, t->host);
    s = events_read(&d, err);
    if (s == WEFT_OK)
        s = steps_finish(&d, err);
    document_free(&d);
    return s;
}
