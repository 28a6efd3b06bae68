/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes one item, from frames to tokens. */
#include "calls.h"

enum { TOKENS, ENCODED, FEATURES }; /* outputs of a plan */

/* Lays out the buffers and, where r is not NULL, enqueues the work. */
static void stages(gsp_run *r, const gsp_config *c, const gsp_weights *w, const gsp_sizes *s,
                   const weft_tensor *rows, const weft_tensor *outputs, plg_arena *a)
{
    const int64_t  all = s->n_windows * c->projector.window, d = c->encoder.d_out;
    const float    nothing = 0.0f;
    weft_tensor    zero = plg_carve(a, WEFT_F32, 1, 0);
    weft_tensor    windows = plg_carve(a, WEFT_F32, all, d);
    weft_tensor    x = plg_rows(&windows, 0, s->n_rows, d);
    const uint64_t mark = a->used; /* from here on the projector reuses the encoder's buffers */
    gsp_conformer(r, c, w, s->n_rows, rows, &x, a);
    a->used = mark;
    if (r != NULL) {
        weft_tensor rest = plg_rows(&windows, s->n_rows, all - s->n_rows, d);
        plg_upload(&r->on, &zero, &nothing);
        gsp_clear(r, &rest, &zero);
        if (outputs[ENCODED].data != NULL)
            plg_copy(&r->on, &outputs[ENCODED], &x);
    }
    gsp_qformer(r, c, w, s->n_windows, &windows, r != NULL ? &outputs[TOKENS] : NULL, a);
}

uint64_t gsp_scratch_bytes(const gsp_config *c, int64_t n_frames)
{
    const gsp_sizes   s = gsp_sizes_of(c, n_frames);
    const gsp_weights none = {.blocks = NULL};
    plg_arena         a = {NULL, 0, 0};
    stages(NULL, c, &none, &s, NULL, NULL, &a);
    return a.peak;
}

weft_status gsp_encode(const gsp_modality *m, weft_queue *q, int64_t n_frames,
                       const weft_tensor *input, const weft_tensor *outputs,
                       const weft_tensor *scratch, weft_error *err)
{
    const gsp_config *c = &m->config;
    const gsp_sizes   s = gsp_sizes_of(c, n_frames);
    const weft_tensor rows = plg_part(input, 0, s.n_rows, c->encoder.d_in);
    gsp_run           r = {.on = plg_run_begin(m->host, m->ops, q, err), .m = m};
    plg_arena         a = {scratch, 0, 0};
    if (gsp_scratch_bytes(c, n_frames) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %lld frames was given too little scratch memory", GSP_ID,
                         (long long)n_frames);
    if (outputs[FEATURES].data != NULL)
        plg_copy(&r.on, &outputs[FEATURES], &rows);
    stages(&r, c, &m->weights, &s, &rows, outputs, &a);
    return r.on.status;
}
