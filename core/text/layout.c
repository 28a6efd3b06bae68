/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts as ids. Runs of placeholders are special tokens, so the text between two of them is
 * encoded by itself, as the reference's tokenizer does. */
#include "core/text/layout.h"

#include <string.h>

#include "core/base/mem.h"

/* Appends the ids of a piece of text. */
static weft_status add_text(const wf_text *t, const char *text, uint64_t bytes, wf_item_layout *out,
                            weft_error *err)
{
    uint64_t    need = 0, got = 0;
    weft_status status = wf_text_encode(t, text, bytes, true, NULL, 0, &need, err);
    if (status != WEFT_OK || need == 0)
        return status;
    int32_t *ids = wf_realloc(out->ids, ((size_t)out->n + (size_t)need + 1) * sizeof *ids);
    if (ids == NULL)
        return wf_fail_nomem(err, need * sizeof *ids, "an item's layout");
    out->ids = ids;
    status = wf_text_encode(t, text, bytes, true, ids + out->n, need, &got, err);
    if (status == WEFT_OK && got != need)
        status = wf_fail(err, WEFT_E_INTERNAL, "the tokenizer gave another count the second time");
    out->n += (int64_t)need;
    return status;
}

static weft_status add_run(wf_item_layout *out, weft_error *err)
{
    int32_t *ids = wf_realloc(out->ids, ((size_t)out->n + 1) * sizeof *ids);
    if (ids == NULL)
        return wf_fail_nomem(err, (uint64_t)out->n * sizeof *ids, "an item's layout");
    out->ids = ids;
    ids[out->n++] = -1;
    return WEFT_OK;
}

/* The tokens around an item stand in its layout, and would be read as words where the tokenizer
 * lacks them. */
static weft_status check_around(const wf_marker *m, weft_error *err)
{
    if (m->before != NULL && m->before_id < 0)
        return wf_marker_fail_without(m, m->before, err);
    if (m->after != NULL && m->after_id < 0)
        return wf_marker_fail_without(m, m->after, err);
    return WEFT_OK;
}

weft_status wf_text_lay_out(const wf_text *t, weft_item *item, weft_error *err)
{
    const char *at = item->plan.layout + item->plan.lead_bytes;
    const char *end = at + strlen(at) - item->plan.trail_bytes;
    int32_t     marker = wf_item_marker(item);
    if (item->layout.ids != NULL || item->plan.layout[0] == '\0' || marker < 0)
        return WEFT_OK;
    const wf_marker *m = &item->of->sites->markers[marker];
    const char      *token = m->token;
    wf_item_layout   l = {NULL, 0, item->plan.n_placeholders / wf_plan_runs(&item->plan, token)};
    weft_status      status = check_around(m, err);
    for (const char *run; status == WEFT_OK && (run = strstr(at, token)) != NULL;) {
        status = add_text(t, at, (uint64_t)(run - at), &l, err);
        if (status == WEFT_OK)
            status = add_run(&l, err);
        at = run + strlen(token);
    }
    if (status == WEFT_OK)
        status = add_text(t, at, (uint64_t)(end - at), &l, err);
    if (status == WEFT_OK)
        item->layout = l;
    else
        wf_free(l.ids);
    return status;
}
