/* SPDX-License-Identifier: Apache-2.0 */
/* weft-text: the tokenizers and chat formats of Llama and its kind, as a plugin. */
#include "text.h"

static int32_t special(void *self, const char *token)
{
    const txt_tokenizer *t = self;
    uint32_t             id = txt_added_find(&t->vocab, token);
    return id != TXT_NONE ? (int32_t)id : -1;
}

static int32_t bos(void *self)
{
    const txt_tokenizer *t = self;
    return t->adds_bos ? (int32_t)t->bos : -1;
}

static int32_t is_stop(void *self, int32_t id)
{
    const txt_tokenizer *t = self;
    for (uint32_t i = 0; i < t->n_stops; i++)
        if (id >= 0 && t->stops[i] == (uint32_t)id)
            return 1;
    return 0;
}

static weft_status init(const weft_host *h, weft_error *err)
{
    if (h->get_interface(h, WEFT_IF_OPTIONS) == NULL ||
        h->get_interface(h, WEFT_IF_PACKAGE) == NULL)
        return weft_fail(err, WEFT_E_VERSION, "weft.text needs a host with options and packages");
    return WEFT_OK;
}

static void deinit(const weft_host *h)
{
    (void)h; /* every tokenizer was destroyed before, and nothing else is held */
}

static const weft_tokenizer tokenizer = {
    WEFT_HDR(weft_tokenizer),
    txt_tokenizer_create,
    txt_tokenizer_destroy,
    txt_encode,
    txt_chat,
    txt_decode,
    special,
    bos,
    is_stop,
    txt_conversation_text,
    txt_conversation_ids,
    txt_answer,
};

static const char *const needs_host[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE, NULL};

static const weft_option options[] = {
    {WEFT_HDR(weft_option), "system_block", WEFT_OPT_STR, 0, "auto", "auto|always|never",
     "the system message with knowledge dates that Llama 3.1 and later begin a chat with"},
    {WEFT_HDR(weft_option), "date", WEFT_OPT_STR, 0, TXT_DATE, NULL,
     "today's date in that message and for chat templates: 26 Jul 2024 or 2024-07-26"},
    {WEFT_HDR(weft_option), "chat_format", WEFT_OPT_STR, 0, "auto", "auto|built-in",
     "auto: the directory's chat template, where it has one; built-in: never"},
    {WEFT_HDR(weft_option), "special", WEFT_OPT_STR, 0, "auto", "auto|show|hide",
     "special tokens in an answer; auto: hidden, but for those that mark up a page (DocTags)"},
};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_TOKENIZER, "llama3", &tokenizer}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "weft.text",
    .name = "Llama text",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .url = "",
    .needs_host = needs_host,
    .options = options,
    .components = components,
    .n_options = sizeof options / sizeof options[0],
    .n_components = sizeof components / sizeof components[0],
};

#ifdef WEFT_TEXT_PCRE2
#define LINKS "links=libpcre2-8.so.0\n"
#else
#define LINKS ""
#endif
WEFT_PLUGIN("weft.text", "0.1.0", "components=tokenizer:llama3\n" LINKS, &descriptor, init, deinit)
