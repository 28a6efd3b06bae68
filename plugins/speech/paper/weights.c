/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the weights of one directory in one request. Each family names its own weights. */
#include "adapter.h"
#include "encoder.h"

void spk_ask_ffn(plg_request *r, spk_ffn *to, const char *prefix, const char *name, int64_t d,
                 int64_t d_ffn, int32_t bias)
{
    char full[PLG_MAX_NAME];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    plg_ask_dense(r, &to->up, full, "intermediate_dense", d_ffn, d, 0, bias);
    plg_ask_dense(r, &to->down, full, "output_dense", d, d_ffn, 0, bias);
}

void spk_ask_mha(plg_request *r, spk_mha *to, const char *prefix, const char *name, int64_t d,
                 int32_t bias)
{
    char full[PLG_MAX_NAME];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    plg_ask_dense(r, &to->q, full, "linear_q", d, d, 0, bias);
    plg_ask_dense(r, &to->k, full, "linear_k", d, d, 0, bias);
    plg_ask_dense(r, &to->v, full, "linear_v", d, d, 0, bias);
    plg_ask_dense(r, &to->out, full, "linear_out", d, d, 0, bias);
}

typedef struct asked {
    const spk_config *c;
    spk_weights      *w;
} asked;

static void ask_all(plg_request *r, void *ctx)
{
    const asked      *what = ctx;
    const spk_config *c = what->c;
    c->encoder.family->ask(r, &c->encoder, c->encoder_prefix, &what->w->encoder);
    if (c->adapter.family != NULL)
        c->adapter.family->ask(r, &c->adapter, c->adapter_prefix, &what->w->adapter);
}

static weft_status alloc(const weft_host *h, const spk_config *c, spk_weights *w, weft_error *err)
{
    const uint64_t blocks = (uint64_t)c->encoder.n_layers * sizeof *w->encoder.blocks;
    const uint64_t layers = (uint64_t)c->adapter.n_layers * sizeof *w->adapter.layers;
    memset(w, 0, sizeof *w);
    char *room = plg_alloc(h, blocks + layers, "encoder blocks", err);
    if (room == NULL)
        return WEFT_E_NOMEM;
    w->encoder.blocks = (spk_block *)(void *)room;
    w->adapter.layers = (spk_adapter_layer *)(void *)(room + blocks);
    return WEFT_OK;
}

weft_status spk_weights_load(const weft_host *h, const weft_package *p, const spk_config *c,
                             spk_weights *out, weft_error *err)
{
    asked       what = {c, out};
    plg_request r;
    weft_status status = alloc(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, p, ask_all, &what, &r, err);
    if (status != WEFT_OK)
        spk_weights_free(h, out);
    return status;
}

uint64_t spk_weights_count(const weft_host *h, const spk_config *c)
{
    spk_weights w;
    asked       what = {c, &w};
    plg_request r;
    if (alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_all, &what, &r, NULL);
    spk_weights_free(h, &w);
    return r.parameters;
}

weft_status spk_weights_tell(const weft_host *h, const weft_package *p, const spk_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    spk_weights w;
    asked       what = {c, &w};
    weft_status status = alloc(h, c, &w, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask_all, &what, sink, err);
    spk_weights_free(h, &w);
    return status;
}

void spk_weights_free(const weft_host *h, spk_weights *w)
{
    h->free(h, w->encoder.blocks); /* with the adapter's layers, in one allocation */
    memset(w, 0, sizeof *w);
}
