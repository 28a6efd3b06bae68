/* SPDX-License-Identifier: Apache-2.0 */
/* An item's rows in the K/V pages of the sites that read them. */
#include "core/media/item.h"

#include "core/base/mem.h"

void wf_item_drop_kv(weft_item *item)
{
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++) {
        wf_item_kv *kv = &item->kv[i];
        for (int32_t r = 0; kv->runs != NULL && r < kv->n_runs; r++)
            wf_kv_give(item->of->budget, kv->runs[r], item->of->sites->streams[kv->stream].n_sites);
        wf_free(kv->runs);
        kv->runs = NULL;
        kv->projected = 0;
    }
}

static bool has_kv(const weft_item *item)
{
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++)
        if (item->kv[i].projected)
            return true;
    return false;
}

/* The K/V of the item that was used longest ago, but not now. */
static bool give_up(void *ctx, uint64_t now)
{
    weft_item *oldest = NULL;
    for (weft_item *it = ((wf_items *)ctx)->list; it != NULL; it = it->next)
        if (has_kv(it) && it->last_use != now &&
            (oldest == NULL || it->last_use < oldest->last_use))
            oldest = it;
    if (oldest != NULL)
        wf_item_drop_kv(oldest);
    return oldest != NULL;
}

static int64_t pages_of(const weft_item *item, bool projected)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        const wf_item_kv *kv = &item->kv[i];
        if (kv->n_runs > 0 && (kv->projected != 0) == projected)
            n += (int64_t)kv->n_runs * item->of->sites->streams[kv->stream].n_sites;
    }
    return n;
}

int64_t wf_item_pages_needed(const weft_item *item)
{
    return pages_of(item, false);
}

static int64_t spare(void *ctx, uint64_t now)
{
    int64_t n = 0;
    for (const weft_item *it = ((wf_items *)ctx)->list; it != NULL; it = it->next)
        n += it->last_use != now ? pages_of(it, true) : 0;
    return n;
}

void wf_items_init(wf_items *t)
{
    t->holder = (wf_kv_holder){NULL, give_up, t, spare};
    wf_kv_register(t->budget, &t->holder);
    wf_arena_init(&t->arena, t->device);
    wf_arena_init_host(&t->host_arena, t->device);
}

void wf_items_free(wf_items *t)
{
    wf_arena_free(&t->arena);
    wf_arena_free(&t->host_arena);
}

/* Pages for one output's rows. */
static weft_status take_runs(weft_item *item, wf_item_kv *kv, weft_error *err)
{
    wf_kv_budget *b = item->of->budget;
    int32_t       pages = item->of->sites->streams[kv->stream].n_sites;
    kv->runs = wf_zalloc_n((size_t)kv->n_runs, sizeof *kv->runs);
    if (kv->runs == NULL)
        return wf_fail_nomem(err, (uint64_t)kv->n_runs * sizeof *kv->runs, "an item's page table");
    for (int32_t r = 0; r < kv->n_runs; r++) {
        weft_status status = wf_kv_take(b, pages, &kv->runs[r], err);
        if (status == WEFT_OK)
            continue;
        while (--r >= 0)
            wf_kv_give(b, kv->runs[r], pages);
        wf_free(kv->runs);
        kv->runs = NULL;
        return status;
    }
    return WEFT_OK;
}

/* Slots of one output's rows while their keys and values are computed. */
typedef struct projection {
    int64_t *slots; /* NULL: no site reads this output */
    void    *device_slots;
} projection;

static weft_status projection_open(weft_item *item, uint32_t i, projection *p, weft_error *err)
{
    wf_item_kv *kv = &item->kv[i];
    uint64_t    bytes = (uint64_t)kv->n_rows * sizeof(int64_t);
    if ((p->slots = wf_alloc((size_t)bytes)) == NULL)
        return wf_fail_nomem(err, bytes, "an item's slots");
    weft_status status = wf_device_alloc(item->of->device, bytes, &p->device_slots, err);
    if (status == WEFT_OK)
        status = take_runs(item, kv, err);
    for (int64_t r = 0; status == WEFT_OK && r < kv->n_rows; r++)
        p->slots[r] = (int64_t)kv->runs[r / WF_PAGE_TOKENS] * WF_PAGE_TOKENS + r % WF_PAGE_TOKENS;
    return status;
}

static weft_status enqueue_output(weft_item *item, uint32_t i, projection *p, weft_error *err)
{
    const wf_items   *t = item->of;
    const wf_item_kv *kv = &item->kv[i];
    weft_status       status = projection_open(item, i, p, err);
    if (status == WEFT_OK)
        status = wf_queue_upload(t->queue, p->device_slots, p->slots,
                                 (uint64_t)kv->n_rows * sizeof *p->slots, err);
    return status == WEFT_OK ? wf_decoder_project(t->decoder, kv->stream, item->output[i],
                                                  kv->n_rows, p->device_slots, err)
                             : status;
}

static bool wants_projection(const wf_item_kv *kv)
{
    return kv->n_runs > 0 && !kv->projected;
}

/* Enqueues the projections that are wanted and not there yet, ordered behind the encoder where that
 * is still at work. */
static weft_status enqueue(weft_item *item, projection *p, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (item->encoding != NULL)
        status = wf_queue_after(item->of->queue, item->of->encode_queue, err);
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++)
        if (wants_projection(&item->kv[i]))
            status = enqueue_output(item, i, &p[i], err);
    return status;
}

/* The pages are not counted as filled before the encoder has ended well. */
static weft_status project(weft_item *item, weft_error *err)
{
    projection  p[WF_MAX_OUTPUTS] = {{NULL, NULL}};
    weft_error  why = WF_ERROR_INIT;
    weft_status status = enqueue(item, p, &why);
    weft_status waited = wf_queue_wait(item->of->queue, status == WEFT_OK ? &why : NULL);
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++) {
        wf_device_free(item->of->device, p[i].device_slots);
        wf_free(p[i].slots);
    }
    weft_status encoded = wf_item_encode(item, NULL, err);
    if (encoded != WEFT_OK)
        return encoded;
    if (status == WEFT_OK)
        status = waited;
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++)
        item->kv[i].projected = item->kv[i].n_runs > 0;
    return status == WEFT_OK ? status : wf_fail_as(err, &why);
}

weft_status wf_item_project(weft_item *item, weft_error *err)
{
    bool wanted = false;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++)
        wanted |= wants_projection(&item->kv[i]);
    if (!wanted)
        return wf_item_encode(item, NULL, err);
    weft_status status = wf_item_encode_begin(item, err);
    if (status == WEFT_OK)
        status = project(item, err);
    if (status != WEFT_OK)
        wf_item_drop_kv(item);
    return status;
}
