/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the numbers and strings of a GGUF file in order. */
#include "core/io/gguf_cursor.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "weft/utf8.h"

weft_status wf_gguf_cursor_open(const wf_file *f, uint64_t at, wf_gguf_cursor *out, weft_error *err)
{
    *out = (wf_gguf_cursor){.file = f, .at = at, .block = wf_alloc(WF_GGUF_BLOCK)};
    return out->block != NULL ? WEFT_OK : wf_fail_nomem(err, WF_GGUF_BLOCK, "reading a GGUF file");
}

void wf_gguf_cursor_close(wf_gguf_cursor *c)
{
    wf_free(c->block);
    wf_free(c->text);
    *c = (wf_gguf_cursor){.block = NULL};
}

weft_status wf_gguf_bad(const wf_gguf_cursor *c, const char *what, weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: byte %" PRIu64 ": %s", wf_quote(c->file->path).s,
                   c->at, what);
}

weft_status wf_gguf_room(const wf_gguf_cursor *c, uint64_t n, const char *what, weft_error *err)
{
    uint64_t left = c->file->bytes - c->at;
    if (n <= left)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_CORRUPT,
                   "%s: byte %" PRIu64 ": %s %" PRIu64 " bytes, and the file has %" PRIu64
                   " more; it was cut short or damaged",
                   wf_quote(c->file->path).s, c->at, what, n, left);
}

static weft_status block_fill(wf_gguf_cursor *c, weft_error *err)
{
    uint64_t left = c->file->bytes - c->at;
    c->from = c->at;
    c->have = left < WF_GGUF_BLOCK ? left : WF_GGUF_BLOCK;
    return wf_file_read(c->file, c->from, c->block, c->have, err);
}

/* The next n bytes, which the file has. */
static weft_status take(wf_gguf_cursor *c, void *dst, uint64_t n, weft_error *err)
{
    uint8_t    *to = dst;
    weft_status status = WEFT_OK;
    while (n > 0 && status == WEFT_OK) {
        if (c->at < c->from || c->at >= c->from + c->have) {
            status = block_fill(c, err);
            continue;
        }
        uint64_t left = c->from + c->have - c->at, part = n < left ? n : left;
        memcpy(to, c->block + (c->at - c->from), (size_t)part);
        c->at += part;
        to += part;
        n -= part;
    }
    return status;
}

weft_status wf_gguf_uint(wf_gguf_cursor *c, uint32_t bytes, uint64_t *v, weft_error *err)
{
    uint8_t     le[8] = {0};
    weft_status status = wf_gguf_room(c, bytes, "a number of", err);
    if (status == WEFT_OK)
        status = take(c, le, bytes, err);
    *v = 0;
    for (uint32_t i = 0; i < bytes; i++)
        *v |= (uint64_t)le[i] << (8 * i);
    return status;
}

static weft_status text_reserve(wf_gguf_cursor *c, uint64_t bytes, weft_error *err)
{
    if (bytes <= c->room)
        return WEFT_OK;
    uint64_t room = bytes < 256 ? 256 : bytes + bytes / 2;
    char    *text = wf_realloc(c->text, (size_t)room);
    if (text == NULL)
        return wf_fail_nomem(err, room, "a string of a GGUF file");
    c->text = text;
    c->room = room;
    return WEFT_OK;
}

static bool is_utf8(const char *s, uint64_t n)
{
    for (uint64_t at = 0; at < n;) {
        int32_t length = weft_utf8_char(s + at, n - at, NULL);
        if (length <= 0)
            return false;
        at += (uint64_t)length;
    }
    return true;
}

weft_status wf_gguf_text(wf_gguf_cursor *c, uint64_t most, uint64_t *n, weft_error *err)
{
    weft_status status = wf_gguf_uint(c, 8, n, err);
    if (status == WEFT_OK)
        status = wf_gguf_room(c, *n, "a string of", err);
    if (status != WEFT_OK)
        return status;
    if (*n > most)
        return wf_fail(err, WEFT_E_LIMIT,
                       "%s: byte %" PRIu64 ": a string of %" PRIu64 " bytes, over the limit of "
                       "%" PRIu64,
                       wf_quote(c->file->path).s, c->at, *n, most);
    status = text_reserve(c, *n + 1, err);
    if (status == WEFT_OK)
        status = take(c, c->text, *n, err);
    if (status != WEFT_OK)
        return status;
    c->text[*n] = '\0';
    return is_utf8(c->text, *n) ? WEFT_OK : wf_gguf_bad(c, "a string before this is no UTF-8", err);
}

uint32_t wf_gguf_kind_bytes(int32_t kind)
{
    static const uint8_t bytes[WF_GGUF_KINDS] = {
        [WF_GGUF_U8] = 1,  [WF_GGUF_I8] = 1,  [WF_GGUF_U16] = 2, [WF_GGUF_I16] = 2,
        [WF_GGUF_U32] = 4, [WF_GGUF_I32] = 4, [WF_GGUF_F32] = 4, [WF_GGUF_BOOL] = 1,
        [WF_GGUF_U64] = 8, [WF_GGUF_I64] = 8, [WF_GGUF_F64] = 8,
    };
    return kind >= 0 && kind < WF_GGUF_KINDS ? bytes[kind] : 0;
}

/* A number of so many bytes with a sign. */
static int64_t signed_of(uint64_t v, uint32_t bytes)
{
    uint32_t shift = 64 - 8 * bytes;
    return (int64_t)(v << shift) >> shift;
}

static void number(wf_gguf_scalar *s, uint64_t v)
{
    uint32_t bits = (uint32_t)v;
    float    f;
    switch (s->kind) {
    case WF_GGUF_F32:
        memcpy(&f, &bits, sizeof f);
        s->f = (double)f;
        break;
    case WF_GGUF_F64:
        memcpy(&s->f, &v, sizeof v);
        break;
    case WF_GGUF_I8:
    case WF_GGUF_I16:
    case WF_GGUF_I32:
    case WF_GGUF_I64:
        s->i = signed_of(v, wf_gguf_kind_bytes(s->kind));
        break;
    default:
        s->i = v > INT64_MAX ? INT64_MAX : (int64_t)v;
    }
}

weft_status wf_gguf_scalar_read(wf_gguf_cursor *c, int32_t kind, wf_gguf_scalar *s, weft_error *err)
{
    uint64_t v;
    *s = (wf_gguf_scalar){.kind = kind};
    if (kind == WF_GGUF_STRING) {
        weft_status status = wf_gguf_text(c, WF_GGUF_MAX_STRING, &s->n, err);
        s->text = c->text;
        return status;
    }
    weft_status status = wf_gguf_uint(c, wf_gguf_kind_bytes(kind), &v, err);
    if (status != WEFT_OK)
        return status;
    if (kind == WF_GGUF_BOOL && v > 1)
        return wf_gguf_bad(c, "a bool before this is neither 0 nor 1", err);
    number(s, v);
    return WEFT_OK;
}
