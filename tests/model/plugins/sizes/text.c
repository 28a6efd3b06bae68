/* SPDX-License-Identifier: Apache-2.0 */
/* A tokenizer whose tokens are bytes, and a checkpoint whose text core is where Llama's is. */
#include "sizes.h"

#define VOCAB 128

static weft_status create(const weft_host *h, const weft_package *p, void **self, weft_error *err)
{
    (void)p, (void)err;
    *self = (void *)(uintptr_t)h;
    return WEFT_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static weft_status encode(void *self, const char *text, uint64_t bytes, uint32_t flags,
                          int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    (void)self, (void)flags, (void)err;
    for (uint64_t i = 0; i < bytes && i < cap; i++)
        ids[i] = (uint8_t)text[i] % VOCAB;
    *need = bytes;
    return WEFT_OK;
}

static weft_status chat(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                        uint64_t *need, weft_error *err)
{
    const weft_host *h = (const weft_host *)self;
    uint64_t         all = 0, one = 0;
    for (uint32_t i = 0; i < n; i++) {
        const weft_message *msg = (const weft_message *)WEFT_AT(m, i);
        HANDED(h, weft_message, msg);
        for (uint32_t k = 0; k < msg->n_parts; k++) {
            const weft_part *p = (const weft_part *)WEFT_AT(msg->parts, k);
            HANDED(h, weft_part, p);
            if (p->id < 0)
                (void)encode(self, p->text, p->bytes, 0, ids + (all < cap ? all : 0),
                             all < cap ? cap - all : 0, &one, err);
            else if (all < cap)
                ids[all] = p->id;
            all += p->id < 0 ? one : 1;
        }
    }
    *need = all;
    return WEFT_OK;
}

static weft_status decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                          uint64_t *need, weft_error *err)
{
    (void)self, (void)err;
    for (uint64_t i = 0; i < n && i < cap; i++)
        text[i] = (char)ids[i];
    *need = n;
    return WEFT_OK;
}

static int32_t special(void *self, const char *token)
{
    (void)self, (void)token;
    return -1;
}

static int32_t bos(void *self)
{
    (void)self;
    return 1;
}

static int32_t is_stop(void *self, int32_t id)
{
    (void)self;
    return id == 0;
}

static weft_status conversation_text(void *self, const weft_conversation *c, char *text,
                                     uint64_t cap, uint64_t *need, weft_error *err)
{
    const weft_host *h = (const weft_host *)self;
    (void)text, (void)cap, (void)err;
    HANDED(h, weft_conversation, c);
    *need = c->messages_bytes;
    return WEFT_OK;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    static const int32_t layers[] = {0, 1};
    (void)p, (void)err;
    HANDED(h, weft_text_map, out);
    out->config_path = "";
    out->prefix = "model.";
    out->head = "lm_head.weight";
    out->layers = layers;
    out->n_layers = 2;
    return WEFT_OK;
}

grown_tokenizer  sizes_tokenizer = {.known = {.create = create,
                                              .destroy = destroy,
                                              .encode = encode,
                                              .chat = chat,
                                              .decode = decode,
                                              .special = special,
                                              .bos = bos,
                                              .is_stop = is_stop,
                                              .conversation_text = conversation_text}};
grown_checkpoint sizes_checkpoint = {.known = {.text_map = text_map}};
