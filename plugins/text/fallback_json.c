/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a tokenizer.json of Llama 1 and 2. It checks that the file describes a tokenizer of that
 * kind (BPE with byte_fallback over characters, a space as U+2581) and reads its vocabulary, its
 * merges and its added tokens. Anything that would encode differently is UNSUPPORTED, and the
 * message names it. Source: huggingface/tokenizers (serialisation); transformers
 * convert_slow_tokenizer.py (LlamaConverter, before and after Metaspace came into use). */
#include "text.h"

#define FILE_NAME "tokenizer.json"
#define MARK "\xe2\x96\x81"

/* Groups of values that only mean something together. ALL (0): the values that every such file has.
 */
enum { ALL, SEQUENCE = 1, METASPACE = 2, STRIP = 4 };
typedef struct rule {
    const char *path;
    int         is;
    const char *text;
    int         group;
    bool        needed;
    const char *name; /* for the message */
} rule;

static const rule rules[] = {
    {"normalizer.type", TXT_IS_TEXT, "Sequence", SEQUENCE, true, "another normalizer"},
    {"normalizer.normalizers[0].type", TXT_IS_TEXT, "Prepend", SEQUENCE, true,
     "a normalizer that does not begin with Prepend"},
    {"normalizer.normalizers[0].prepend", TXT_IS_TEXT, MARK, SEQUENCE, true, "another Prepend"},
    {"normalizer.normalizers[1].type", TXT_IS_TEXT, "Replace", SEQUENCE, true,
     "a Prepend not followed by Replace"},
    {"normalizer.normalizers[1].pattern.String", TXT_IS_TEXT, " ", SEQUENCE, true,
     "a Replace of something else than spaces"},
    {"normalizer.normalizers[1].content", TXT_IS_TEXT, MARK, SEQUENCE, true,
     "a Replace by something else than U+2581"},
    {"normalizer.normalizers[2]", TXT_IS_ABSENT, NULL, SEQUENCE, false, "a third normalizer"},
    {"pre_tokenizer.type", TXT_IS_TEXT, "Metaspace", METASPACE, true, "another pre_tokenizer"},
    {"pre_tokenizer.replacement", TXT_IS_TEXT, MARK, METASPACE, true,
     "a Metaspace of another character than U+2581"},
    {"pre_tokenizer.split", TXT_IS_FALSE, NULL, METASPACE, true, "a Metaspace that splits"},
    {"decoder.type", TXT_IS_TEXT, "Sequence", ALL, true, "a decoder that is no Sequence"},
    {"decoder.decoders[0].type", TXT_IS_TEXT, "Replace", ALL, true,
     "a decoder that does not begin with Replace"},
    {"decoder.decoders[0].pattern.String", TXT_IS_TEXT, MARK, ALL, true,
     "a decoder that replaces something else than U+2581"},
    {"decoder.decoders[0].content", TXT_IS_TEXT, " ", ALL, true,
     "a decoder that replaces by something else than a space"},
    {"decoder.decoders[1].type", TXT_IS_TEXT, "ByteFallback", ALL, true,
     "a decoder without ByteFallback"},
    {"decoder.decoders[2].type", TXT_IS_TEXT, "Fuse", ALL, true, "a decoder without Fuse"},
    {"decoder.decoders[3].type", TXT_IS_TEXT, "Strip", STRIP, true,
     "a decoder that ends otherwise"},
    {"decoder.decoders[3].content", TXT_IS_TEXT, " ", STRIP, true,
     "a Strip of something else than a space"},
    {"decoder.decoders[4]", TXT_IS_ABSENT, NULL, ALL, false, "a fifth decoder"},
    {"model.type", TXT_IS_TEXT, "BPE", ALL, true, "a model that is not BPE"},
    {"model.dropout", TXT_IS_NULL, NULL, ALL, false, "dropout"},
    {"model.continuing_subword_prefix", TXT_IS_EMPTY, NULL, ALL, false,
     "a continuing_subword_prefix"},
    {"model.end_of_word_suffix", TXT_IS_EMPTY, NULL, ALL, false, "an end_of_word_suffix"},
    {"model.byte_fallback", TXT_IS_TRUE, NULL, ALL, true, "no byte_fallback"},
    {"model.ignore_merges", TXT_IS_FALSE, NULL, ALL, false, "ignore_merges"},
};
#define N_RULES (uint32_t)(sizeof rules / sizeof rules[0])
#define SEEN_VOCAB (1u << N_RULES)
#define SEEN_ADDED (SEEN_VOCAB << 1)
#define SEEN_MERGES (SEEN_VOCAB << 2)
#define SEEN_SCHEME (SEEN_VOCAB << 3)

typedef struct document {
    txt_json        json;
    txt_tokenizer  *t;
    txt_added_list *added;
    uint32_t        seen;     /* bit i: rules[i]; SEEN_* */
    uint32_t        strip[2]; /* decoders[3].start, stop */
} document;

static weft_status see(document *d, uint32_t bit, weft_error *err)
{
    if ((d->seen & bit) != 0)
        return txt_json_bad(&d->json, err, "this is there for the second time");
    d->seen |= bit;
    return WEFT_OK;
}

static weft_status not_ours(weft_error *err, const char *what)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     FILE_NAME " has %s: it is not a tokenizer of Llama 1 or 2", what);
}

static weft_status scheme_read(document *d, weft_error *err)
{
    static const char *const names[] = {"always", "first", "never"};
    static const int         prefix[] = {TXT_PREFIX_UNMARKED, TXT_PREFIX_FIRST, TXT_PREFIX_NEVER};
    for (int i = 0; i < 3; i++) {
        if (txt_json_is(&d->json, TXT_IS_TEXT, names[i])) {
            d->t->fallback.prefix = prefix[i];
            return see(d, SEEN_SCHEME, err);
        }
    }
    return not_ours(err, "another prepend_scheme");
}

static weft_status value_read(document *d, weft_error *err)
{
    txt_json *j = &d->json;
    if (strcmp(j->path, "pre_tokenizer.prepend_scheme") == 0)
        return scheme_read(d, err);
    if (strcmp(j->path, "decoder.decoders[3].start") == 0)
        return txt_json_uint(j, 1024, &d->strip[0], err);
    if (strcmp(j->path, "decoder.decoders[3].stop") == 0)
        return txt_json_uint(j, 1024, &d->strip[1], err);
    for (uint32_t i = 0; i < N_RULES; i++) {
        if (strcmp(rules[i].path, j->path) != 0)
            continue;
        return txt_json_is(j, rules[i].is, rules[i].text) ? see(d, 1u << i, err)
                                                          : not_ours(err, rules[i].name);
    }
    return WEFT_OK;
}

static weft_status vocab_entry(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    uint32_t    id;
    weft_status s = txt_json_uint(j, TXT_MAX_VOCAB - 1, &id, err);
    if (s != WEFT_OK)
        return s;
    if (j->key.n == 0 || j->key.n > TXT_MAX_TOKEN)
        return txt_json_bad(j, err, "a token is empty or longer than 4096 bytes");
    return txt_vocab_put(&d->t->vocab, id, j->key.p, (uint32_t)j->key.n, 0, err);
}

/* Finds the 256 tokens that stand for bytes. All of them must be there. */
static weft_status bytes_find(document *d, weft_error *err)
{
    txt_vocab *v = &d->t->vocab;
    for (uint32_t i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        uint32_t id = txt_vocab_find(v, (const uint8_t *)name, 6);
        if (id == TXT_NONE)
            return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no token %s for that byte", name);
        d->t->fallback.byte_id[i] = id;
        ((txt_token *)(void *)v->tokens.p)[id].flags |= TXT_BYTE;
    }
    return WEFT_OK;
}

static weft_status vocab_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    uint32_t    twice, first;
    weft_status s = see(d, SEEN_VOCAB, err);
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = vocab_entry(d, err);
    if (s == WEFT_OK)
        s = txt_vocab_index(&d->t->vocab, &twice, &first, err);
    if (s == WEFT_E_CORRUPT && twice != TXT_NONE)
        return weft_fail(err, s, FILE_NAME ": ids %u and %u are the same token", first, twice);
    return s == WEFT_OK ? bytes_find(d, err) : s;
}

static weft_status merge_read(document *d, txt_buf *both, weft_error *err)
{
    const txt_vocab *v = &d->t->vocab;
    uint64_t         left = 0;
    weft_status      s = txt_json_merge(&d->json, both, &left, err);
    if (s != WEFT_OK)
        return s;
    const txt_merge m = {txt_vocab_find(v, both->p, left),
                         txt_vocab_find(v, both->p + left, both->n - left),
                         txt_vocab_find(v, both->p, both->n), 0};
    if (m.left == TXT_NONE || m.right == TXT_NONE || m.id == TXT_NONE)
        return txt_json_bad(&d->json, err,
                            "a merge is of tokens, or makes one, that are not in the vocabulary");
    return txt_buf_add(&d->t->fallback.merges, &m, sizeof m, err);
}

static weft_status merges_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    txt_buf     both = {.host = j->in.host};
    uint32_t    n = 0;
    weft_status s = see(d, SEEN_MERGES, err);
    if (s == WEFT_OK && (d->seen & SEEN_VOCAB) == 0)
        return not_ours(err, "its merges before its vocabulary");
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = n++ == TXT_MAX_MERGES
                ? weft_fail(err, WEFT_E_LIMIT, FILE_NAME " has more than %u merges", TXT_MAX_MERGES)
                : merge_read(d, &both, err);
    txt_buf_free(&both);
    return s == WEFT_OK ? txt_fallback_index(&d->t->fallback, j->in.host, err) : s;
}

static weft_status event_read(document *d, weft_error *err)
{
    const txt_json *j = &d->json;
    if (j->event == TXT_J_OBJECT && strcmp(j->path, "model.vocab") == 0)
        return vocab_read(d, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "model.merges") == 0)
        return merges_read(d, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "added_tokens") == 0) {
        weft_status s = see(d, SEEN_ADDED, err);
        return s == WEFT_OK ? txt_json_added(&d->json, d->added, err) : s;
    }
    return j->event == TXT_J_CLOSE ? WEFT_OK : value_read(d, err);
}

/* Which groups the file has. A single value of a group means that the group is there. */
static int groups_seen(const document *d)
{
    int groups = (d->seen & SEEN_SCHEME) != 0 ? METASPACE : 0;
    for (uint32_t i = 0; i < N_RULES; i++)
        if ((d->seen & 1u << i) != 0)
            groups |= rules[i].group;
    return groups;
}

/* Checks what can only be told when the document has been read to its end. */
static weft_status complete(document *d, weft_error *err)
{
    txt_fallback *f = &d->t->fallback;
    const int     groups = groups_seen(d), how = groups & (SEQUENCE | METASPACE);
    for (uint32_t i = 0; i < N_RULES; i++)
        if (rules[i].needed && (d->seen & 1u << i) == 0 &&
            (rules[i].group == ALL || (groups & rules[i].group) != 0))
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             FILE_NAME " has no %s: it is not a tokenizer of Llama 1 or 2",
                             rules[i].path);
    if (how != SEQUENCE && (how != METASPACE || (d->seen & SEEN_SCHEME) == 0))
        return not_ours(err, "neither Prepend and Replace nor Metaspace with a prepend_scheme");
    if ((groups & STRIP) != 0 && (d->strip[0] != 1 || d->strip[1] != 0))
        return not_ours(err, "a Strip of another number of spaces");
    if ((d->seen & SEEN_VOCAB) == 0 || (d->seen & SEEN_MERGES) == 0)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no model.vocab or no model.merges");
    f->strips = (groups & STRIP) != 0;
    if (how == SEQUENCE)
        f->prefix = TXT_PREFIX_ALWAYS;
    f->is_used = true;
    return WEFT_OK;
}

weft_status txt_fallback_json_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                                   weft_error *err)
{
    document    d = {.t = t, .added = added};
    weft_status s = txt_json_open(t->host, p, FILE_NAME, &d.json, err);
    if (s != WEFT_OK)
        return s;
    t->fallback.merges.host = t->host;
    while ((s = txt_json_next(&d.json, err)) == WEFT_OK && d.json.event != TXT_J_END)
        if ((s = event_read(&d, err)) != WEFT_OK)
            break;
    if (s == WEFT_OK)
        s = complete(&d, err);
    txt_json_close(&d.json);
    return s;
}
