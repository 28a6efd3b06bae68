/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Mistral's tekken.json. Its vocabulary is a list of byte strings in the order of their
 * ranks, of which the first ones are used; an id is a rank plus the number of special tokens, which
 * have the ids before. Files of before version 7 do not list the special tokens, and the first of
 * them have the names below. Source: mistral-common tokens/tokenizers/tekken.py. */
#include "text.h"

#define FILE_NAME "tekken.json"

static const char *const names[] = {
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
};
#define N_NAMES (uint32_t)(sizeof names / sizeof *names)

typedef struct document {
    txt_json        json;
    txt_tokenizer  *t;
    txt_added_list *added;
    uint32_t        size, n_special; /* of both together, and of special tokens */
    uint32_t        n_listed;        /* how many special tokens the file names */
    uint32_t        next;            /* the rank of the next token */
    bool            has_vocab, has_split;
} document;

static weft_status pattern_read(document *d, weft_error *err)
{
    if (d->json.event != TXT_J_STRING)
        return txt_json_bad(&d->json, err, "the pattern is no string");
    if (d->has_split)
        return txt_json_bad(&d->json, err, "this is there for the second time");
    d->has_split = true;
    return txt_steps_split(&d->t->pre_tokenizers, d->json.text.p, d->json.text.n, err);
}

/* "v7" is 7; what is written in another way is no version that anything here goes by. */
static uint32_t version_of(const txt_buf *text)
{
    uint32_t v = 0;
    for (uint64_t i = 1; i < text->n && i < 4 && text->p[0] == 'v'; i++) {
        if (text->p[i] < '0' || text->p[i] > '9')
            return 0;
        v = v * 10 + (uint32_t)(text->p[i] - '0');
    }
    return v;
}

static weft_status config_value(document *d, weft_error *err)
{
    txt_json *j = &d->json;
    if (strcmp(j->path, "config.pattern") == 0)
        return pattern_read(d, err);
    if (strcmp(j->path, "config.version") == 0 && j->event == TXT_J_STRING)
        d->t->tekken_version = version_of(&j->text);
    if (strcmp(j->path, "config.default_vocab_size") == 0)
        return txt_json_uint(j, TXT_MAX_VOCAB, &d->size, err);
    if (strcmp(j->path, "config.default_num_special_tokens") == 0)
        return txt_json_uint(j, TXT_MAX_ADDED, &d->n_special, err);
    return WEFT_OK;
}

/* One {"rank", "token_bytes", "token_str"} of the vocabulary, whose OBJECT was just read. */
static weft_status token_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    uint8_t     bytes[TXT_MAX_TOKEN + 4];
    uint32_t    n = 0, rank = TXT_NONE;
    weft_status s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE) {
        if (strcmp((const char *)j->key.p, "rank") == 0)
            s = txt_json_uint(j, TXT_MAX_VOCAB - 1, &rank, err);
        else if (strcmp((const char *)j->key.p, "token_bytes") == 0 &&
                 (j->event != TXT_J_STRING || j->text.n > TXT_MAX_TOKEN / 3 * 4 ||
                  !txt_base64(j->text.p, (uint32_t)j->text.n, bytes, &n)))
            s = txt_json_bad(j, err, "token_bytes is not base64 of at most 4095 bytes");
        else if (j->event == TXT_J_OBJECT || j->event == TXT_J_ARRAY)
            s = txt_json_skip(j, err);
        if (s != WEFT_OK)
            return s;
    }
    if (s != WEFT_OK)
        return s;
    if (n == 0 || rank != d->next)
        return txt_json_bad(j, err, "a token has no token_bytes, or its rank is not the next one");
    d->next++;
    return d->n_special + rank < d->size
               ? txt_vocab_put(&d->t->vocab, d->n_special + rank, bytes, n, 0, err)
               : WEFT_OK;
}

static weft_status vocab_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    uint32_t    twice, first;
    weft_status s = WEFT_OK;
    if (d->has_vocab)
        return txt_json_bad(j, err, "this is there for the second time");
    d->has_vocab = true;
    if (d->size <= d->n_special || d->n_special == 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         FILE_NAME " does not say its sizes before its vocabulary");
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = j->event == TXT_J_OBJECT ? token_read(d, err)
                                     : txt_json_bad(j, err, "a token is not an object");
    if (s == WEFT_OK)
        s = txt_vocab_index(&d->t->vocab, &twice, &first, err);
    if (s == WEFT_E_CORRUPT && d->t->vocab.n_slots != 0 && twice != TXT_NONE)
        return weft_fail(err, s, FILE_NAME ": ids %u and %u are the same token", first, twice);
    uint32_t byte = s == WEFT_OK ? txt_vocab_missing_byte(&d->t->vocab) : 256;
    return byte < 256 ? weft_fail(err, WEFT_E_CORRUPT,
                                  FILE_NAME " has no token for the single byte 0x%02x", byte)
                      : s;
}

/* One {"rank", "token_str", "is_control"} of special_tokens, whose OBJECT was just read. */
static weft_status special_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    txt_buf     text = {.host = d->t->host};
    uint32_t    rank = TXT_NONE;
    weft_status s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE) {
        if (strcmp((const char *)j->key.p, "rank") == 0)
            s = txt_json_uint(j, TXT_MAX_ADDED - 1, &rank, err);
        else if (strcmp((const char *)j->key.p, "token_str") == 0 && j->event == TXT_J_STRING)
            s = txt_buf_add(&text, j->text.p, j->text.n, err);
        else if (j->event == TXT_J_OBJECT || j->event == TXT_J_ARRAY)
            s = txt_json_skip(j, err);
        if (s != WEFT_OK)
            break;
    }
    if (s == WEFT_OK && (rank != d->n_listed || text.n == 0 || text.n > TXT_MAX_ADDED_BYTES))
        s = txt_json_bad(j, err,
                         "a special token has no token_str, or its rank is not the next one");
    if (s == WEFT_OK)
        s = txt_list_add(d->added, text.p, text.n, rank, TXT_SPECIAL, err);
    d->n_listed++;
    txt_buf_free(&text);
    return s;
}

static weft_status event_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    weft_status s = WEFT_OK;
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "vocab") == 0)
        return vocab_read(d, err);
    if (j->event != TXT_J_ARRAY || strcmp(j->path, "special_tokens") != 0)
        return config_value(d, err);
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = j->event == TXT_J_OBJECT ? special_read(d, err)
                                     : txt_json_bad(j, err, "a special token is not an object");
    return s;
}

/* Names the special tokens that the file does not. */
static weft_status specials_fill(document *d, weft_error *err)
{
    const bool  old = d->n_listed == 0;
    weft_status s = WEFT_OK;
    for (uint32_t i = d->n_listed; s == WEFT_OK && i < d->n_special; i++) {
        char numbered[32];
        snprintf(numbered, sizeof numbered, "<SPECIAL_%u>", i);
        const char *name = old && i < N_NAMES ? names[i] : numbered;
        s = txt_list_add(d->added, name, strlen(name), i, TXT_SPECIAL, err);
    }
    return s;
}

static weft_status complete(document *d, weft_error *err)
{
    if (!d->has_vocab || !d->has_split)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no vocab or no config.pattern");
    if (d->n_listed > d->n_special)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " lists %u special tokens and has %u",
                         d->n_listed, d->n_special);
    snprintf(d->t->begin, sizeof d->t->begin, "<s>");
    d->t->has_template = true;
    return specials_fill(d, err);
}

weft_status txt_tekken_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                            weft_error *err)
{
    document    d = {.t = t, .added = added};
    weft_status s = txt_json_open(t->host, p, FILE_NAME, &d.json, err);
    if (s != WEFT_OK)
        return s;
    t->from = FILE_NAME;
    while ((s = txt_json_next(&d.json, err)) == WEFT_OK && d.json.event != TXT_J_END)
        if ((s = event_read(&d, err)) != WEFT_OK)
            break;
    if (s == WEFT_OK)
        s = complete(&d, err);
    txt_json_close(&d.json);
    return s;
}
