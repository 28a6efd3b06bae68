/* SPDX-License-Identifier: Apache-2.0 */
/* The encoders of a scheduler: what its requests wait for, in batches beside its steps. */
#include "core/engine/scheduler.h"

/* The encode is cancelled once all of its requests are: then nobody waits for it. */
static wf_mark enter(weft_scheduler *s)
{
    return wf_scope_enter(&s->e->scope, &s->encode_marks[0]);
}

static void hold_all(weft_scheduler *s)
{
    for (uint32_t k = 0; k < s->encoding.n; k++) {
        wf_item_hold(s->encoding.items[k]); /* the request may end before its encoder does */
        (void)wf_job_hold(s->encodes[k]);
        s->encode_marks[k] = s->encodes[k]->mark;
        s->encode_marks[k].also = k + 1 < s->encoding.n ? &s->encode_marks[k + 1] : NULL;
    }
}

static void release_all(weft_scheduler *s)
{
    for (uint32_t k = 0; k < s->encoding.n; k++) {
        weft_item_release(&s->encoding.items[k]);
        weft_job_release(&s->encodes[k]);
    }
    s->encoding = (wf_item_batch){.n = 0};
}

/* The failure of an item that ran alone fails its request. Of a batch it is not known which item
 * failed: each is encoded alone after this. */
static void give_up(weft_scheduler *s, weft_status status, const weft_error *why)
{
    if (s->encoding.n == 1)
        wf_job_end(s->encodes[0], status, why);
    release_all(s);
}

void wf_encodes_begin(weft_scheduler *s)
{
    weft_error err = WF_ERROR_INIT;
    if (s->encoding.n > 0)
        return;
    wf_schedule_encode(s, &s->encoding, s->encodes);
    if (s->encoding.n == 0)
        return;
    hold_all(s);
    wf_mark     before = enter(s);
    weft_status status = wf_item_batch_begin(&s->encoding, &err);
    wf_scope_end(&s->e->scope, &before);
    if (status != WEFT_OK)
        give_up(s, status, &err);
}

void wf_encodes_end(weft_scheduler *s)
{
    weft_error err = WF_ERROR_INIT;
    if (s->encoding.n == 0)
        return;
    wf_mark     before = enter(s);
    weft_status status = wf_item_batch_end(&s->encoding, &err);
    wf_scope_end(&s->e->scope, &before);
    if (status != WEFT_OK)
        give_up(s, status, &err);
    else
        release_all(s);
}

void wf_encodes_look(weft_scheduler *s, bool others_go_on)
{
    if (s->encoding.n > 0 && (!others_go_on || wf_item_batch_done(&s->encoding)))
        wf_encodes_end(s);
}
