/* SPDX-License-Identifier: Apache-2.0 */
/* A projector that says which of the core's own tokens it hears (the key ctc_units): weft's own
 * extension of Ultravox's layout, for cores so small that they read nothing else.
 *
 * linear_out has a column for each unit, a token that `units` names, and the first is the blank.
 * As connectionist temporal classification has it (Graves et al. 2006), the best unit of each row
 * is taken, units that repeat the row before are left out, and so are blanks. What the core is
 * given are its own embeddings of the tokens that are left, behind the tokens of `fill`, of which
 * as many are taken as there are rows without a token: the number of rows follows from the length
 * of the recording alone, and a core that is told in words what comes is not disturbed by them. */
#include "../../common/gpu_image.h"
#include "../ops/kernels.h"
#include "stages.h"

#define P ((uint32_t)sizeof(void *))
#define I ((uint32_t)sizeof(int64_t))
static const uint32_t best_args[] = {P, P, I};
static const uint32_t spell_args[] = {P, P, P, P, P, I, I};
#undef P
#undef I

#define KERNEL(body)                                                                               \
    {                                                                                              \
        WEFT_HDR(weft_kernel_decl), "vox_" #body, spk_k_##body, "spk_gpu_" #body, body##_args,     \
            sizeof body##_args / sizeof *body##_args, 0                                            \
    }
static const weft_kernel_decl kernels[] = {KERNEL(best), KERNEL(spell)};

weft_status vox_units_add(const weft_host *h, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    return launcher->add(h, kernels, sizeof kernels / sizeof *kernels, plg_gpu_fatbin(), err);
}

weft_status vox_units_find(const weft_host *h, const weft_if_ops *ops, vox_units *out,
                           weft_error *err)
{
    out->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    out->best = out->launcher->find(h, kernels[0].name);
    out->spell = out->launcher->find(h, kernels[1].name);
    if (out->best == NULL || out->spell == NULL)
        return weft_fail(err, WEFT_E_INTERNAL, "%s: the host has lost its kernels", VOX_ID);
    if (!WEFT_HAS(ops, weft_if_ops, embed))
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: a projector with ctc_units needs a newer weft, which lends the "
                         "core's embeddings",
                         VOX_ID);
    return WEFT_OK;
}

/* Whether a table has tokens of the core alone. */
static weft_status check(const weft_tensor *table, const char *name, int32_t vocab, weft_error *err)
{
    const float *id = table->data;
    for (int64_t i = 0; i < table->shape[0]; i++)
        if (!(id[i] >= 0 && id[i] < (float)vocab) || id[i] != (float)(int32_t)id[i])
            return weft_fail(err, WEFT_E_INVALID,
                             "%s: element %lld of multi_modal_projector.%s is %g, which is none of "
                             "the text model's %d tokens",
                             VOX_ID, (long long)i, name, (double)id[i], vocab);
    return WEFT_OK;
}

weft_status vox_units_check(const vox_weights *w, int32_t vocab, weft_error *err)
{
    weft_status status = check(&w->units_host, "units", vocab, err);
    return status == WEFT_OK ? check(&w->fill_host, "fill", vocab, err) : status;
}

vox_spelling vox_spelling_of(const vox_config *c, int64_t n, plg_arena *a)
{
    vox_spelling s = {.best = {.ndim = 0}, .ids = {.ndim = 0}, .nan = {.ndim = 0}};
    if (c->projector.n_units > 0) {
        s.best = plg_carve(a, WEFT_I32, n, 0);
        s.ids = plg_carve(a, WEFT_I32, n, 0);
        s.nan = plg_carve(a, WEFT_F32, 1, 0);
    }
    return s;
}

static void launch(spk_whisper_run *r, const vox_units *u, const weft_kernel *k, int64_t n,
                   void *const *args)
{
    const weft_launch how = {WEFT_HDR(weft_launch), {(uint32_t)n, 1, 1}, {128, 1, 1}, 0, 0, n, 1};
    if (r->on.status == WEFT_OK)
        r->on.status = u->launcher->launch(r->on.host, r->on.q, k, &how, args, r->on.err);
}

void vox_choose(spk_whisper_run *r, const vox_units *u, const vox_spelling *s,
                const weft_tensor *scores, int64_t first)
{
    int32_t *to = (int32_t *)s->best.data + first;
    void    *from = scores->data;
    int64_t  n = scores->shape[1];
    void    *args[] = {&to, &from, &n};
    launch(r, u, u->best, scores->shape[0], args);
}

/* Rows whose scores are no numbers become NaN, as they would without units, for the host to find.
 */
void vox_spell(spk_whisper_run *r, const vox_units *u, const vox_weights *w, const vox_spelling *s,
               const weft_tensor *out)
{
    void       *to = s->ids.data, *nan = s->nan.data, *from = s->best.data;
    void       *units = w->units.data, *fill = w->fill.data;
    int64_t     n = s->ids.shape[0], k = w->fill.shape[0];
    void       *args[] = {&to, &nan, &from, &units, &fill, &n, &k};
    weft_tensor all = *out;
    launch(r, u, u->spell, 1, args);
    all.data = nan;
    all.bytes = s->nan.bytes;
    memset(all.stride, 0, sizeof all.stride);
    plg_copy(&r->on, out, &all);
    if (r->on.status == WEFT_OK)
        r->on.status = r->on.ops->embed(r->on.host, r->on.q, out, &s->ids, r->on.err);
}
