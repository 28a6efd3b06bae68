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
    const char *text;
    uint64_t    bytes;
    int32_t     id;
    uint32_t    reserved;
} weft_part;

typedef struct weft_message {
    const char      *role; /* "system", "user", "assistant" */
    const weft_part *parts;
    uint32_t         n_parts, reserved;
} weft_message;

#define WEFT_TOK_SPECIAL                                                                           \
    1u /* special-token strings in the text become special tokens; never set for user text */

/* Sizes: *need gets the whole count; at most cap are written, so call with cap 0 or grow and call
 * again. No BOS unless the chat format has it. */
#define WEFT_C_TOKENIZER "weft.tokenizer/1"
typedef struct weft_tokenizer {
    weft_hdr hdr;
    /* UNSUPPORTED or NOTFOUND: not a tokenizer of this kind; the next plugin is asked. [setup] */
    weft_status (*create)(const weft_host *h, const weft_package *p, void **self, weft_error *err);
    void (*destroy)(void *self); /* [setup] */
    weft_status (*encode)(void *self, const char *text, uint64_t bytes, uint32_t flags,
                          int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err); /* [any] */
    /* The messages and the header of the assistant's answer; each part is encoded on its own. [any]
     */
    weft_status (*chat)(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                        uint64_t *need, weft_error *err);
    /* Bytes, which may end within a character. Special tokens give nothing. [any] */
    weft_status (*decode)(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                          uint64_t *need, weft_error *err);
    int32_t (*special)(void *self, const char *token); /* [any] id or -1 */
    int32_t (*bos)(void *self);                        /* [any] id or -1 */
    int32_t (*is_stop)(void *self, int32_t id);        /* [any] */
} weft_tokenizer;

#ifdef __cplusplus
}
#endif
#endif
