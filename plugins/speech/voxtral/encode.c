/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes one item, from frames to tokens, chunk after chunk in the same scratch memory. Source:
 * transformers 4.57 modeling_voxtral.py.
 *
 *   x   = Whisper(frames of the chunk)          [positions, d], positions count from 0
 *   z   = x, `stack` rows side by side          [tokens, stack d]
 *   out = act(z W1^T) W2^T                      no biases */
#include "voxtral.h"

enum { TOKENS, FEATURES, ENCODED }; /* outputs of a plan */

/* The frames of chunk i of an item, [frames, bins], whichever way they lie in the input. */
static weft_tensor frames_of(const vxt_config *c, const vxt_carried *what, const weft_tensor *input,
                             int64_t i)
{
    const int64_t bins = c->encoder.bins, shape[2] = {c->frames, bins};
    if (!what->by_bins)
        return plg_rows(input, i * c->frames, c->frames, bins);
    weft_tensor t = weft_view(input, input->data, WEFT_F32, 2, shape);
    t.stride[0] = 1;
    t.stride[1] = c->frames;
    return t;
}

/* Lays out the buffers of a chunk and, where r is not NULL, enqueues its work. x: the encoder's
 * rows. */
static weft_tensor encode_chunk(spk_whisper_run *r, const vxt_config *c, const vxt_weights *w,
                                const weft_tensor *frames, const weft_tensor *out, plg_arena *a)
{
    const spk_whisper_config *e = &c->encoder;
    const spk_whisper_chunk   k = {c->frames, c->frames, e->positions, e->positions};
    weft_tensor               x = plg_carve(a, WEFT_F32, e->positions, e->d);
    const uint64_t            mark = a->used; /* the projector reuses the encoder's buffers */
    spk_whisper_encode(r, e, &w->encoder, &k, frames, &x, a);
    a->used = mark;
    weft_tensor mid = plg_carve(a, WEFT_F32, c->tokens, c->d_text);
    if (r != NULL) {
        const weft_tensor stacked = plg_part(&x, 0, c->tokens, (int64_t)c->stack * e->d);
        plg_linear(&r->on, &mid, &stacked, &w->linear1, c->act);
        plg_linear(&r->on, out, &mid, &w->linear2, WEFT_ACT_NONE);
    }
    return x;
}

uint64_t vxt_scratch_bytes(const vxt_config *c)
{
    static const vxt_weights none;
    plg_arena                a = {NULL, 0, 0};
    spk_whisper_begin_room(&a);
    (void)encode_chunk(NULL, c, &none, NULL, NULL, &a);
    return a.peak;
}

/* Called after a chunk: tells how far the work is, and stops where the host was cancelled. */
static void between(plg_run *r, int64_t done, int64_t all)
{
    const weft_host *h = r->host;
    if (WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
        h->progress(h, "encoding", (uint64_t)done, (uint64_t)all, "chunks");
    if (r->status == WEFT_OK && h->cancelled(h))
        r->status = weft_fail(r->err, WEFT_E_CANCELLED, "cancelled");
}

/* Copies the rows of chunk i to an output that is only looked at. */
static void show(plg_run *r, const weft_tensor *output, const weft_tensor *rows, int64_t i)
{
    const int64_t n = rows->shape[0], d = rows->shape[1];
    if (output->data == NULL)
        return;
    const weft_tensor to = plg_rows(output, i * n, n, d);
    plg_copy(r, &to, rows);
}

weft_status vxt_encode(const vxt_modality *m, weft_queue *q, const weft_encode_item *item,
                       const weft_tensor *scratch, weft_error *err)
{
    const vxt_config  *c = &m->config;
    const vxt_carried *what = item->plan->carried;
    const weft_tensor *out = item->output;
    spk_whisper_run    r = {.on = plg_run_begin(m->host, m->ops, q, err)};
    plg_arena          a = {scratch, 0, 0};
    if (vxt_scratch_bytes(c) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: encoding was given too little scratch memory",
                         VXT_ID);
    spk_whisper_begin(&r, &a);
    const uint64_t mark = a.used;
    for (int64_t i = 0; i < what->chunks && r.on.status == WEFT_OK; i++) {
        const weft_tensor frames = frames_of(c, what, &item->input[0], i);
        const weft_tensor tokens = plg_rows(&out[TOKENS], i * c->tokens, c->tokens, c->d_text);
        a.used = mark;
        const weft_tensor x = encode_chunk(&r, c, &m->weights, &frames, &tokens, &a);
        show(&r.on, &out[FEATURES], &frames, i);
        show(&r.on, &out[ENCODED], &x, i);
        between(&r.on, i + 1, what->chunks);
    }
    return r.on.status;
}
