/* SPDX-License-Identifier: Apache-2.0 */
/* Ultravox's projector: `stack` encoder rows side by side to a row of the text model. Source:
 * fixie-ai/ultravox ultravox_model.py UltravoxProjector.
 *
 *   z   = RMS(rows side by side; ln_pre)        missing rows of the last token are zeros
 *   u   = z W1^T
 *   v   = u1 * silu(u2)                         swiglu: the second half is the gate; else act(u)
 *   v   = RMS(v; ln_mid)                        v0.5 and later
 *   out = v W2^T
 *   out = RMS(out; ln_post)                     v0.4.1 and earlier
 *
 * With num_projector_layers, UltravoxTransformerProjector of the same file:
 *   x   = z W_in^T + b + positions
 *   x   = so many encoder layers (whisper_layers.c)     every token sees all tokens of its chunk
 *   out = RMS(x; ln_post) W_out^T + b
 * RMS eps 1e-6. */
#include "stages.h"

/* Columns first .. first + n of t [rows, d]. */
static weft_tensor columns(const weft_tensor *t, int64_t first, int64_t n)
{
    weft_tensor v = *t;
    v.data = (float *)t->data + first;
    v.bytes = t->bytes - (uint64_t)first * sizeof(float);
    v.shape[1] = n;
    return v;
}

static void gate(spk_whisper_run *r, const weft_tensor *v, const weft_tensor *u)
{
    const int64_t half = v->shape[1];
    weft_tensor   up = columns(u, 0, half), gates = columns(u, half, half);
    if (r->on.status == WEFT_OK)
        r->on.status = r->on.ops->swiglu(r->on.host, r->on.q, v, &gates, &up, r->on.err);
}

static void two_linears(spk_whisper_run *r, const vox_projector_config *p, const vox_weights *w,
                        const weft_tensor *z, const weft_tensor *out, plg_arena *a)
{
    const int64_t n = z->shape[0];
    weft_tensor   u = plg_carve(a, WEFT_F32, n, p->inner), v = u;
    if (p->gated)
        v = plg_carve(a, WEFT_F32, n, p->mid);
    if (r == NULL)
        return;
    plg_linear(&r->on, &u, z, &w->linear1, p->gated ? WEFT_ACT_NONE : p->act);
    if (p->gated)
        gate(r, &v, &u);
    if (p->ln_mid)
        spk_whisper_norm(r, &v, &v, &w->ln_mid);
    plg_linear(&r->on, out, &v, &w->linear2, WEFT_ACT_NONE);
    if (!p->ln_mid)
        spk_whisper_norm(r, out, out, &w->ln_post);
}

static void transform(spk_whisper_run *r, const vox_config *c, const vox_weights *w,
                      const weft_tensor *z, const weft_tensor *out, plg_arena *a)
{
    const int64_t           n = z->shape[0];
    const spk_whisper_tower tower = {w->inner, c->projector.n_layers, 0, n, n};
    weft_tensor             x = plg_carve(a, WEFT_F32, n, c->encoder.d);
    if (r != NULL) {
        weft_tensor positions = plg_rows(&w->places, 0, n, c->encoder.d);
        plg_linear(&r->on, &x, z, &w->linear1, WEFT_ACT_NONE);
        plg_add(&r->on, &x, &positions, 1.0f);
    }
    spk_whisper_layers(r, &c->encoder, &tower, &x, a);
    if (r == NULL)
        return;
    spk_whisper_norm(r, &x, &x, &w->ln_post);
    plg_linear(&r->on, out, &x, &w->linear2, WEFT_ACT_NONE);
}

void vox_project(spk_whisper_run *r, const vox_config *c, const vox_weights *w, const vox_chunk *k,
                 const weft_tensor *x, const weft_tensor *out, plg_arena *a)
{
    const vox_projector_config *p = &c->projector;
    const int64_t               n = k->n_tokens, width = (int64_t)p->stack * c->encoder.d;
    weft_tensor                 z = plg_carve(a, WEFT_F32, n, width);
    if (r != NULL) {
        weft_tensor past = plg_rows(x, k->n_rows, n * p->stack - k->n_rows, x->shape[1]);
        weft_tensor side_by_side = plg_part(x, 0, n, width);
        spk_whisper_clear(r, &past);
        spk_whisper_norm(r, &z, &side_by_side, &w->ln_pre);
    }
    if (p->n_layers > 0)
        transform(r, c, w, &z, out, a);
    else
        two_linears(r, p, w, &z, out, a);
}
