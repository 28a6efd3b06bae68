/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks the decoders for a file. */
#include "core/media/choose.h"

#include <string.h>

#include "core/base/log.h"

void wf_chooser_init(wf_chooser *c, wf_registry *registry, wf_modalities *live,
                     const weft_probe *head, const char *wanted)
{
    memset(c, 0, sizeof *c);
    c->registry = registry;
    c->live = live;
    c->head = head;
    c->wanted = wanted;
    c->least = WEFT_PROBE_NO;
}

static bool was_tried(const wf_chooser *c, const weft_decoder *d, const char *kind)
{
    for (uint32_t i = 0; i < c->n_tried; i++)
        if (c->tried[i].vt == d && strcmp(c->tried[i].kind, kind) == 0)
            return true;
    return false;
}

static bool is_asked_for(const wf_chooser *c, const char *kind)
{
    return (c->wanted == NULL || strcmp(kind, c->wanted) == 0) &&
           (c->locked == NULL || strcmp(kind, c->locked) == 0);
}

static bool is_named(int32_t score)
{
    return score > WEFT_PROBE_HINT && score <= WEFT_PROBE_NAMED;
}

/* What the loaded decoders offer: the best of those that may read the file, and one that names it.
 */
typedef struct offers {
    wf_choice best, named;
} offers;

static void compare(const wf_chooser *c, const wf_choice *next, wf_choice *best)
{
    bool live = wf_modality_of(c->live, next->kind) != NULL;
    bool best_live = best->vt != NULL && wf_modality_of(c->live, best->kind) != NULL;
    if (best->vt == NULL || (live != best_live ? live : next->score > best->score))
        *best = *next;
    else if (next->score == best->score && live == best_live && best->plugin != next->plugin)
        wf_log(WEFT_LOG_DEBUG, "%s and %s both know this file; %s is asked first",
               wf_plugin_id(best->plugin), wf_plugin_id(next->plugin), wf_plugin_id(best->plugin));
}

static void consider(const wf_chooser *c, const weft_decoder *d, wf_plugin *owner, offers *o)
{
    for (const char *const *kind = d->kinds; *kind != NULL; kind++) {
        if (!is_asked_for(c, *kind) || was_tried(c, d, *kind))
            continue;
        weft_probe p = *c->head;
        p.kind = *kind;
        const wf_choice next = {d, owner, *kind, wf_decoder_probe(d, owner, &p), 0};
        if (next.score > c->least)
            compare(c, &next, is_named(next.score) ? &o->named : &o->best);
    }
}

/* The best of the decoders that are loaded. A file that can be named is not for a decoder that goes
 * by the file's name alone. */
static wf_choice best_of(const wf_chooser *c)
{
    offers      o = {0};
    wf_plugin  *owner;
    const void *vt;
    for (size_t i = 0; (vt = wf_registry_component(c->registry, WEFT_C_DECODER, i, &owner)) != NULL;
         i++)
        consider(c, vt, owner, &o);
    return o.named.vt != NULL && o.best.score <= WEFT_PROBE_HINT ? o.named : o.best;
}

/* Does its content say that it is of a kind that the model takes? Then no decoder that its first
 * bytes do not fit would be preferred, and none of those is loaded for it. */
static bool is_sure(const wf_chooser *c, const wf_choice *best)
{
    return best->vt != NULL && best->score > WEFT_PROBE_NAMED &&
           wf_modality_of(c->live, best->kind) != NULL;
}

/* The first decoder to be asked. */
static weft_status first(wf_chooser *c, wf_choice *out, weft_error *err)
{
    weft_status status =
        wf_registry_load_decoders(c->registry, c->head->head, c->head->head_bytes, c->wanted, err);
    if (status != WEFT_OK)
        return status;
    *out = best_of(c);
    if (is_sure(c, out))
        return WEFT_OK;
    status = wf_registry_load_kind(c->registry, WEFT_C_DECODER, err);
    if (status == WEFT_OK)
        *out = best_of(c);
    return status;
}

weft_status wf_chooser_next(wf_chooser *c, wf_choice *out, weft_error *err)
{
    weft_status status = WEFT_OK;
    *out = (wf_choice){NULL, NULL, NULL, 0, 0};
    if (c->n_tried == 0)
        status = first(c, out, err);
    else if (c->n_tried < WF_CHOICES)
        status = wf_registry_load_kind(c->registry, WEFT_C_DECODER, err);
    if (c->n_tried > 0 && c->n_tried < WF_CHOICES && status == WEFT_OK)
        *out = best_of(c);
    if (status == WEFT_OK && out->vt != NULL)
        c->tried[c->n_tried++] = *out;
    return status;
}

bool wf_chooser_failed(wf_chooser *c, weft_status status)
{
    const wf_choice *last = &c->tried[c->n_tried - 1];
    if (last->score > WEFT_PROBE_HINT)
        c->least = WEFT_PROBE_NAMED;
    if (status == WEFT_E_UNSUPPORTED)
        c->locked = last->kind;
    return status == WEFT_E_NOTFOUND || status == WEFT_E_UNSUPPORTED;
}
