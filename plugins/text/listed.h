/* SPDX-License-Identifier: Apache-2.0 */
/* A vocabulary that a file gives as a list: the text of each id in order, with its kind and, where
 * SentencePiece made it, its score. GGUF files and SentencePiece's own have the same kinds. */
#ifndef TXT_LISTED_H
#define TXT_LISTED_H

#include "text.h"

/* Source: sentencepiece src/sentencepiece_model.proto (SentencePiece.Type); ggml docs/gguf.md. */
enum { TXT_KIND_NORMAL = 1, TXT_KIND_UNKNOWN = 2, TXT_KIND_CONTROL = 3, TXT_KIND_USER = 4 };

typedef struct txt_listed {
    const char *file, *root;   /* for messages; root: what stands before the lists' names */
    txt_buf     bytes, spans;  /* spans: where each text is in bytes */
    txt_buf     scores, kinds; /* double, uint8_t: one a token, or none at all */
    uint32_t    unknown;       /* the id for what no token stands for, or TXT_NONE */
} txt_listed;
void     txt_listed_init(txt_listed *l, const weft_host *h, const char *file, const char *root);
void     txt_listed_free(txt_listed *l);
uint32_t txt_listed_count(const txt_listed *l);
/* The next id's text. LIMIT: the vocabulary has too many of them. n at most TXT_MAX_TOKEN. */
weft_status txt_listed_add(txt_listed *l, const void *text, uint64_t n, weft_error *err);
/* NOTFOUND: there are no tokens. CORRUPT: lists of different lengths. */
weft_status txt_listed_check(const txt_listed *l, weft_error *err);
/* Puts the tokens into t->vocab. Those that control the model and those that users added go to
 * `added` (control tokens as special ones), and are in the vocabulary too where they are written in
 * its alphabet: characters (of_chars), or the byte-level one. */
weft_status txt_listed_vocab(txt_tokenizer *t, const txt_listed *l, bool of_chars,
                             txt_added_list *added, weft_error *err);
/* The merges that the scores stand for, of a vocabulary of characters. */
weft_status txt_listed_merges(txt_tokenizer *t, const txt_listed *l, weft_error *err);

#endif
