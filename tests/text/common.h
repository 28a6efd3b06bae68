/* SPDX-License-Identifier: Apache-2.0 */
/* What the tokenizer's tests share: fixture files, packages made of them, opened tokenizers. */
#ifndef TEXT_COMMON_H
#define TEXT_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/support/fake_host.h"
#include "text.h"

/* A fixture of tests/fixtures/tokenizer, NUL-terminated; the caller frees. Fails the test if
 * absent. */
char *fixture_load(const char *name, uint64_t *bytes);
/* Puts that fixture into p as `file`. */
void fixture_put(weft_package *p, const char *file, const char *fixture);
/* Puts text into p as `file`. */
void text_put(weft_package *p, const char *file, const char *text);
/* A copy of text in which `from`, which must be there, is `to`; the caller frees. */
char *text_replaced(const char *text, const char *from, const char *to);

/* Opens p; fails the test with the message where that fails. */
txt_tokenizer *tokenizer_open(fake_host *h, weft_package *p);
/* Opens p, which must fail with status and a message that holds `part`; nothing may be left. */
void tokenizer_refused(fake_host *h, weft_package *p, weft_status status, const char *part);

/* Ids of text; the caller frees. Checks the capacity protocol on the way. */
int32_t *encode_all(txt_tokenizer *t, const void *text, uint64_t n, uint32_t flags,
                    uint64_t *count);
/* Fails unless decoding ids gives these bytes; checks the capacity protocol on the way. */
void decode_is(txt_tokenizer *t, const int32_t *ids, uint64_t n, const void *text, uint64_t bytes);
/* base64 to bytes; the caller frees. */
uint8_t *bytes_of(const char *base64, uint64_t *n);
/* xorshift64: *state not 0. */
uint32_t random_next(uint64_t *state);

/* Every vector of a {"valid": [...], "invalid": [...]} fixture: ids equal, and back. */
void vectors_check(txt_tokenizer *t, const char *fixture);
/* Every case of a chat fixture, and its stop set. */
void chats_check(txt_tokenizer *t, const char *fixture);

#endif
