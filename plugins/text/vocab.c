/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary. An array gives the bytes of each id, an open-addressed hash table the id of given
 * bytes, and a sorted list the added tokens in the order of their bytes. */
#include "vocab.h"

/* The most places of the hash table that a look-up may try. Real vocabularies need a few dozen at
 * worst. A file made to collide would need thousands at every look-up, and is refused. */
#define PROBES_MAX 1024u

void txt_vocab_init(txt_vocab *v, const weft_host *h)
{
    memset(v, 0, sizeof *v);
    v->host = v->bytes.host = v->tokens.host = h;
}

void txt_vocab_free(txt_vocab *v)
{
    if (v->host == NULL)
        return;
    txt_buf_free(&v->bytes);
    txt_buf_free(&v->tokens);
    v->host->free(v->host, v->slots);
    v->host->free(v->host, v->added);
    memset(v, 0, sizeof *v);
}

static txt_token *tokens_of(const txt_vocab *v)
{
    return (txt_token *)(void *)v->tokens.p;
}

const txt_token *txt_vocab_token(const txt_vocab *v, int64_t id)
{
    if (id < 0 || id >= v->n_ids || tokens_of(v)[id].length == 0)
        return NULL;
    return &tokens_of(v)[id];
}

txt_token *txt_vocab_tokens(const txt_vocab *v)
{
    return tokens_of(v);
}

const uint8_t *txt_vocab_bytes(const txt_vocab *v, const txt_token *t)
{
    return v->bytes.p + t->at;
}

/* Makes entries up to `id`, which are empty at first. */
static weft_status widen(txt_vocab *v, uint32_t id, weft_error *err)
{
    if (id < v->n_ids)
        return WEFT_OK;
    uint64_t    more = ((uint64_t)id + 1 - v->n_ids) * sizeof(txt_token);
    weft_status s = txt_buf_reserve(&v->tokens, more, err);
    if (s != WEFT_OK)
        return s;
    memset(v->tokens.p + v->tokens.n, 0, more);
    v->tokens.n += more;
    v->n_ids = id + 1;
    return WEFT_OK;
}

weft_status txt_vocab_put(txt_vocab *v, uint32_t id, const void *bytes, uint32_t length,
                          uint32_t flags, weft_error *err)
{
    weft_status s = widen(v, id, err);
    if (s != WEFT_OK)
        return s;
    if (tokens_of(v)[id].length != 0)
        return weft_fail(err, WEFT_E_CORRUPT, "the vocabulary gives id %u to two tokens", id);
    if (v->bytes.n > UINT32_MAX - length)
        return weft_fail(err, WEFT_E_LIMIT, "the vocabulary holds more than 4 GiB of text");
    txt_token t = {(uint32_t)v->bytes.n, (uint16_t)length, (uint16_t)flags};
    s = txt_buf_add(&v->bytes, bytes, length, err);
    if (s != WEFT_OK)
        return s;
    tokens_of(v)[id] = t;
    return WEFT_OK;
}

/* FNV-1a with a final mixing step, since the low bits choose the slot. */
static uint32_t hash(const uint8_t *bytes, uint64_t n)
{
    uint64_t x = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < n; i++)
        x = (x ^ bytes[i]) * UINT64_C(0x100000001b3);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(x ^ x >> 32);
}

/* The slot that holds these bytes, or the empty one where they belong, or TXT_NONE when it would
 * take too many probes. */
static uint32_t slot_of(const txt_vocab *v, const uint8_t *bytes, uint64_t n)
{
    uint32_t mask = v->n_slots - 1, slot = hash(bytes, n) & mask;
    for (uint32_t i = 0; i < PROBES_MAX; i++, slot = (slot + 1) & mask) {
        if (v->slots[slot] == TXT_NONE)
            return slot;
        const txt_token *t = &tokens_of(v)[v->slots[slot]];
        if (t->length == n && memcmp(v->bytes.p + t->at, bytes, n) == 0)
            return slot;
    }
    return TXT_NONE;
}

weft_status txt_vocab_index(txt_vocab *v, uint32_t *twice, uint32_t *first, weft_error *err)
{
    *twice = *first = TXT_NONE;
    v->n_base = v->n_ids;
    v->longest = 0;
    v->host->free(v->host, v->slots);
    v->n_slots = 1024;
    while (v->n_slots < v->n_ids * 2)
        v->n_slots *= 2;
    v->slots = v->host->alloc(v->host, (uint64_t)v->n_slots * sizeof *v->slots, 16);
    if (v->slots == NULL)
        return txt_fail_nomem(err, (uint64_t)v->n_slots * sizeof *v->slots);
    memset(v->slots, 0xff, (uint64_t)v->n_slots * sizeof *v->slots);
    for (uint32_t id = 0; id < v->n_ids; id++) {
        const txt_token *t = &tokens_of(v)[id];
        if (t->length == 0 || (t->flags & TXT_LITERAL) != 0)
            continue;
        if (t->length > v->longest)
            v->longest = t->length;
        uint32_t slot = slot_of(v, v->bytes.p + t->at, t->length);
        if (slot == TXT_NONE)
            return weft_fail(err, WEFT_E_CORRUPT,
                             "the vocabulary was made to be slow to search, and is refused");
        if (v->slots[slot] != TXT_NONE) {
            *twice = id;
            *first = v->slots[slot];
            return WEFT_E_CORRUPT;
        }
        v->slots[slot] = id;
    }
    return WEFT_OK;
}

uint32_t txt_vocab_find(const txt_vocab *v, const uint8_t *bytes, uint64_t length)
{
    if (length == 0 || length > v->longest || v->n_slots == 0)
        return TXT_NONE;
    uint32_t slot = slot_of(v, bytes, length);
    return slot != TXT_NONE ? v->slots[slot] : TXT_NONE;
}

uint32_t txt_vocab_missing_byte(const txt_vocab *v)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        if (txt_vocab_find(v, &byte, 1) == TXT_NONE)
            return i;
    }
    return 256;
}
