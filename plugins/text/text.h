/* SPDX-License-Identifier: Apache-2.0 */
/* The types and functions that the files of the tokenizer plugin share.
 *
 * A tokenizer is a list of steps that change and cut text, a vocabulary (the bytes of each id, and
 * the id of given bytes), the added tokens, the stop set and the chat format. txt_tokenizer_create
 * fills it once, and afterwards it is only read. Encode, chat and decode keep their state on the
 * stack and in memory of their own, so any thread may call them.
 *
 * Words of the field: the *base vocabulary* is what merging byte pairs can reach; *added tokens*
 * are further strings that stand for one id as a whole; *special* ones among them, such as
 * <|eot_id|>, control the model and are not text; the *stop set* is the ids that end an answer. A
 * *merge* is a pair of tokens that may be joined, and its *rank* says which pair is joined first.
 */
#ifndef TXT_TEXT_H
#define TXT_TEXT_H

#include "chat_template.h"
#include "model.h"
#include "unicode.h"

/* model_file.c: reads tokenizer.model. UNSUPPORTED: it is not in tiktoken's format. */
weft_status txt_model_file_read(txt_vocab *v, const weft_package *p, weft_error *err);
bool txt_base64(const uint8_t *s, uint32_t n, uint8_t *dst, uint32_t *length); /* dst [n / 4 * 3] */

/* Which special tokens an answer shows: none, those that are no control tokens, all. */
typedef enum txt_shown { TXT_SHOWN_NONE, TXT_SHOWN_MARKUP, TXT_SHOWN_ALL } txt_shown;

/* tokenizer.c */
typedef struct txt_tokenizer {
    const weft_host *host;
    const char      *from; /* the file with the added tokens, for messages */
    txt_steps        normalizers, pre_tokenizers;
    txt_vocab        vocab;
    txt_merges       merges;
    txt_patterns     raw, normal;  /* added tokens as they are, and in normalised text */
    bool             marks;        /* decoding makes U+2581 a space */
    bool             strips;       /* decoding leaves out one space at the start of the text */
    bool             has_template; /* tokenizer.json says with what a text begins: with `begin` */
    char             begin[TXT_MAX_ADDED_BYTES + 1];
    uint32_t         vocab_size; /* config.json's; 0: not known */
    uint32_t         stops[TXT_MAX_STOPS], n_stops;
    uint32_t         bos, start_header, end_header, eot; /* TXT_NONE: there is none */
    bool             adds_bos; /* a text begins with bos also where there is no chat format */
    uint32_t         end_turn; /* <end_of_utterance> of Idefics' instruct models, or TXT_NONE */
    bool             system_block;
    uint32_t         tekken_version; /* of tekken.json; 0: another file, or it does not say */
    const char      *date;
    txt_templates    templates;
    txt_shown        shown;
} txt_tokenizer;
weft_status txt_tokenizer_create(const weft_host *h, const weft_package *p, void **self,
                                 weft_error *err);
void        txt_tokenizer_destroy(void *self);

/* encode.c: appends the ids of text to out. flags say which added tokens are found in it. */
weft_status txt_encode_into(const txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags,
                            txt_scratch *scratch, txt_sink *out, weft_error *err);
/* The same with special tokens, but only where given, [n], is 0 for each of their bytes. is_first:
 * nothing stands before this text. */
weft_status txt_encode_given(const txt_tokenizer *t, const uint8_t *text, const uint8_t *given,
                             uint64_t n, bool is_first, txt_scratch *scratch, txt_sink *out,
                             weft_error *err);
weft_status txt_encode(void *self, const char *text, uint64_t bytes, uint32_t flags, int32_t *ids,
                       uint64_t cap, uint64_t *need, weft_error *err);

/* given.c */
typedef struct txt_text_bytes {
    const uint8_t *p;
    uint64_t       n;
} txt_text_bytes;
#define TXT_GIVEN_UNKNOWN UINT64_MAX
/* given, [n], of text as it is in `whole`, which the steps made of text: [whole.n], in scratch or
 * given itself. *out is NULL where it is not known: a step joined bytes across a border, or it
 * would take too long. */
weft_status txt_given_normalised(const txt_steps *s, const uint8_t *text, const uint8_t *given,
                                 uint64_t n, txt_text_bytes whole, txt_scratch *scratch,
                                 const uint8_t **out, weft_error *err);

/* decode.c: ids to bytes, and what the decoder of tokenizer.json says about it. */
extern const txt_step_kind txt_decoders[];
extern const uint32_t      txt_n_decoders;
void                       txt_decoder_use(txt_tokenizer *t, const txt_steps *decoder);
weft_status txt_decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err);
/* The same with the special tokens that t->shown names. */
weft_status txt_answer(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err);

/* tokenizer_json.c: reads tokenizer.json into t, and its added tokens into `added`, which the
 * caller frees. ranked: the vocabulary came from tokenizer.model, and only the rest is read.
 * UNSUPPORTED: it has something that is not known here, which the message names. */
weft_status txt_tokenizer_json_read(txt_tokenizer *t, bool ranked, txt_added_list *added,
                                    const weft_package *p, weft_error *err);
/* The same for a text that has only settings: steps, and values of the model. */
weft_status txt_tokenizer_json_settings(txt_tokenizer *t, const char *text, weft_error *err);
/* vocab_json.c: its model.vocab and model.merges, whose OBJECT and ARRAY were just read, and what
 * is made of both at the end. */
weft_status txt_json_vocab(txt_json *j, txt_vocab *v, weft_error *err);
weft_status txt_json_merges(txt_json *j, txt_tokenizer *t, weft_error *err);
weft_status txt_json_model(txt_tokenizer *t, const txt_buf *unknown, weft_error *err);
/* Finds ids by their bytes; file is for messages. CORRUPT: two ids are the same token. */
weft_status txt_vocab_index_named(txt_vocab *v, const char *file, weft_error *err);
/* gguf.c: reads gguf.json, the values of a GGUF file, likewise. */
weft_status txt_gguf_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                          weft_error *err);
/* Adds to the stop set what GGUF files do not list: tokens that end an answer by their names. */
void txt_gguf_stops(txt_tokenizer *t);
/* gguf_settings.c: the steps that a GGUF file names in `pre`, as a text of the form of
 * tokenizer.json; NULL: a name that is not known here. model: "gpt2" or "llama". */
const char *txt_gguf_settings(const char *model, const char *pre, bool adds_space);
/* score_merges.c: the merges that SentencePiece's scores stand for. scores: one a token. */
weft_status txt_score_merges(txt_tokenizer *t, const double *scores, weft_error *err);
/* sentencepiece.c: reads tokenizer.model where it is SentencePiece's, likewise. UNSUPPORTED names
 * what is not known. */
weft_status txt_sentencepiece_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                                   weft_error *err);
/* tekken.c: reads tekken.json, likewise. */
weft_status txt_tekken_read(txt_tokenizer *t, txt_added_list *added, const weft_package *p,
                            weft_error *err);

/* specials.c: adds the added tokens to t->vocab and sorts them. They are those of the list, which
 * tokenizer.json gave. Where that is empty they are those of tokenizer_config.json, or else Llama
 * 3's names by position. */
weft_status txt_specials_read(txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err);

/* Adds to the list what the directory's other files say of added tokens: added_tokens_decoder of
 * tokenizer_config.json, which counts where both name an id, and added_tokens.json. */
weft_status txt_specials_more(const txt_tokenizer *t, txt_added_list *list, const weft_package *p,
                              weft_error *err);

#define TXT_DATE "26 Jul 2024" /* the option `date`, where nobody sets it */

/* settings.c: reads what config.json, generation_config.json, the chat template and the options
 * say. */
weft_status txt_settings_vocab_size(txt_tokenizer *t, const weft_package *p, weft_error *err);
weft_status txt_settings_stops(txt_tokenizer *t, const weft_package *p, weft_error *err);
weft_status txt_settings_chat(txt_tokenizer *t, const weft_package *p, weft_error *err);
/* Which special tokens an answer shows, by the option; where that is auto those of models that mark
 * up pages with them, which have a token <doctag>. */
void txt_settings_shown(txt_tokenizer *t);
/* Finds bos, and whether texts begin with it: as add_bos_token of tokenizer_config.json says, else
 * as tokenizer.json's post_processor says, else as Llama's own tokenizers do. */
void txt_settings_bos(txt_tokenizer *t, const weft_package *p);
/* Reads a value of config.json, or of its text_config where the top level has none. NOTFOUND:
 * neither has it. */
weft_status txt_config_i64(const weft_host *h, const weft_package *p, const char *key, int64_t *v,
                           weft_error *err);

/* chat.c */
weft_status txt_chat(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                     uint64_t *need, weft_error *err);

/* chat_mistral.c: whether the directory's tekken.json says by its version that conversations are
 * written as Mistral's own models read them; and that. */
bool        txt_chat_is_mistral(const txt_tokenizer *t);
weft_status txt_chat_mistral(const txt_tokenizer *t, const weft_message *m, uint32_t n,
                             int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);

#endif
