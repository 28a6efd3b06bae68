/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes one item, from frames to tokens. A long recording is encoded in chunks, one after
 * another, which use the same scratch memory. */
#include "stages.h"

enum { TOKENS, FEATURES, ENCODED }; /* outputs of a plan; the last where there is one chunk */

/* One item: where it comes from and goes to. A plan's has config alone. */
typedef struct item {
    const vox_config   *c;
    const vox_modality *m;
    const weft_tensor  *input, *outputs;
    vox_spelling        spelling;
} item;

/* Lays out the buffers of one chunk and, where r is not NULL, enqueues its work. */
static void encode_chunk(spk_whisper_run *r, const item *it, const vox_chunk *k, plg_arena *a)
{
    const vox_config     *c = it->c;
    const vox_ctc_config *letters = &c->projector.ctc;
    const vox_weights     none = {.inner = NULL}, *w = it->m != NULL ? &it->m->weights : &none;
    const int64_t         wanted = k->n_tokens * c->projector.stack;

    weft_tensor x =
        plg_carve(a, WEFT_F32, wanted > k->of.n_rows ? wanted : k->of.n_rows, c->encoder.d);
    weft_tensor rows = plg_rows(&x, 0, k->of.n_rows, c->encoder.d);
    weft_tensor frames = {.ndim = 0}, out = {.ndim = 0};
    if (letters->columns > 0)
        out = plg_carve(a, WEFT_F32, k->n_tokens, (int64_t)letters->places * letters->columns);
    const uint64_t mark = a->used; /* from here on the projector reuses the encoder's buffers */
    if (r != NULL) {
        frames = plg_rows(it->input, k->first, k->of.n, it->input->shape[1]);
        if (letters->columns == 0)
            out = plg_rows(&it->outputs[TOKENS], k->first_token, k->n_tokens,
                           it->outputs[TOKENS].shape[1]);
    }
    spk_whisper_encode(r, &c->encoder, &w->encoder, &k->of, &frames, &rows, a);
    a->used = mark;
    rows = plg_rows(&x, 0, k->n_rows, c->encoder.d);
    if (r != NULL && vox_n_chunks(c, it->input->shape[0]) == 1 && it->outputs[ENCODED].data != NULL)
        plg_copy(&r->on, &it->outputs[ENCODED], &rows);
    vox_project(r, c, w, k, &x, &out, a);
    if (r != NULL && letters->columns > 0)
        vox_hear(r, it->m, &it->spelling, &out, k->first == 0);
}

/* The first chunk is the longest; but only the last one is ever padded, so it may need more. */
uint64_t vox_scratch_bytes(const vox_config *c, int64_t n_frames)
{
    const int64_t last = vox_n_chunks(c, n_frames) - 1;
    item          it = {.c = c};
    plg_arena     a = {NULL, 0, 0};
    for (int64_t i = 0; i <= last; i += last > 0 ? last : 1) {
        const vox_chunk k = vox_chunk_of(c, n_frames, i);
        a.used = 0;
        spk_whisper_begin_room(&a);
        it.spelling = vox_spelling_of(c, vox_n_tokens(c, n_frames), &a);
        encode_chunk(NULL, &it, &k, &a);
    }
    return a.peak;
}

/* Called between two chunks: stops where the host was cancelled (Ctrl-C), and tells how far the
 * work is. */
static void between(plg_run *r, int64_t done, int64_t all)
{
    const weft_host *h = r->host;
    if (WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
        h->progress(h, "encoding", (uint64_t)done, (uint64_t)all, "chunks");
    if (r->status == WEFT_OK && h->cancelled(h))
        r->status = weft_fail(r->err, WEFT_E_CANCELLED, "cancelled");
}

weft_status vox_encode(const vox_modality *m, weft_queue *q, const weft_tensor *input,
                       const weft_tensor *outputs, const weft_tensor *scratch, weft_error *err)
{
    const vox_config *c = &m->config;
    const int64_t     n = input->shape[0];
    spk_whisper_run   r = {.on = plg_run_begin(m->host, m->ops, q, err)};
    plg_arena         a = {scratch, 0, 0};
    if (vox_scratch_bytes(c, n) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %lld frames was given too little scratch memory", VOX_ID,
                         (long long)n);
    spk_whisper_begin(&r, &a);
    if (outputs[FEATURES].data != NULL)
        plg_copy(&r.on, &outputs[FEATURES], input);
    const item     it = {c, m, input, outputs, vox_spelling_of(c, vox_n_tokens(c, n), &a)};
    const uint64_t mark = a.used;
    const int64_t  chunks = vox_n_chunks(c, n);
    for (int64_t i = 0; i < chunks && r.on.status == WEFT_OK; i++) {
        const vox_chunk k = vox_chunk_of(c, n, i);
        a.used = mark;
        encode_chunk(&r, &it, &k, &a);
        between(&r.on, i + 1, chunks);
    }
    if (c->projector.ctc.columns > 0)
        vox_spell(&r, m, &it.spelling, &outputs[TOKENS]);
    return r.on.status;
}
