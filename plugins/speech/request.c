/* SPDX-License-Identifier: Apache-2.0 */
/* Weights asked for in one request: counted, named, loaded. */
#include "request.h"

void spk_ask(spk_request *r, weft_tensor *to, uint32_t use, const char *prefix, const char *name,
             int64_t a, int64_t b, int64_t c)
{
    uint32_t i = r->n++;
    r->parameters += (uint64_t)a * (uint64_t)(b > 0 ? b : 1) * (uint64_t)(c > 0 ? c : 1);
    if (r->want == NULL)
        return;
    weft_weight w = {WEFT_HDR(weft_weight), r->name[i], use, 1 + (b > 0) + (c > 0), {a, b, c}};
    snprintf(r->name[i], SPK_MAX_NAME, "%s%s", prefix, name);
    r->want[i] = w;
    r->to[i] = to;
}

/* Room for the counted weights in one allocation, which *block then is. */
static weft_status alloc(const weft_host *h, spk_request *r, void **block, weft_error *err)
{
    const uint32_t n = r->n;
    uint64_t       each = sizeof *r->want + sizeof *r->got + sizeof *r->to + SPK_MAX_NAME;
    *block = h->alloc(h, n * each, 16);
    if (*block == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for the names of %u weights", n);
    r->want = *block;
    r->got = (weft_tensor *)(r->want + n);
    r->to = (weft_tensor **)(r->got + n);
    r->name = (char(*)[SPK_MAX_NAME])(r->to + n);
    r->n = 0;
    r->parameters = 0;
    return WEFT_OK;
}

weft_status spk_request_run(const weft_host *h, const weft_package *p,
                            void (*ask)(spk_request *r, void *ctx), void *ctx, spk_request *r,
                            weft_error *err)
{
    void *block = NULL;
    memset(r, 0, sizeof *r);
    ask(r, ctx);
    if (p == NULL)
        return WEFT_OK;
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    weft_status            status = alloc(h, r, &block, err);
    if (status != WEFT_OK)
        return status;
    ask(r, ctx);
    status = weights->get(h, p, r->want, r->n, r->got, err);
    for (uint32_t i = 0; status == WEFT_OK && i < r->n; i++)
        *r->to[i] = r->got[i];
    h->free(h, block);
    return status;
}
