/* SPDX-License-Identifier: Apache-2.0 */
/* The input is 'k' for tekken.json, 'p' for SentencePiece's tokenizer.model or anything else for
 * tokenizer.json, that file, and, but for 'p', a NUL byte and a text. What opens must encode the
 * text twice alike, give no special token where none was asked for, and decode every id that it
 * gave. */
#include "tests/support/fake_host.h"
#include "text.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

#define IDS 8192u

static void text_check(txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags)
{
    static int32_t ids[IDS];
    weft_error     err = {WEFT_HDR(weft_error), 0, 0, {0}};
    uint64_t       need = 0, again = 0, bytes = 0;
    weft_status    s = txt_encode(t, text, n, flags, ids, IDS, &need, &err);
    CHECK(s == WEFT_OK || s == WEFT_E_LIMIT || s == WEFT_E_NOMEM);
    if (s != WEFT_OK)
        return;
    CHECK(txt_encode(t, text, n, flags, NULL, 0, &again, &err) == WEFT_OK && again == need);
    uint64_t count = need < IDS ? need : IDS;
    for (uint64_t i = 0; i < count; i++) {
        const txt_token *token = txt_vocab_token(&t->vocab, ids[i]);
        CHECK(token != NULL);
        CHECK(flags != 0 || (token->flags & TXT_SPECIAL) == 0 ||
              (t->merges.is_used && (uint32_t)ids[i] == t->merges.unknown));
    }
    CHECK(txt_decode(t, ids, count, NULL, 0, &bytes, &err) == WEFT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 1 ? memchr(data + 1, '\0', size - 1) : NULL;
    weft_error     err = {WEFT_HDR(weft_error), 0, 0, {0}};
    fake_host      h;
    void          *self = NULL;
    const bool     pieces = size > 1 && data[0] == 'p';
    if (end == NULL && !pieces)
        return 0;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    if (pieces)
        fake_package_put(p, "tokenizer.model", data + 1, size - 1);
    else
        fake_package_put(p, data[0] == 'k' ? "tekken.json" : "tokenizer.json", data + 1,
                         (uint64_t)(end - data - 1));
    if (txt_tokenizer_create(&h.host, p, &self, &err) == WEFT_OK) {
        static const char words[] = " the <s>  caf\xc3\xa9\xff<tool>1";
        const char       *text = pieces ? words : (const char *)end + 1;
        const uint64_t    n = pieces ? sizeof words - 1 : (uint64_t)(data + size - end - 1);
        text_check(self, text, n, 0);
        text_check(self, text, n, WEFT_TOK_SPECIAL);
        txt_tokenizer_destroy(self);
    } else
        CHECK(self == NULL && err.message[0] != '\0');
    CHECK(h.blocks_live == 0);
    fake_host_deinit(&h);
    return 0;
}
