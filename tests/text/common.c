/* SPDX-License-Identifier: Apache-2.0 */
/* What the tokenizer's tests share. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

char *fixture_load(const char *name, uint64_t *bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tokenizer/%s", WEFT_FIXTURES, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        fail_msg("%s is missing", path);
    fseek(in, 0, SEEK_END);
    long n = ftell(in);
    rewind(in);
    char *text = malloc((size_t)n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)n, in), n);
    text[n] = '\0';
    fclose(in);
    if (bytes != NULL)
        *bytes = (uint64_t)n;
    return text;
}

void fixture_put(weft_package *p, const char *file, const char *fixture)
{
    uint64_t n;
    char    *text = fixture_load(fixture, &n);
    fake_package_put(p, file, text, n);
    free(text);
}

void text_put(weft_package *p, const char *file, const char *text)
{
    fake_package_put(p, file, text, strlen(text));
}

char *text_replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (at == NULL)
        fail_msg("the fixture does not hold %s", from);
    size_t n = strlen(text) + strlen(to) + 1;
    char  *out = malloc(n);
    assert_non_null(out);
    snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

txt_tokenizer *tokenizer_open(fake_host *h, weft_package *p)
{
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    void      *self = NULL;
    if (txt_tokenizer_create(&h->host, p, &self, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    return self;
}

void tokenizer_refused(fake_host *h, weft_package *p, weft_status status, const char *part)
{
    weft_error  err = {WEFT_HDR(weft_error), 0, 0, {0}};
    void       *self = NULL;
    weft_status s = txt_tokenizer_create(&h->host, p, &self, &err);
    if (s != status || strstr(err.message, part) == NULL)
        fail_msg("status %d and \"%s\", not %d and \"%s\"", s, err.message, status, part);
    assert_int_equal(err.code, status);
    assert_null(self);
    assert_int_equal(h->blocks_live, 0);
}

int32_t *encode_all(txt_tokenizer *t, const void *text, uint64_t n, uint32_t flags, uint64_t *count)
{
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    uint64_t   need = 0, again = 0;
    assert_int_equal(txt_encode(t, text, n, flags, NULL, 0, &need, &err), WEFT_OK);
    int32_t *ids = calloc((size_t)need + 2, sizeof *ids);
    assert_non_null(ids);
    for (uint64_t cap = need > 0 ? need - 1 : 0; cap <= need + 1; cap++) {
        memset(ids, 0x77, (size_t)(need + 2) * sizeof *ids);
        assert_int_equal(txt_encode(t, text, n, flags, ids, cap, &again, &err), WEFT_OK);
        assert_int_equal(again, need);
        for (uint64_t i = cap < need ? cap : need; i < need + 2; i++)
            assert_int_equal(ids[i], 0x77777777); /* nothing is written past cap, or past need */
    }
    *count = need;
    return ids;
}

void decode_is(txt_tokenizer *t, const int32_t *ids, uint64_t n, const void *text, uint64_t bytes)
{
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    uint64_t   need = 0;
    char      *out = malloc((size_t)bytes + 2);
    assert_non_null(out);
    for (uint64_t cap = bytes > 0 ? bytes - 1 : 0; cap <= bytes + 1; cap++) {
        uint64_t written = cap < bytes ? cap : bytes;
        memset(out, 0x77, (size_t)bytes + 2);
        assert_int_equal(txt_decode(t, ids, n, out, cap, &need, &err), WEFT_OK);
        assert_int_equal(need, bytes);
        if (written != 0)
            assert_memory_equal(out, text, (size_t)written);
        for (uint64_t i = written; i < bytes + 2; i++)
            assert_int_equal(out[i], 0x77);
    }
    free(out);
}

uint8_t *bytes_of(const char *base64, uint64_t *n)
{
    uint32_t chars = (uint32_t)strlen(base64), length = 0;
    uint8_t *out = malloc(chars + 4u);
    assert_non_null(out);
    assert_true(chars == 0 || txt_base64((const uint8_t *)base64, chars, out, &length));
    *n = length;
    return out;
}

uint32_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static void ids_equal(const char *what, const int32_t *ids, uint64_t n, const json_t *want)
{
    bool same = n == json_array_size(want);
    for (uint64_t i = 0; same && i < n; i++)
        same = ids[i] == json_integer_value(json_array_get(want, i));
    if (!same)
        fail_msg("%s: the ids differ", what);
}

static json_t *fixture_json(const char *fixture)
{
    uint64_t     n;
    json_error_t e;
    char        *text = fixture_load(fixture, &n);
    json_t      *doc = json_loadb(text, (size_t)n, 0, &e);
    assert_non_null(doc);
    free(text);
    return doc;
}

void vectors_check(txt_tokenizer *t, const char *fixture)
{
    static const char *const lists[] = {"valid", "invalid"};
    json_t                  *doc = fixture_json(fixture), *vector;
    size_t                   i;
    for (int list = 0; list < 2; list++) {
        assert_true(json_array_size(json_object_get(doc, lists[list])) > 0);
        json_array_foreach(json_object_get(doc, lists[list]), i, vector)
        {
            const char *b64 = json_string_value(json_object_get(vector, "b64"));
            uint64_t    n, count;
            uint8_t    *text = bytes_of(b64, &n);
            int32_t    *ids = encode_all(t, text, n, 0, &count);
            assert_int_equal(txt_encode(t, (char *)text, n, 0, ids, count, &count, NULL), WEFT_OK);
            ids_equal(b64, ids, count, json_object_get(vector, "ids"));
            decode_is(t, ids, count, text, n);
            free(ids);
            free(text);
        }
    }
    json_decref(doc);
}

/* The parts of a message; the caller frees them. */
static weft_part *parts_of(const json_t *list)
{
    size_t     n = json_array_size(list);
    weft_part *parts = calloc(n + 1, sizeof *parts);
    assert_non_null(parts);
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(list, i), *id = json_object_get(part, "id");
        parts[i].hdr.size = (uint32_t)sizeof parts[i];
        parts[i].id = id != NULL ? (int32_t)json_integer_value(id) : -1;
        parts[i].text = id != NULL ? NULL : json_string_value(json_object_get(part, "text"));
        parts[i].bytes = id != NULL ? 0 : json_string_length(json_object_get(part, "text"));
    }
    return parts;
}

static void chat_check(txt_tokenizer *t, const json_t *item)
{
    const json_t *list = json_object_get(item, "messages");
    uint32_t      n = (uint32_t)json_array_size(list);
    weft_message  messages[16];
    int32_t       ids[512];
    uint64_t      need, again;
    assert_true(n <= 16);
    for (uint32_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(list, i);
        messages[i].hdr.size = (uint32_t)sizeof messages[i];
        messages[i].role = json_string_value(json_object_get(m, "role"));
        messages[i].parts = parts_of(json_object_get(m, "parts"));
        messages[i].n_parts = (uint32_t)json_array_size(json_object_get(m, "parts"));
    }
    assert_int_equal(txt_chat(t, messages, n, NULL, 0, &need, NULL), WEFT_OK);
    assert_true(need < 511);
    for (uint64_t cap = need - 1; cap <= need + 1; cap++) {
        memset(ids, 0x77, sizeof ids);
        assert_int_equal(txt_chat(t, messages, n, ids, cap, &again, NULL), WEFT_OK);
        assert_int_equal(again, need);
        assert_int_equal(ids[cap < need ? cap : need], 0x77777777);
    }
    ids_equal(json_string_value(json_object_get(item, "name")), ids, need,
              json_object_get(item, "ids"));
    for (uint32_t i = 0; i < n; i++)
        free((void *)(uintptr_t)messages[i].parts);
}

void chats_check(txt_tokenizer *t, const char *fixture)
{
    json_t *doc = fixture_json(fixture), *item;
    size_t  i;
    assert_true(json_array_size(json_object_get(doc, "cases")) > 0);
    json_array_foreach(json_object_get(doc, "cases"), i, item) chat_check(t, item);
    assert_int_equal(t->n_stops, json_array_size(json_object_get(doc, "stop")));
    json_array_foreach(json_object_get(doc, "stop"), i, item)
        assert_int_equal(t->stops[i], json_integer_value(item));
    json_decref(doc);
}
