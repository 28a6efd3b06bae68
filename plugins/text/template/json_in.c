/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document in memory as a value. All of it is of the conversation's origin, but for the
 * roles that every format has. */
#include "json.h"

#include "messages.h"
#include "value.h"

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const tpl_json *json = ctx;
    const uint64_t  left = offset < json->n ? json->n - offset : 0;
    if (left < n)
        n = left;
    if (n != 0)
        memcpy(dst, json->text + offset, n);
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    const tpl_json *json = ctx;
    return (int64_t)json->n;
}

static tpl_value number(tpl_state *s, txt_json *j)
{
    const char *text = (const char *)j->text.p;
    const bool  negative = *text == '-';
    int64_t     i = 0;
    bool        over = false;
    if (strpbrk(text, ".eE") != NULL)
        return tpl_float(tpl_float_read(text), TPL_GIVEN);
    for (const char *c = text + negative; *c != '\0'; c++) /* below 0, where there is one more */
        over |= __builtin_mul_overflow(i, 10, &i) || __builtin_sub_overflow(i, *c - '0', &i);
    if (over || (!negative && i == INT64_MIN)) {
        s->status = txt_json_bad(j, s->err, "whole numbers have at most 64 bits here");
        return tpl_undefined();
    }
    return tpl_int(negative ? i : -i, TPL_GIVEN);
}

static tpl_value value_of(tpl_state *s, txt_json *j)
{
    tpl_value v = tpl_none();
    v.origin = TPL_GIVEN;
    switch (j->event) {
    case TXT_J_OBJECT:
        return (tpl_value){.type = TPL_DICT, .u.dict = tpl_dict_new(s)};
    case TXT_J_ARRAY:
        return tpl_listed(TPL_LIST, tpl_list_new(s));
    case TXT_J_STRING:
        return tpl_string(tpl_text_of(s, j->text.p, j->text.n, TPL_GIVEN));
    case TXT_J_NUMBER:
        return number(s, j);
    case TXT_J_TRUE:
    case TXT_J_FALSE:
        return tpl_bool(j->event == TXT_J_TRUE, TPL_GIVEN);
    default:
        return v;
    }
}

static tpl_value read_all(tpl_state *s, txt_json *j)
{
    tpl_value open[TXT_MAX_DEPTH + 1], root = tpl_undefined();
    uint32_t  depth = 0;
    while (!tpl_failed(s)) {
        const weft_status status = txt_json_next(j, s->err);
        if (status != WEFT_OK) {
            s->status = status;
            break;
        }
        if (j->event == TXT_J_END)
            break;
        if (j->event == TXT_J_CLOSE) {
            depth--;
            continue;
        }
        tpl_value v = value_of(s, j);
        if (v.type == TPL_STRING && j->key.n == 4 && memcmp(j->key.p, "role", 4) == 0)
            v = tpl_string(
                tpl_text_of(s, j->text.p, j->text.n, tpl_role_origin(j->text.p, j->text.n)));
        if (depth == 0)
            root = v;
        else if (open[depth - 1].type == TPL_LIST)
            tpl_push(s, open[depth - 1].u.list, v);
        else
            tpl_set(s, open[depth - 1].u.dict,
                    tpl_string(tpl_text_of(s, j->key.p, j->key.n, TPL_GIVEN)), v);
        if (v.type == TPL_LIST || v.type == TPL_DICT)
            open[depth++] = v;
    }
    return root;
}

tpl_value tpl_json_read(tpl_state *s, const tpl_json *json)
{
    tpl_json    copy = *json;
    weft_source source = {WEFT_HDR(weft_source), &copy, read_at, length};
    txt_json    j;
    if (tpl_failed(s))
        return tpl_undefined();
    s->line = 0;
    s->status = txt_json_open_source(s->host, &source, json->name, &j, s->err);
    if (tpl_failed(s))
        return tpl_undefined();
    const tpl_value v = read_all(s, &j);
    txt_json_close(&j);
    return v;
}
