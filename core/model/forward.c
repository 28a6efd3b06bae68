/* SPDX-License-Identifier: Apache-2.0 */
/* The one forward pass. Reads like the block diagram in forward.h. */
#include "core/model/forward.h"

/* The stream times the core's embedding_scale, where it has one. */
static weft_status scale_rows(wf_decoder *d, int64_t m, weft_error *err)
{
    int64_t width = d->model->config.d_model;
    wf_op   op = {.kind = WF_OP_COMBINE,
                  .u.combine = {.y = d->h,
                                .a = d->h,
                                .b = d->model->embedding_scale,
                                .shape = {1, 1, m, width},
                                .y_stride = {0, 0, width, 1},
                                .a_stride = {0, 0, width, 1},
                                .how = WF_COMBINE_MUL}};
    return d->model->embedding_scale == NULL ? WEFT_OK : wf_queue_submit(d->queue, &op, err);
}

/* Embeddings, then the rows that come from items and markers. */
static weft_status embed(wf_decoder *d, const wf_batch *b, weft_error *err)
{
    int64_t width = d->model->config.d_model;
    wf_op   op = {
          .kind = WF_OP_EMBED,
          .u.embed = {
              .dst = d->h, .w = d->model->embed, .ids = b->ids, .m = b->m, .dst_stride = width}};
    weft_status status = wf_queue_submit(d->queue, &op, err);
    for (int64_t i = 0; i < b->n_soft && status == WEFT_OK; i++) {
        const wf_soft_rows *s = &b->soft[i];
        wf_op               rows = {.kind = WF_OP_ROWS,
                                    .u.rows = {.dst = d->h,
                                               .src = s->src,
                                               .dst_index = s->dst_index,
                                               .src_index = s->src_index,
                                               .m = s->n,
                                               .n = width,
                                               .dst_stride = width,
                                               .src_stride = s->src_stride}};
        status = wf_queue_submit(d->queue, &rows, err);
    }
    return status == WEFT_OK ? scale_rows(d, b->m, err) : status;
}

static weft_status rope_table(wf_decoder *d, const wf_batch *b, weft_error *err)
{
    wf_op op = {.kind = WF_OP_ROPE_TABLE,
                .u.rope_table = {.cos_sin = d->cos_sin,
                                 .pos = b->pos,
                                 .inv_freq = d->model->inv_freq,
                                 .m = b->m,
                                 .head_dim = d->model->config.head_dim}};
    return wf_queue_submit(d->queue, &op, err);
}

/* Rotated q and k, k and v stored, attention over the pages: d->qkv to d->att. */
static weft_status attend(wf_decoder *d, const wf_batch *b, int32_t layer, weft_error *err)
{
    const wf_config *c = &d->model->config;
    int64_t     q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t     stride = q + 2 * kv;
    wf_kv       pages = wf_kv_pool_view(d->pool, layer, c->n_kv_heads, c->head_dim);
    wf_op       rope = {.kind = WF_OP_ROPE,
                        .u.rope = {.x = d->qkv,
                                   .cos_sin = d->cos_sin,
                                   .m = b->m,
                                   .stride = stride,
                                   .n_heads = c->n_heads + c->n_kv_heads,
                                   .head_dim = c->head_dim}};
    wf_op       store = {.kind = WF_OP_KV_STORE,
                         .u.kv_store = {.kv = pages,
                                        .k = d->qkv + q,
                                        .v = d->qkv + q + kv,
                                        .slot = b->slot,
                                        .m = b->m,
                                        .k_stride = stride,
                                        .v_stride = stride}};
    wf_op       att = {.kind = WF_OP_ATTEND_PAGES,
                       .u.attend_pages = {.kv = pages,
                                          .out = d->att,
                                          .q = d->qkv,
                                          .spans = b->self.spans,
                                          .row_begin = b->self.begin,
                                          .row_end = b->self.end,
                                          .row_last = b->self.last,
                                          .m = b->m,
                                          .q_stride = stride,
                                          .out_stride = q,
                                          .n_heads = c->n_heads,
                                          .most_spans = (int32_t)b->self.most,
                                          .scale = c->attention_scale}};
    weft_status status = wf_queue_submit(d->queue, &rope, err);
    if (status == WEFT_OK)
        status = wf_queue_submit(d->queue, &store, err);
    return status == WEFT_OK ? wf_queue_submit(d->queue, &att, err) : status;
}

/* y [n, stride] += update_scale * (x w^T), x of update_rank columns within rows of x_stride. */
static weft_status add_update(wf_decoder *d, float *y, int64_t stride, const float *x,
                              int64_t x_stride, const wf_weight *w, int64_t n, weft_error *err)
{
    wf_op op = {.kind = WF_OP_LINEAR,
                .u.linear = {.y = y,
                             .x = x,
                             .w = *w,
                             .residual = y,
                             .m = n,
                             .y_stride = stride,
                             .x_stride = x_stride,
                             .residual_stride = stride,
                             .scale = d->model->config.update_scale,
                             .act = WF_ACT_NONE}};
    return wf_queue_submit(d->queue, &op, err);
}

/* The low-rank update of q, k and v in rows r of the batch, of what d->a holds. */
static weft_status update_rows(wf_decoder *d, const wf_layer_weights *w, const wf_row_range *r,
                               weft_error *err)
{
    const wf_config *c = &d->model->config;
    int64_t       q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t       stride = q + 2 * kv, width = w->update_a.n;
    float        *y = d->qkv + r->first * stride, *low = d->low;
    const int64_t columns[] = {q, kv, kv};
    weft_status   status = wf_do_linear(d, low, width, d->a + r->first * c->d_model, c->d_model,
                                        &w->update_a, r->n, err);
    for (int32_t k = 0; k < 3 && status == WEFT_OK; y += columns[k++]) {
        if (w->update_b[k].n == 0)
            continue;
        status = add_update(d, y, stride, low, width, &w->update_b[k], r->n, err);
        low += c->update_rank;
    }
    return status;
}

/* Shows an input of a layer to the calibration, where there is one: rows [m, columns]. */
static weft_status show_input(wf_decoder *d, const wf_batch *b, int32_t layer, int32_t input,
                              const float *x, weft_error *err)
{
    return d->calibration == NULL ? WEFT_OK
                                  : wf_calibration_add(d->calibration, d->queue, layer, input, x,
                                                       b->m - b->n_padding, err);
}

/* The inputs that stand where they were when a block is done. */
static weft_status show_inputs(wf_decoder *d, const wf_batch *b, int32_t layer, weft_error *err)
{
    weft_status status = show_input(d, b, layer, WF_INPUT_O, d->att, err);
    if (status == WEFT_OK)
        status = show_input(d, b, layer, WF_INPUT_GATE_UP, d->a, err);
    return status == WEFT_OK ? show_input(d, b, layer, WF_INPUT_DOWN, d->ffn, err) : status;
}

static weft_status block(wf_decoder *d, const wf_batch *b, int32_t layer, weft_error *err)
{
    const wf_config        *c = &d->model->config;
    const wf_layer_weights *w = &d->model->layers[layer];
    const wf_gate           gate = WF_GATE_OF(c->residual_scale);
    int64_t     q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    weft_status status = wf_do_norm(d, d->a, d->h, w->norm_attn, b->m, c->d_model, err);
    if (status == WEFT_OK)
        status = show_input(d, b, layer, WF_INPUT_QKV, d->a, err);
    if (status == WEFT_OK)
        status =
            wf_do_parts(d, d->qkv, q + 2 * kv, d->a, c->d_model, w->qkv, 3, w->qkv_bias, b->m, err);
    for (int64_t i = 0; i < b->n_updated && status == WEFT_OK; i++)
        status = update_rows(d, w, &b->updated[i], err);
    if (status == WEFT_OK)
        status = attend(d, b, layer, err);
    if (status == WEFT_OK)
        status = wf_do_linear_add(d, d->h, d->att, q, &w->o, gate, b->m, err);
    if (status == WEFT_OK)
        status = wf_do_ffn(d, d->h, w->norm_ffn, c->rms_eps, w->gate_up, &w->down, c->d_ffn, gate,
                           b->m, err);
    return status == WEFT_OK ? show_inputs(d, b, layer, err) : status;
}

static weft_status sites_at(wf_decoder *d, const wf_batch *b, int32_t layer, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < d->hooks->n_sites && status == WEFT_OK; i++) {
        const wf_site *s = &d->hooks->sites[i];
        bool           all = s->x.blind_rows != WEFT_BLIND_SKIP;
        if (s->kind == WEFT_HOOK_XATTN && s->layer == layer && (all || b->streams[s->stream].n > 0))
            status = wf_xattn_run(d, s, &b->streams[s->stream], b->m, err);
    }
    return status;
}

static weft_status show_hidden(wf_decoder *d, const wf_batch *b, int32_t layer, weft_error *err)
{
    uint64_t n = (uint64_t)(b->m - b->n_padding) * (uint64_t)d->model->config.d_model;
    if (b->hidden == NULL)
        return WEFT_OK;
    return wf_queue_download(d->queue, b->hidden + (uint64_t)layer * n, d->h, n * sizeof(float),
                             err);
}

/* Of the logits of n rows from `logits` on, what is in wf_row_best comes back to `host`. */
static weft_status fetch_best(wf_decoder *d, const float *logits, int64_t n, int32_t k,
                              wf_row_best *host, weft_error *err)
{
    const int64_t bytes = (int64_t)WF_ROW_BEST_BYTES(k), words = bytes / 8;
    const int64_t vocab = d->model->config.vocab;
    wf_op         finite = {.kind = WF_OP_FINITE,
                            .u.finite = {.out = &d->best->unsound,
                                         .x = logits,
                                         .m = n,
                                         .n = vocab,
                                         .x_stride = vocab,
                                         .out_stride = words}};
    wf_op         best = {.kind = WF_OP_BEST,
                          .u.best = {.best = d->best->best,
                                     .sum = &d->best->sum,
                                     .x = logits,
                                     .m = n,
                                     .n = vocab,
                                     .k = k,
                                     .x_stride = vocab,
                                     .best_stride = words,
                                     .sum_stride = words}};
    weft_status   status = wf_queue_submit(d->queue, &finite, err);
    if (status == WEFT_OK)
        status = wf_queue_submit(d->queue, &best, err);
    return status == WEFT_OK
               ? wf_queue_download(d->queue, host, d->best, (uint64_t)(n * bytes), err)
               : status;
}

/* Logits of out rows first..first+n-1 are in d->logits: what is wanted of them comes back. */
static weft_status fetch_rows(wf_decoder *d, const wf_batch *b, int64_t first, int64_t n,
                              weft_error *err)
{
    int64_t     vocab = d->model->config.vocab, whole = b->n_logits - first;
    weft_status status = WEFT_OK;
    whole = whole < 0 ? 0 : whole < n ? whole : n;
    if (whole > 0)
        status = wf_queue_download(d->queue, b->logits + first * vocab, d->logits,
                                   (uint64_t)whole * (uint64_t)vocab * sizeof(float), err);
    if (status != WEFT_OK || whole == n)
        return status;
    return fetch_best(d, d->logits + whole * vocab, n - whole, b->n_best,
                      wf_row_best_at(b->best, b->n_best, first + whole - b->n_logits), err);
}

weft_status wf_decoder_logits(wf_decoder *d, int64_t row, float *logits, weft_error *err)
{
    int64_t vocab = d->model->config.vocab;
    return wf_queue_download(d->queue, logits, d->logits + row * vocab,
                             (uint64_t)vocab * sizeof *logits, err);
}

/* Logits of out rows first..first+n-1. */
static weft_status head_rows(wf_decoder *d, const wf_batch *b, int64_t first, int64_t n,
                             weft_error *err)
{
    const wf_config *c = &d->model->config;
    wf_op            rows = {.kind = WF_OP_ROWS,
                             .u.rows = {.dst = d->out,
                                        .src = d->h,
                                        .src_index = b->out_index + first,
                                        .m = n,
                                        .n = c->d_model,
                                        .dst_stride = c->d_model,
                                        .src_stride = c->d_model}};
    weft_status      status = wf_queue_submit(d->queue, &rows, err);
    if (status == WEFT_OK)
        status = wf_do_norm(d, d->out, d->out, d->model->norm_out, n, c->d_model, err);
    if (status == WEFT_OK)
        status = wf_do_linear(d, d->logits, c->vocab, d->out, c->d_model, &d->model->head, n, err);
    return status == WEFT_OK ? fetch_rows(d, b, first, n, err) : status;
}

static weft_status head(wf_decoder *d, const wf_batch *b, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int64_t i = 0; i < b->n_out && status == WEFT_OK; i += d->max_out)
        status = head_rows(d, b, i, b->n_out - i < d->max_out ? b->n_out - i : d->max_out, err);
    return status;
}

weft_status wf_decoder_run(wf_decoder *d, const wf_batch *b, weft_error *err)
{
    int32_t     n_layers = d->model->config.n_layers;
    weft_status status = embed(d, b, err);
    if (status == WEFT_OK)
        status = rope_table(d, b, err);
    for (int32_t k = 0; k <= n_layers && status == WEFT_OK; k++) {
        status = sites_at(d, b, k, err);
        if (status == WEFT_OK)
            status = show_hidden(d, b, k, err);
        if (status == WEFT_OK && k < n_layers)
            status = block(d, b, k, err);
    }
    return status == WEFT_OK ? head(d, b, err) : status;
}
