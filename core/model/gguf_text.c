/* SPDX-License-Identifier: Apache-2.0 */
/* All values of a GGUF file as one JSON object. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/gguf_parts.h"

/* A text that grows. */
typedef struct out {
    char    *p;
    uint64_t n, room;
    bool     comma; /* an element stands before */
} out;

static weft_status add(out *o, const char *s, uint64_t n, weft_error *err)
{
    if (o->n + n + 1 > o->room) {
        uint64_t room = (o->n + n + 1) * 2 < 4096 ? 4096 : (o->n + n + 1) * 2;
        char    *p = wf_realloc(o->p, (size_t)room);
        if (p == NULL)
            return wf_fail_nomem(err, room, "the values of a GGUF file");
        o->p = p;
        o->room = room;
    }
    memcpy(o->p + o->n, s, (size_t)n);
    o->n += n;
    o->p[o->n] = '\0';
    return WEFT_OK;
}

/* A string in quotes, its control characters, quotes and backslashes escaped. */
static weft_status add_string(out *o, const char *s, uint64_t n, weft_error *err)
{
    char        escaped[8];
    uint64_t    from = 0;
    weft_status status = add(o, "\"", 1, err);
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        status = add(o, s + from, i - from, err);
        from = i + 1;
        snprintf(escaped, sizeof escaped, "\\u%04x", c);
        if (status == WEFT_OK)
            status = add(o, escaped, 6, err);
    }
    if (status == WEFT_OK)
        status = add(o, s + from, n - from, err);
    return status == WEFT_OK ? add(o, "\"", 1, err) : status;
}

/* JSON has no infinity and no NaN: they become null. */
static weft_status add_real(out *o, double f, weft_error *err)
{
    char    text[40];
    json_t *real = isfinite(f) ? json_real(f) : json_null();
    size_t  n = real != NULL ? json_dumpb(real, text, sizeof text, JSON_ENCODE_ANY) : 0;
    json_decref(real);
    return n > 0 && n <= sizeof text ? add(o, text, n, err)
                                     : wf_fail_nomem(err, sizeof *real, "a number");
}

static weft_status add_scalar(void *ctx, const wf_gguf_scalar *s, weft_error *err)
{
    out        *o = ctx;
    char        text[40];
    weft_status status = o->comma ? add(o, ",", 1, err) : WEFT_OK;
    o->comma = true;
    if (status != WEFT_OK)
        return status;
    if (s->kind == WF_GGUF_STRING)
        return add_string(o, s->text, s->n, err);
    if (s->kind == WF_GGUF_BOOL)
        snprintf(text, sizeof text, "%s", s->i != 0 ? "true" : "false");
    else if (s->kind != WF_GGUF_F32 && s->kind != WF_GGUF_F64)
        snprintf(text, sizeof text, "%lld", (long long)s->i);
    else
        return add_real(o, s->f, err);
    return add(o, text, strlen(text), err);
}

static weft_status add_value(out *o, const wf_gguf_file *g, const wf_gguf_value *v, weft_error *err)
{
    const bool  is_array = v->kind == WF_GGUF_ARRAY;
    weft_status status = add_string(o, v->key, strlen(v->key), err);
    if (status == WEFT_OK)
        status = add(o, is_array ? ":[" : ":", is_array ? 2 : 1, err);
    o->comma = false;
    if (status == WEFT_OK)
        status = wf_gguf_each(g, v, add_scalar, o, err);
    return status == WEFT_OK && is_array ? add(o, "]", 1, err) : status;
}

weft_status wf_gguf_text_json(const wf_gguf_model *m, char **text, uint64_t *bytes, weft_error *err)
{
    const wf_gguf_file *g = &m->parts[0].gguf;
    out                 o = {.p = NULL};
    wf_json_init();
    weft_status status = add(&o, "{", 1, err);
    for (uint64_t i = 0; i < g->n_values && status == WEFT_OK; i++) {
        if (i > 0)
            status = add(&o, ",\n", 2, err);
        if (status == WEFT_OK)
            status = add_value(&o, g, &g->values[i], err);
    }
    if (status == WEFT_OK)
        status = add(&o, "}\n", 2, err);
    *text = status == WEFT_OK ? o.p : NULL;
    *bytes = o.n;
    if (status != WEFT_OK)
        wf_free(o.p);
    return status;
}
