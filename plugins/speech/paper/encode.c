/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes one item, from frames to tokens. Frames are put side by side to rows, which go through
 * the encoder and then the adapter. The stages that `weft model verify` compares are copied to
 * outputs on the way. */
#include "adapter.h"
#include "encoder.h"

static void stack(spk_run *r, const spk_config *c, const weft_tensor *rows,
                  const weft_tensor *frames)
{
    void   *to = rows->data, *from = frames->data;
    int64_t all = frames->shape[0] * frames->shape[1], width = rows->shape[1];
    float   pad = c->pad;
    void   *args[] = {&to, &from, &all, &width, &pad};
    spk_launch(r, r->m->kernels.stack, rows->shape[0], width, args);
}

/* Copies a stage to the output that shows it. Such an output has no data unless somebody wants to
 * look at it. */
static void show(spk_run *r, const weft_tensor *output, const weft_tensor *what)
{
    if (output->data != NULL)
        plg_copy(&r->on, output, what);
}

/* Lays the buffers out in a and, where r is not NULL, enqueues the work. The outputs are in the
 * order of the plan: the adapter's (where there is an adapter), the encoder's, the features. */
static void run(spk_run *r, const spk_config *c, const spk_weights *w, const spk_sizes *s,
                const weft_tensor *input, const weft_tensor *outputs, plg_arena *a)
{
    const int      adapted = c->adapter.family != NULL;
    weft_tensor    rows = plg_carve(a, WEFT_F32, s->n_rows, c->encoder.d_in);
    weft_tensor    x = plg_carve(a, WEFT_F32, s->n_rows, c->encoder.d);
    const uint64_t mark = a->used; /* from here on the adapter reuses the encoder's buffers */
    if (r != NULL) {
        stack(r, c, &rows, input);
        show(r, &outputs[adapted + 1], c->encoder.family->stacked_output ? &rows : input);
    }
    c->encoder.family->encode(r, &c->encoder, &w->encoder, s, &rows, &x, a);
    a->used = mark;
    if (r != NULL)
        show(r, &outputs[adapted], &x);
    if (adapted)
        c->adapter.family->encode(r, &c->adapter, &w->adapter, s, &x, outputs, a);
}

uint64_t spk_scratch_bytes(const spk_config *c, const spk_sizes *s)
{
    const spk_weights none = {.encoder = {.blocks = NULL}};
    plg_arena         a = {NULL, 0, 0};
    run(NULL, c, &none, s, NULL, NULL, &a);
    return a.peak;
}

weft_status spk_encode(const spk_modality *m, weft_queue *q, const spk_sizes *s,
                       const weft_tensor *input, const weft_tensor *outputs,
                       const weft_tensor *scratch, weft_error *err)
{
    spk_run   r = {plg_run_begin(m->host, m->ops, q, err), m};
    plg_arena a = {scratch, 0, 0};
    if (spk_scratch_bytes(&m->config, s) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %lld frames was given too little scratch memory", SPK_ID,
                         (long long)s->n_frames);
    run(&r, &m->config, &m->weights, s, input, outputs, &a);
    return r.on.status;
}
