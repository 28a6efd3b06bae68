/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens through the tokenizer, their bytes to whole characters. */
#include "core/text/stream.h"

#include "core/base/mem.h"

void weft_text_stream_destroy(weft_text_stream **t)
{
    if (*t == NULL)
        return;
    wf_text_out_free(&(*t)->out);
    wf_free(*t);
    *t = NULL;
}

weft_status weft_text_stream_push(weft_text_stream *t, int32_t id, const char **text,
                                  uint64_t *bytes, weft_error *err)
{
    char     small[256];
    char    *p = small;
    uint64_t need = 0;
    *text = "";
    *bytes = 0;
    if (t->text->tokens.vt == NULL)
        return WEFT_OK;
    weft_status status = wf_text_answer(t->text, &id, 1, small, sizeof small, &need, err);
    if (status == WEFT_OK && need > sizeof small) {
        if ((p = wf_alloc((size_t)need)) == NULL)
            return wf_fail_nomem(err, need, "a token's text");
        uint64_t cap = need;
        status = wf_text_answer(t->text, &id, 1, p, cap, &need, err);
        need = need < cap ? need : cap;
    }
    if (status == WEFT_OK)
        status = wf_text_out_push(&t->out, p, need, text, bytes, err);
    if (p != small)
        wf_free(p);
    return status;
}

weft_status weft_text_stream_flush(weft_text_stream *t, const char **text, uint64_t *bytes,
                                   weft_error *err)
{
    return wf_text_out_flush(&t->out, text, bytes, err);
}
