/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tokenizer.model where it is SentencePiece's: a message of Protocol Buffers with the pieces
 * and how they were made. Models of byte pair encoding are read (Llama 1 and 2, Vicuna, Mistral's
 * first), as the reference reads them; others are refused by name. Source: sentencepiece
 * src/sentencepiece_model.proto; huggingface/transformers convert_slow_tokenizer.py
 * (LlamaConverter); protobuf.dev/programming-guides/encoding. */
#include "listed.h"

#define FILE_NAME "tokenizer.model"
#define CUT FILE_NAME " is cut short, or is no SentencePiece model"

/* ModelProto's fields, and those of its parts that matter here. */
enum { PIECES = 1, TRAINER = 2, NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_KIND = 3 };
enum { TRAINER_TYPE = 3, TRAINER_SUFFIX = 24 };
enum { NORM_CHARSMAP = 2, NORM_PREFIX = 3, NORM_TRIMS = 4, NORM_ESCAPES = 5 };
enum { UNIGRAM = 1, BPE = 2, WORD = 3, CHAR = 4 };
/* Wire types: how a value is written. */
enum { VARINT = 0, WIDE = 1, BYTES = 2, NARROW = 5 };

typedef struct proto {
    txt_reader  in;
    uint64_t    at; /* bytes read */
    txt_listed  listed;
    uint64_t    type; /* of the model */
    bool        suffix, charsmap, prefix, trims, escapes;
    weft_error *err;
} proto;

/* A field's head. value: of a VARINT itself, of BYTES their count, of NARROW the four bytes. */
typedef struct field {
    uint64_t number, value;
    uint32_t wire;
} field;

static weft_status next_byte(proto *p, int *byte)
{
    weft_status s = txt_reader_next(&p->in, byte, p->err);
    p->at++;
    return s == WEFT_OK && *byte < 0 ? weft_fail(p->err, WEFT_E_CORRUPT, CUT) : s;
}

static weft_status varint(proto *p, uint64_t *v)
{
    *v = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        int         byte = 0;
        weft_status s = next_byte(p, &byte);
        if (s != WEFT_OK)
            return s;
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return WEFT_OK;
    }
    return weft_fail(p->err, WEFT_E_CORRUPT, FILE_NAME ": a number at byte %llu has no end",
                     (unsigned long long)p->at);
}

static weft_status fixed(proto *p, uint32_t bytes, uint64_t *v)
{
    weft_status s = WEFT_OK;
    *v = 0;
    for (uint32_t i = 0; i < bytes && s == WEFT_OK; i++) {
        int byte = 0;
        s = next_byte(p, &byte);
        *v |= (uint64_t)(byte & 0xff) << (8 * i);
    }
    return s;
}

/* Reads the head of the next field of a message that ends at `end`. Bytes stay to be read. */
static weft_status field_next(proto *p, uint64_t end, field *f)
{
    uint64_t    key = 0;
    weft_status s = varint(p, &key);
    f->number = key >> 3;
    f->wire = (uint32_t)(key & 7);
    if (s == WEFT_OK && (f->wire == VARINT || f->wire == BYTES))
        s = varint(p, &f->value);
    else if (s == WEFT_OK && (f->wire == WIDE || f->wire == NARROW))
        s = fixed(p, f->wire == WIDE ? 8 : 4, &f->value);
    else if (s == WEFT_OK)
        s = weft_fail(p->err, WEFT_E_CORRUPT, CUT);
    if (s == WEFT_OK && (p->at > end || (f->wire == BYTES && f->value > end - p->at)))
        s = weft_fail(p->err, WEFT_E_CORRUPT, FILE_NAME ": a field at byte %llu is too long",
                      (unsigned long long)p->at);
    return s;
}

static weft_status skip(proto *p, const field *f)
{
    weft_status s = WEFT_OK;
    for (uint64_t i = 0; f->wire == BYTES && i < f->value && s == WEFT_OK; i++) {
        int byte;
        s = next_byte(p, &byte);
    }
    return s;
}

static weft_status text_read(proto *p, const field *f, uint8_t *text)
{
    weft_status s = WEFT_OK;
    if (f->value > TXT_MAX_TOKEN)
        return weft_fail(p->err, WEFT_E_LIMIT, FILE_NAME ": piece %u has more than %u bytes",
                         txt_listed_count(&p->listed), TXT_MAX_TOKEN);
    for (uint64_t i = 0; i < f->value && s == WEFT_OK; i++) {
        int byte = 0;
        s = next_byte(p, &byte);
        text[i] = (uint8_t)byte;
    }
    return s;
}

static weft_status piece_add(proto *p, const uint8_t *text, uint64_t n, float score, uint64_t kind)
{
    const uint32_t id = txt_listed_count(&p->listed);
    const double   wide = (double)score;
    const uint8_t  byte = (uint8_t)kind;
    if (n == 0 || kind > UINT8_MAX || !(wide - wide >= 0)) /* infinite, or no number */
        return weft_fail(p->err, WEFT_E_CORRUPT,
                         FILE_NAME ": piece %u is empty, or its score or kind is none", id);
    if (kind == TXT_KIND_UNKNOWN)
        p->listed.unknown = id;
    weft_status s = txt_listed_add(&p->listed, text, n, p->err);
    if (s == WEFT_OK)
        s = txt_buf_add(&p->listed.scores, &wide, sizeof wide, p->err);
    return s == WEFT_OK ? txt_buf_add(&p->listed.kinds, &byte, 1, p->err) : s;
}

static weft_status piece_read(proto *p, uint64_t end)
{
    uint8_t     text[TXT_MAX_TOKEN];
    uint64_t    n = 0, kind = TXT_KIND_NORMAL;
    float       score = 0;
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && p->at < end) {
        field f = {0, 0, 0};
        s = field_next(p, end, &f);
        if (s == WEFT_OK && f.number == PIECE_TEXT && f.wire == BYTES) {
            s = text_read(p, &f, text);
            n = f.value;
        } else if (s == WEFT_OK && f.number == PIECE_SCORE && f.wire == NARROW) {
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        } else if (s == WEFT_OK && f.number == PIECE_KIND && f.wire == VARINT) {
            kind = f.value;
        } else if (s == WEFT_OK) {
            s = skip(p, &f);
        }
    }
    return s == WEFT_OK ? piece_add(p, text, n, score, kind) : s;
}

static void setting_take(proto *p, uint64_t part, const field *f)
{
    const bool on = f->value != 0;
    if (part == TRAINER && f->number == TRAINER_TYPE)
        p->type = f->value;
    else if (part == TRAINER && f->number == TRAINER_SUFFIX)
        p->suffix = on;
    else if (part == NORMALIZER && f->number == NORM_CHARSMAP)
        p->charsmap = on; /* it has bytes */
    else if (part == NORMALIZER && f->number == NORM_PREFIX)
        p->prefix = on;
    else if (part == NORMALIZER && f->number == NORM_TRIMS)
        p->trims = on;
    else if (part == NORMALIZER && f->number == NORM_ESCAPES)
        p->escapes = on;
}

static weft_status settings_read(proto *p, uint64_t part, uint64_t end)
{
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && p->at < end) {
        field f = {0, 0, 0};
        s = field_next(p, end, &f);
        if (s == WEFT_OK)
            setting_take(p, part, &f);
        if (s == WEFT_OK)
            s = skip(p, &f);
    }
    return s;
}

static weft_status model_read(proto *p, uint64_t length)
{
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && p->at < length) {
        field f = {0, 0, 0};
        s = field_next(p, length, &f);
        if (s != WEFT_OK)
            break;
        const uint64_t end = p->at + f.value;
        if (f.wire == BYTES && f.number == PIECES)
            s = piece_read(p, end);
        else if (f.wire == BYTES && (f.number == TRAINER || f.number == NORMALIZER))
            s = settings_read(p, f.number, end);
        else
            s = skip(p, &f);
    }
    return s;
}

static weft_status refuse(weft_error *err, const char *what)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     FILE_NAME " is a SentencePiece model %s, which is not known here; a "
                               "tokenizer.json beside it would be read instead",
                     what);
}

static weft_status kind_check(const proto *p)
{
    if (p->type != BPE)
        return refuse(p->err, p->type == UNIGRAM ? "of the kind unigram"
                              : p->type == WORD  ? "of whole words"
                              : p->type == CHAR  ? "of characters"
                                                 : "of an unknown kind");
    if (p->charsmap)
        return refuse(p->err, "that normalises characters by a table of its own");
    if (p->suffix || !p->escapes)
        return refuse(p->err, "that writes white space in another way than before its words");
    return p->trims ? refuse(p->err, "that leaves out white space") : WEFT_OK;
}

static weft_status use(txt_tokenizer *t, proto *p, txt_added_list *added,
                       const weft_package *package)
{
    weft_status s = kind_check(p);
    if (s == WEFT_OK)
        s = txt_listed_check(&p->listed, p->err);
    if (s == WEFT_OK)
        s = txt_tokenizer_json_settings(t, txt_gguf_settings("llama", "", p->prefix), p->err);
    if (s == WEFT_OK)
        s = txt_listed_vocab(t, &p->listed, true, added, p->err);
    if (s == WEFT_OK)
        s = txt_listed_merges(t, &p->listed, p->err);
    return s == WEFT_OK ? txt_specials_more(t, added, package, p->err) : s;
}

weft_status txt_sentencepiece_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                                   weft_error *err)
{
    proto m = {.type = UNIGRAM, .prefix = true, .trims = true, .escapes = true, .err = err};
    txt_listed_init(&m.listed, t->host, FILE_NAME, FILE_NAME ": ");
    weft_status s = txt_reader_open(t->host, p, FILE_NAME, TXT_MAX_MODEL_FILE, &m.in, err);
    if (s != WEFT_OK)
        return s;
    t->from = FILE_NAME;
    s = model_read(&m, (uint64_t)m.in.source.length(m.in.source.ctx));
    txt_reader_close(&m.in);
    if (s == WEFT_OK)
        s = use(t, &m, added, p);
    txt_listed_free(&m.listed);
    return s;
}
