/* SPDX-License-Identifier: Apache-2.0 */
/* The types and functions that the files of the tokenizer plugin share.
 *
 * A tokenizer is a vocabulary (the bytes of each id, and the id of given bytes), the added tokens,
 * the stop set and the chat format. txt_tokenizer_create fills it once, and afterwards it is only
 * read. Encode, chat and decode keep their state on the stack and in memory of their own, so any
 * thread may call them.
 *
 * Words of the field: the *base vocabulary* is what merging byte pairs can reach; *added tokens*
 * are further strings that stand for one id as a whole; *special* ones among them, such as
 * <|eot_id|>, control the model and are not text; the *stop set* is the ids that end an answer. A
 * *merge* is a pair of tokens that may be joined, and its *rank* says which pair is joined first.
 */
#ifndef TXT_TEXT_H
#define TXT_TEXT_H

#include <stdbool.h>

#include "weft/sdk.h"

/* The limits on what a file may ask for. */
#define TXT_MAX_VOCAB ((uint32_t)1 << 20)
#define TXT_MAX_MERGES ((uint32_t)1 << 22)
#define TXT_MAX_TOKEN 4096u
#define TXT_MAX_ADDED ((uint32_t)1 << 16)
#define TXT_MAX_ADDED_BYTES 256u /* bounds the work of one match attempt in txt_added_match */
#define TXT_MAX_IDS (TXT_MAX_VOCAB + TXT_MAX_ADDED)
#define TXT_MAX_STOPS 64u
#define TXT_MAX_MODEL_FILE ((uint64_t)64 << 20)
#define TXT_MAX_JSON_FILE ((uint64_t)256 << 20)
#define TXT_MAX_STRING ((uint64_t)16 << 20)
#define TXT_MAX_DEPTH 64u
#define TXT_NONE UINT32_MAX

/* mem.c: a growing buffer of bytes, allocated from the host. */
typedef struct txt_buf {
    const weft_host *host;
    uint8_t         *p;
    uint64_t         n, cap; /* bytes in use, bytes there */
} txt_buf;
/* Makes room for `more` bytes after the n in use. */
weft_status txt_buf_reserve(txt_buf *b, uint64_t more, weft_error *err);
weft_status txt_buf_add(txt_buf *b, const void *src, uint64_t n, weft_error *err);
void        txt_buf_free(txt_buf *b);
weft_status txt_fail_nomem(weft_error *err, uint64_t bytes);

/* reader.c: reads a file of the package byte by byte, through one block of memory. */
#define TXT_BLOCK 65536u
typedef struct txt_reader {
    const weft_host *host;
    weft_source      source;
    const char      *name; /* for messages; borrowed */
    uint8_t         *block;
    uint64_t         at, max_bytes; /* bytes fetched so far, and the cap on them */
    uint32_t         pos, end;      /* within block */
    uint32_t         line, column;  /* of the last byte given, from 1 */
    bool             ended_line;
} txt_reader;
/* NOTFOUND where the package has no such file; LIMIT where it is longer than max_bytes. Nothing is
 * held on failure. */
weft_status txt_reader_open(const weft_host *h, const weft_package *p, const char *file,
                            uint64_t max_bytes, txt_reader *out, weft_error *err);
/* Sets *byte to the next byte, or to -1 at the end. */
weft_status txt_reader_next(txt_reader *r, int *byte, weft_error *err);
void        txt_reader_close(txt_reader *r);

/* unicode.c */
enum { TXT_OTHER, TXT_LETTER, TXT_NUMBER, TXT_SPACE };
typedef struct txt_range {
    uint32_t first, last;
} txt_range;
extern const txt_range txt_letters[], txt_numbers[];
extern const uint32_t  txt_n_letters, txt_n_numbers;
/* Returns the code point at s, where n >= 1 bytes are left, and sets *length to its bytes. A byte
 * that begins no well-formed character counts by itself: *length is 1 and the result TXT_NONE.
 * Source: the Unicode Standard, table 3-7. */
uint32_t txt_utf8(const uint8_t *s, uint64_t n, uint32_t *length);
int      txt_class(uint32_t cp); /* TXT_NONE is TXT_OTHER */
bool     txt_utf8_valid(const uint8_t *s, uint64_t n);
/* Writes cp (a scalar value) to dst [4]; returns its length. */
uint32_t txt_utf8_put(uint32_t cp, uint8_t *dst);

/* split.c: text is cut into pieces by the regular expression of Llama 3 before pairs are merged.
 * Returns the end of the piece that starts at `at` (at < n). */
extern const char txt_split_regex[];
uint64_t          txt_split_next(const uint8_t *text, uint64_t n, uint64_t at);

/* vocab.c: ids to bytes and bytes to ids. */
#define TXT_ADDED 1u   /* an added token, which merging never reaches */
#define TXT_SPECIAL 2u /* an added token: found in text only if asked for, decoded to nothing */
#define TXT_NORMAL 4u  /* an added token that is looked for in normalised text (fallback.c) */
#define TXT_BYTE 8u    /* <0x00> to <0xFF>, which stands for that byte (fallback.c) */
typedef struct txt_token {
    uint32_t at;            /* in bytes.p */
    uint16_t length, flags; /* length 0: no such id */
} txt_token;
typedef struct txt_vocab {
    const weft_host *host;
    txt_buf          bytes, tokens;          /* tokens: txt_token [n_ids] */
    uint32_t         n_ids, n_base, longest; /* n_base: ids that came before the added ones */
    uint32_t        *slots, n_slots;         /* open addressing, a power of two; TXT_NONE: empty */
    uint32_t        *added, n_added;         /* ids of added tokens in order of their bytes */
    uint32_t         n_plain;                /* how many of them are not special */
} txt_vocab;
void txt_vocab_init(txt_vocab *v, const weft_host *h);
void txt_vocab_free(txt_vocab *v);
/* id at most TXT_MAX_IDS - 1, length 1 to TXT_MAX_TOKEN. CORRUPT where the id is taken. */
weft_status txt_vocab_put(txt_vocab *v, uint32_t id, const void *bytes, uint32_t length,
                          uint32_t flags, weft_error *err);
/* Builds the table that finds ids by their bytes. Where two ids have the same bytes, returns
 * CORRUPT without a message and sets *twice and *first to the two; else both are TXT_NONE. */
weft_status      txt_vocab_index(txt_vocab *v, uint32_t *twice, uint32_t *first, weft_error *err);
uint32_t         txt_vocab_find(const txt_vocab *v, const uint8_t *bytes,
                                uint64_t length);                 /* TXT_NONE: no */
const txt_token *txt_vocab_token(const txt_vocab *v, int64_t id); /* NULL: no */
const uint8_t   *txt_vocab_bytes(const txt_vocab *v, const txt_token *t);
/* The first byte value that is no token by itself, or 256. */
uint32_t txt_vocab_missing_byte(const txt_vocab *v);
/* added.c: added tokens are all put first and then sorted; after that the longest one that stands
 * at a place in the text can be found. CORRUPT: two of them have the same text. */
weft_status txt_added_put(txt_vocab *v, const char *file, int64_t id, const void *text, uint64_t n,
                          uint32_t flags, weft_error *err);
weft_status txt_added_sort(txt_vocab *v, const char *file, weft_error *err);
/* Which added tokens may be found: those that are not special; all that are not TXT_NORMAL; only
 * those that are TXT_NORMAL. */
enum { TXT_MATCH_PLAIN, TXT_MATCH_ALL, TXT_MATCH_NORMAL };
uint32_t txt_added_match(const txt_vocab *v, const uint8_t *text, uint64_t n, int which);
uint32_t txt_added_find(const txt_vocab *v, const char *text); /* TXT_NONE: no */

/* json.c: a pull reader for JSON. Each call of txt_json_next goes to the next value, in the order
 * of the file, and gives its path. */
enum {
    TXT_J_END,
    TXT_J_OBJECT,
    TXT_J_ARRAY,
    TXT_J_CLOSE,
    TXT_J_STRING,
    TXT_J_NUMBER,
    TXT_J_TRUE,
    TXT_J_FALSE,
    TXT_J_NULL
};
#define TXT_PATH_BYTES 128u
typedef struct txt_json {
    txt_reader in;
    int        event; /* TXT_J_* of the last txt_json_next */
    txt_buf    text;  /* STRING, NUMBER: the value, with a NUL after its n bytes */
    txt_buf    key;   /* in an object: the value's key, likewise; undefined after CLOSE */
    /* The value's path, such as "model.vocab" or "added_tokens[3].id"; a longer one is cut short.
     */
    char path[TXT_PATH_BYTES];
    /* How many containers are open: OBJECT and ARRAY count themselves, CLOSE does not. */
    uint32_t depth;
    struct {
        uint32_t path_bytes, count;
        bool     array;
    } level[TXT_MAX_DEPTH];
    int  c; /* the byte read ahead, -1: the end */
    bool begun;
} txt_json;
weft_status txt_json_open(const weft_host *h, const weft_package *p, const char *file,
                          txt_json *out, weft_error *err);
weft_status txt_json_next(txt_json *j, weft_error *err); /* CORRUPT with file, line and column */
/* After OBJECT or ARRAY: goes past its end. */
weft_status txt_json_skip(txt_json *j, weft_error *err);
/* Fails with CORRUPT and the message "file:line:column: what". */
weft_status txt_json_bad(txt_json *j, weft_error *err, const char *what);
/* Sets *out to the number just read, which must be a whole number in 0..max; else CORRUPT. */
weft_status txt_json_uint(txt_json *j, uint32_t max, uint32_t *out, weft_error *err);
void        txt_json_close(txt_json *j);

/* model_file.c: reads tokenizer.model. UNSUPPORTED: it is not in tiktoken's format. */
weft_status txt_model_file_read(txt_vocab *v, const weft_package *p, weft_error *err);
bool txt_base64(const uint8_t *s, uint32_t n, uint8_t *dst, uint32_t *length); /* dst [n / 4 * 3] */

/* tokenizer_json.c: reads and checks tokenizer.json. Its vocabulary goes to base, unless that is
 * NULL, and its added tokens are appended to `added`, which the caller frees. UNSUPPORTED: it
 * describes another kind of tokenizer. */
typedef struct txt_added_token {
    uint32_t at, length, id; /* at: in the list's bytes */
    uint32_t flags;          /* TXT_SPECIAL, TXT_NORMAL */
} txt_added_token;
typedef struct txt_added_list {
    txt_buf bytes, items; /* items: txt_added_token */
} txt_added_list;
weft_status txt_tokenizer_json_read(txt_vocab *base, txt_added_list *added, const weft_host *h,
                                    const weft_package *p, weft_error *err);
/* What a value of the file must be; the readers have tables of such rules. TXT_IS_EMPTY: null or
 * "". */
enum { TXT_IS_NULL, TXT_IS_EMPTY, TXT_IS_TRUE, TXT_IS_FALSE, TXT_IS_TEXT, TXT_IS_ABSENT };
bool txt_json_is(const txt_json *j, int what, const char *text);
/* Reads a merge, "A B" or ["A", "B"], whose event was just read. `both` receives A and B without
 * anything between them, and *left the bytes of A. */
weft_status txt_json_merge(txt_json *j, txt_buf *both, uint64_t *left, weft_error *err);
/* Reads the list of added_tokens, whose ARRAY was just read. */
weft_status txt_json_added(txt_json *j, txt_added_list *list, weft_error *err);
/* bpe.c: byte pair merging. A sink receives the ids: it keeps the first `cap` of them and counts
 * all. */
typedef struct txt_sink {
    int32_t *ids;
    uint64_t cap, n; /* n also counts the ids past cap */
} txt_sink;
static inline void txt_sink_put(txt_sink *s, uint32_t id)
{
    if (s->n < s->cap)
        s->ids[s->n] = (int32_t)id;
    s->n++;
}
/* Memory for pieces that are longer than words, and a count of the work they took. Each call from
 * outside has one. */
typedef struct txt_scratch {
    txt_buf  lists, parts, text; /* text: the normalised one (fallback.c) */
    uint64_t work; /* heap and lookup steps done: what the tests of linear time count */
} txt_scratch;
void        txt_scratch_init(txt_scratch *s, const weft_host *h);
void        txt_scratch_free(txt_scratch *s);
weft_status txt_bpe(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                    txt_sink *out, weft_error *err);
/* bpe_long.c: the same for a piece of at least 2 bytes that is no token itself. */
weft_status txt_bpe_long(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                         txt_sink *out, weft_error *err);

/* fallback.c, fallback_json.c: the tokenizers of Llama 1 and 2 (and of Idefics). They merge
 * characters instead of bytes, and fall back to bytes for characters that are no token. A "mark" is
 * U+2581, which stands for a space. */
enum {
    TXT_PREFIX_ALWAYS,   /* Prepend: a mark is put before any text */
    TXT_PREFIX_UNMARKED, /* Metaspace "always": likewise, unless the text begins with one */
    TXT_PREFIX_FIRST,    /* Metaspace "first": likewise, but only at the whole text's start */
    TXT_PREFIX_NEVER
};
typedef struct txt_merge { /* its index is its rank */
    uint32_t left, right, id, reserved;
} txt_merge;
typedef struct txt_fallback {
    bool      is_used;        /* the tokenizer is of this kind */
    bool      strips;         /* decoding leaves out one space at the start of the text */
    int       prefix;         /* TXT_PREFIX_* */
    uint32_t  byte_id[256];   /* of <0x00> to <0xFF> */
    txt_buf   merges;         /* txt_merge */
    uint32_t *slots, n_slots; /* pairs to merges: open addressing, a power of two */
} txt_fallback;
typedef struct txt_tokenizer txt_tokenizer;
/* Reads a tokenizer.json of this kind: the vocabulary, the merges and the added tokens.
 * UNSUPPORTED: it is of another kind. */
weft_status txt_fallback_json_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                                   weft_error *err);
weft_status txt_fallback_index(txt_fallback *f, const weft_host *h, weft_error *err);
void        txt_fallback_free(txt_fallback *f, const weft_host *h);
/* Encodes text that holds no added tokens other than TXT_NORMAL ones. is_first: the whole text
 * begins with it. */
weft_status txt_fallback_encode(const txt_tokenizer *t, const uint8_t *text, uint64_t n,
                                bool is_first, bool specials, txt_scratch *scratch, txt_sink *out,
                                weft_error *err);
/* Writes a token's text to dst, which has room for the token's length, sets *text to where it
 * begins in dst and returns its bytes. is_first: the whole text begins with this token. */
uint64_t txt_fallback_text(const txt_tokenizer *t, uint32_t id, bool is_first, uint8_t *dst,
                           const uint8_t **text);

/* tokenizer.c */
struct txt_tokenizer {
    const weft_host *host;
    txt_vocab        vocab;
    uint32_t         vocab_size; /* config.json's; 0: not known */
    uint32_t         stops[TXT_MAX_STOPS], n_stops;
    uint32_t         bos, start_header, end_header, eot; /* TXT_NONE: there is none */
    uint32_t         end_turn; /* <end_of_utterance> of Idefics' instruct models, or TXT_NONE */
    txt_fallback     fallback;
    bool             system_block;
    const char      *date;
};
weft_status txt_tokenizer_create(const weft_host *h, const weft_package *p, void **self,
                                 weft_error *err);
void        txt_tokenizer_destroy(void *self);
/* Appends the ids of text to out. flags say which added tokens are found in it. */
weft_status txt_encode_into(const txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags,
                            txt_scratch *scratch, txt_sink *out, weft_error *err);
weft_status txt_encode(void *self, const char *text, uint64_t bytes, uint32_t flags, int32_t *ids,
                       uint64_t cap, uint64_t *need, weft_error *err);
weft_status txt_decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err);

/* specials.c: adds the added tokens to t->vocab and sorts them. They are those of the list, which
 * tokenizer.json gave. Where that is empty they are those of tokenizer_config.json, or else Llama
 * 3's names by position. */
weft_status txt_specials_read(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err);
/* Reads one {"id", "content", "special", ...} whose OBJECT was just read. With id TXT_NONE its "id"
 * is taken. */
weft_status txt_added_read(txt_json *j, txt_added_list *list, uint32_t id, weft_error *err);

/* settings.c: reads what config.json, generation_config.json, the chat template and the options
 * say. */
weft_status txt_settings_vocab_size(txt_tokenizer *t, const weft_package *p, weft_error *err);
weft_status txt_settings_stops(txt_tokenizer *t, const weft_package *p, weft_error *err);
weft_status txt_settings_chat(txt_tokenizer *t, const weft_package *p, weft_error *err);
/* Reads a value of config.json, or of its text_config where the top level has none. NOTFOUND:
 * neither has it. */
weft_status txt_config_i64(const weft_host *h, const weft_package *p, const char *key, int64_t *v,
                           weft_error *err);

/* chat.c */
weft_status txt_chat(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                     uint64_t *need, weft_error *err);

#endif
