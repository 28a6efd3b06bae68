/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a chat template, a NUL byte, and a conversation in JSON (or nothing, for one that is
 * always the same). What compiles is run; what it writes has an origin for each byte, and a word
 * that only the conversation holds is known as the conversation's. */
#include "template/template.h"
#include "tests/support/fake_host.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

static const char usual[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \" \xe2\x80\xa8Qz <|a|> \"}, "
    "{\"role\": \"assistant\", \"content\": [{\"type\": \"text\", \"text\": \"b\"}]}], "
    "\"n\": 5, \"d\": {\"k\": [1, 2.5, null, true]}}";

static void check(const tpl_result *r)
{
    CHECK(r->text.n == r->origin.n);
    for (uint64_t i = 0; i < r->origin.n; i++)
        CHECK(r->origin.p[i] <= TPL_GIVEN);
}

static void run(fake_host *h, const tpl_template *t, const char *text, uint64_t n)
{
    const tpl_variable variables[] = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
    tpl_run_request    rq = {.messages = {"m.json", text, n},
                             .variables = variables,
                             .n_variables = 2,
                             .date = {2024, 12, 6}};
    weft_error         err = {WEFT_HDR(weft_error), 0, 0, {0}};
    tpl_result         r = {.text.host = &h->host, .origin.host = &h->host};
    if (tpl_render(t, &rq, &r, &err) == WEFT_OK)
        check(&r);
    else
        CHECK(err.message[0] != '\0');
    txt_buf_free(&r.text);
    txt_buf_free(&r.origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
    const uint64_t n = end != NULL ? (uint64_t)(end - data) : size;
    weft_error     err = {WEFT_HDR(weft_error), 0, 0, {0}};
    fake_host      h;
    tpl_template  *t;
    fake_host_init(&h, NULL, 0);
    if (tpl_compile(&h.host, "template", data, n, &t, &err) == WEFT_OK) {
        run(&h, t, usual, sizeof usual - 1);
        if (end != NULL)
            run(&h, t, (const char *)end + 1, size - n - 1);
        tpl_free(t);
    } else
        CHECK(t == NULL && err.message[0] != '\0');
    CHECK(h.blocks_live == 0);
    fake_host_deinit(&h);
    return 0;
}
