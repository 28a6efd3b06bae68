/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of tokens to whole characters. */
#include "core/text/text_out.h"

#include <string.h>

#include "core/base/mem.h"
#include "weft/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static weft_status reserve(wf_text_out *o, uint64_t n, weft_error *err)
{
    if (o->n + n <= o->cap)
        return WEFT_OK;
    uint64_t cap = (o->n + n) * 2;
    char    *p = wf_realloc(o->bytes, (size_t)cap);
    if (p == NULL)
        return wf_fail_nomem(err, cap, "generated text");
    o->bytes = p;
    o->cap = cap;
    return WEFT_OK;
}

/* Drops what was given out before. */
static void settle(wf_text_out *o)
{
    memmove(o->bytes, o->bytes + o->given, (size_t)(o->n - o->given));
    o->n -= o->given;
    o->given = 0;
}

/* Replaces the byte at `at` by U+FFFD. */
static weft_status replace(wf_text_out *o, uint64_t at, weft_error *err)
{
    weft_status status = reserve(o, 2, err);
    if (status != WEFT_OK)
        return status;
    memmove(o->bytes + at + 3, o->bytes + at + 1, (size_t)(o->n - at - 1));
    memcpy(o->bytes + at, REPLACEMENT, 3);
    o->n += 2;
    return WEFT_OK;
}

static weft_status scan(wf_text_out *o, bool end, const char **text, uint64_t *n, weft_error *err)
{
    while (o->given < o->n) {
        int32_t len = weft_utf8_char(o->bytes + o->given, o->n - o->given, NULL);
        if (len == 0 && !end)
            break;
        if (len <= 0) {
            weft_status status = replace(o, o->given, err);
            if (status != WEFT_OK)
                return status;
            len = 3;
        }
        o->given += (uint64_t)len;
    }
    *text = o->bytes;
    *n = o->given;
    return WEFT_OK;
}

weft_status wf_text_out_push(wf_text_out *o, const char *bytes, uint64_t n_bytes, const char **text,
                             uint64_t *n, weft_error *err)
{
    *text = "";
    *n = 0;
    weft_status status = reserve(o, n_bytes + 1, err);
    if (status != WEFT_OK)
        return status;
    settle(o);
    memcpy(o->bytes + o->n, bytes, (size_t)n_bytes);
    o->n += n_bytes;
    return scan(o, false, text, n, err);
}

weft_status wf_text_out_flush(wf_text_out *o, const char **text, uint64_t *n, weft_error *err)
{
    *text = "";
    *n = 0;
    if (o->bytes == NULL)
        return WEFT_OK;
    settle(o);
    return scan(o, true, text, n, err);
}

void wf_text_out_free(wf_text_out *o)
{
    wf_free(o->bytes);
    memset(o, 0, sizeof *o);
}
