/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffers from the host's memory. */
#include "base.h"

weft_status txt_fail_nomem(weft_error *err, uint64_t bytes)
{
    return weft_fail(err, WEFT_E_NOMEM, "the tokenizer has no memory for %llu bytes",
                     (unsigned long long)bytes);
}

weft_status txt_buf_reserve(txt_buf *b, uint64_t more, weft_error *err)
{
    if (more <= b->cap - b->n)
        return WEFT_OK;
    if (more > (UINT64_C(1) << 40))
        return txt_fail_nomem(err, more);
    uint64_t cap = b->n + more;
    if (cap < b->cap * 2)
        cap = b->cap * 2; /* doubling: all copies together are then linear in the size */
    if (cap < 256)
        cap = 256;
    uint8_t *p = b->host->alloc(b->host, cap, 16);
    if (p == NULL)
        return txt_fail_nomem(err, cap);
    if (b->n != 0)
        memcpy(p, b->p, b->n);
    b->host->free(b->host, b->p);
    b->p = p;
    b->cap = cap;
    return WEFT_OK;
}

weft_status txt_buf_add(txt_buf *b, const void *src, uint64_t n, weft_error *err)
{
    weft_status s = txt_buf_reserve(b, n, err);
    if (s != WEFT_OK)
        return s;
    if (n != 0)
        memcpy(b->p + b->n, src, n);
    b->n += n;
    return WEFT_OK;
}

void txt_buf_free(txt_buf *b)
{
    if (b->host != NULL)
        b->host->free(b->host, b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}
