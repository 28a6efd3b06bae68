/* SPDX-License-Identifier: Apache-2.0 */
/* weft/tokenizer.h: strings to ids and back, and the chat format. */
#ifndef WEFT_TOKENIZER_H
#define WEFT_TOKENIZER_H

#include "package.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of a message: id >= 0: that id as it is, and text is not read. */
typedef struct weft_part {
    weft_hdr    hdr;
    const char *text; /* UTF-8, not terminated; NULL where bytes is 0 */
    uint64_t    bytes;
    int32_t     id;
    uint32_t    reserved;
} weft_part;

typedef struct weft_message {
    weft_hdr         hdr;
    const char      *role;  /* "system", "user", "assistant" */
    const weft_part *parts; /* [n_parts], walked by WEFT_AT */
    uint32_t         n_parts, reserved;
} weft_message;

/* A conversation as programs write it down. JSON is UTF-8 and is not terminated; the names are for
 * messages. */
typedef struct weft_conversation {
    weft_hdr hdr;
    /* A list of messages, {"role": ..., "content": ...} and whatever the model's template reads; or
     * an object with "messages", whose other members the template gets by their names. */
    const char *messages, *messages_name;
    uint64_t    messages_bytes;
    const char *tools, *tools_name; /* a list of functions; NULL: none */
    uint64_t    tools_bytes;
    const char *date; /* "2026-11-30", for templates that ask for it; NULL: as the options say */
} weft_conversation;

#define WEFT_TOK_SPECIAL                                                                           \
    1u /* special-token strings in the text become special tokens; never set for user text */

/* All functions are required, the last three apart. Sizes: *need, 0 on entry, gets the whole count,
 * and at most cap elements are written to ids or text, which are the host's (NULL where cap is 0);
 * so the host calls with cap 0, or grows and calls again. No token for the beginning of a text is
 * added unless the chat format has it. Life: create -> any calls, concurrently -> destroy. */
#define WEFT_C_TOKENIZER "weft.tokenizer/1"
typedef struct weft_tokenizer {
    weft_hdr hdr;
    /* UNSUPPORTED or NOTFOUND: not a tokenizer of this kind; the next plugin is asked. *self is
     * NULL on entry and gets what destroy frees; on failure everything is freed already. [setup] */
    weft_status (*create)(const weft_host *h, const weft_package *p, void **self, weft_error *err);
    void (*destroy)(void *self); /* [setup] */
    /* text: `bytes` bytes, not terminated, which need not be valid UTF-8. flags: WEFT_TOK_*. [any]
     */
    weft_status (*encode)(void *self, const char *text, uint64_t bytes, uint32_t flags,
                          int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);
    /* The n messages (walked by WEFT_AT) and the header of the assistant's answer; each part is
     * encoded on its own. INVALID: a role that the format does not have. [any] */
    weft_status (*chat)(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                        uint64_t *need, weft_error *err);
    /* Bytes, which may end within a character. Special tokens give nothing, and ids that are not in
     * the vocabulary are INVALID. [any] */
    weft_status (*decode)(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                          uint64_t *need, weft_error *err);
    int32_t (*special)(void *self, const char *token); /* the token's id; -1: none. [any] */
    int32_t (*bos)(void *self);                 /* the id that begins a text; -1: none. [any] */
    int32_t (*is_stop)(void *self, int32_t id); /* 1: an answer ends with this id. [any] */
    /* The last three may be missing. What the conversation becomes by the model's own chat
     * template: the text, and its ids. No text of the conversation becomes a special token.
     * UNSUPPORTED: there is no template; INVALID: it refuses the conversation; CORRUPT: the JSON is
     * damaged. [any] */
    weft_status (*conversation_text)(void *self, const weft_conversation *c, char *text,
                                     uint64_t cap, uint64_t *need, weft_error *err);
    weft_status (*conversation_ids)(void *self, const weft_conversation *c, int32_t *ids,
                                    uint64_t cap, uint64_t *need, weft_error *err);
    /* As decode, of what the model itself wrote: special tokens that belong to an answer, such as
     * those in which some models mark up a page, give their own text. Missing: decode is called.
     * [any] */
    weft_status (*answer)(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                          uint64_t *need, weft_error *err);
} weft_tokenizer;

#ifdef __cplusplus
}
#endif
#endif
