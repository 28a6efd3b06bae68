/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer as a whole: it is opened from a directory, and is taken apart
 * again. */
#include "text.h"

static bool has_file(const weft_host *h, const weft_package *p, const char *file)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    weft_source            source = {.hdr = WEFT_HDR(weft_source)};
    return package->open(h, p, file, &source, NULL) == WEFT_OK;
}

/* Reads the vocabulary from tokenizer.model where that is in tiktoken's format, else from
 * tokenizer.json, else from tekken.json, else from a GGUF file, else from a tokenizer.model that is
 * SentencePiece's. The added tokens come from tokenizer.json where it is there. */
static weft_status read_vocab(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err)
{
    const bool  json = has_file(t->host, p, "tokenizer.json");
    weft_status s = txt_model_file_read(&t->vocab, p, err);
    if (s == WEFT_OK)
        return json ? txt_tokenizer_json_read(t, true, list, p, err)
                    : txt_steps_split(&t->pre_tokenizers, txt_split_regex, strlen(txt_split_regex),
                                      err);
    if (s != WEFT_E_NOTFOUND && s != WEFT_E_UNSUPPORTED)
        return s;
    if (json)
        return txt_tokenizer_json_read(t, false, list, p, err);
    if (has_file(t->host, p, "tekken.json"))
        return txt_tekken_read(t, list, p, err);
    if (has_file(t->host, p, "model.gguf"))
        return txt_gguf_read(t, list, p, err);
    return s != WEFT_E_NOTFOUND
               ? txt_sentencepiece_read(t, list, p, err)
               : weft_fail(
                     err, s,
                     "the directory has neither tokenizer.model, tokenizer.json nor tekken.json");
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
    if (s != WEFT_OK)
        return s;
    txt_settings_bos(t, p);
    txt_settings_shown(t);
    s = txt_settings_stops(t, p, err);
    if (s == WEFT_OK && has_file(t->host, p, "model.gguf"))
        txt_gguf_stops(t);
    if (s == WEFT_OK)
        s = txt_settings_chat(t, p, err);
    return s == WEFT_OK ? txt_templates_read(t, p, err) : s;
}

static void find_specials(txt_tokenizer *t)
{
    t->start_header = txt_added_find(&t->vocab, "<|start_header_id|>");
    t->end_header = txt_added_find(&t->vocab, "<|end_header_id|>");
    t->eot = txt_added_find(&t->vocab, "<|eot_id|>");
    t->end_turn = txt_added_find(&t->vocab, "<end_of_utterance>");
    if (t->merges.is_used && t->merges.of_chars && t->end_turn != TXT_NONE &&
        t->n_stops < TXT_MAX_STOPS)
        t->stops[t->n_stops++] = t->end_turn;
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
    t->from = "tokenizer.json";
    txt_vocab_init(&t->vocab, h);
    txt_steps_init(&t->normalizers, h);
    txt_steps_init(&t->pre_tokenizers, h);
    t->merges.list.host = t->raw.bytes.host = t->raw.items.host = h;
    t->normal.bytes.host = t->normal.items.host = h;
    txt_added_list list = {.bytes.host = h, .items.host = h};
    weft_status    s = read_all(t, &list, p, err);
    txt_buf_free(&list.bytes);
    txt_buf_free(&list.items);
    if (s != WEFT_OK) {
        txt_tokenizer_destroy(t);
        return s;
    }
    find_specials(t);
    *self = t;
    return WEFT_OK;
}

void txt_tokenizer_destroy(void *self)
{
    txt_tokenizer *t = self;
    if (t == NULL)
        return;
    txt_vocab_free(&t->vocab);
    txt_merges_free(&t->merges, t->host);
    txt_steps_free(&t->normalizers);
    txt_steps_free(&t->pre_tokenizers);
    txt_patterns_free(&t->raw);
    txt_patterns_free(&t->normal);
    txt_templates_free(&t->templates);
    t->host->free(t->host, t);
}
