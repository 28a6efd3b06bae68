/* SPDX-License-Identifier: Apache-2.0 */
/* The part of opening that comes last: how much memory keys and values may take, and the rooms that
 * share it. */
#include "core/engine/engine.h"

#include <string.h>

#include "core/base/log.h"
#include "core/io/text.h"

#define DEFAULT_CONTEXT 8192
#define ITEM_ROWS 16384 /* rows of media that the default K/V limit leaves room for */
#define KV_LEAST                                                                                   \
    ((uint64_t)64 << 20) /* default K/V limit of tiny models: room for several sequences */

/* Of a device's free memory the parts that are left to encoders, and, where there are none, to the
 * tables and workspaces of steps alone. */
#define ENCODER_SHARE 8
#define WORK_SHARE 32

/* Of a layer of the text core. */
static int64_t own_page_bytes(const weft_engine *e, int32_t kv_dtype)
{
    return wf_kv_page_bytes(e->device, kv_dtype, e->config.n_kv_heads, e->config.head_dim);
}

/* K/V may take what the option says, or what the context and a few media items need. */
static uint64_t kv_limit(const weft_engine *e, int64_t page_bytes)
{
    uint64_t asked = (uint64_t)wf_settings_i64(e->settings, "kv_bytes"), limit = 0;
    if (asked != 0 && !e->calibrates)
        return asked;
    if (!wf_config_kv_bytes(&e->config, page_bytes, e->context, &limit))
        return UINT64_MAX;
    for (int32_t i = 0; i < e->hooks.n_streams; i++)
        limit += (uint64_t)e->hooks.streams[i].n_sites * (ITEM_ROWS / WF_PAGE_TOKENS) *
                 (uint64_t)page_bytes;
    /* A block more for every layer: a fork's private copy. */
    limit += 2 * (uint64_t)e->config.n_layers * (uint64_t)page_bytes;
    return limit > KV_LEAST ? limit : KV_LEAST;
}

static int64_t page_bytes(const weft_engine *e, int32_t kv_dtype)
{
    int64_t own = own_page_bytes(e, kv_dtype);
    int64_t sites = wf_hooks_page_bytes(&e->hooks, kv_dtype);
    return own > sites ? own : sites;
}

/* Pages of the longest run: a block of text, or a block of an item's rows. */
static int32_t longest_run(const weft_engine *e)
{
    int32_t longest = e->config.n_layers;
    for (int32_t i = 0; i < e->hooks.n_streams; i++)
        if (e->hooks.streams[i].n_sites > longest)
            longest = e->hooks.streams[i].n_sites;
    return longest;
}

/* Tokens of a sequence as they are asked for. */
static int64_t wanted_context(const weft_engine *e)
{
    const int64_t asked = wf_settings_i64(e->settings, "context");
    if (e->calibrates)
        return WF_CALIBRATION_CONTEXT;
    if (asked > e->config.max_positions)
        wf_log(WEFT_LOG_WARN, "--context %lld: the model was made for %d tokens, and gets no more",
               (long long)asked, e->config.max_positions);
    return asked != 0 ? asked : DEFAULT_CONTEXT;
}

static void set_sizes(weft_engine *e)
{
    const int64_t context = wanted_context(e), own = e->config.max_positions;
    e->context = (int32_t)(context < own ? context : own);
    int64_t chunk = wf_settings_i64(e->settings, "prefill_chunk");
    e->prefill_chunk = (int32_t)(chunk < e->context ? chunk : e->context);
}

static weft_status open_kv(weft_engine *e, weft_error *err)
{
    int32_t kv_dtype = wf_engine_kv_dtype(e);
    int64_t page = page_bytes(e, kv_dtype);
    if (own_page_bytes(e, kv_dtype) <= 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s has no K/V pages of %d heads of %d in %s: another --kv-dtype, or "
                       "--device cpu",
                       e->device->name, e->config.n_kv_heads, e->config.head_dim,
                       wf_format_name(kv_dtype));
    wf_kv_sizes sizes = {.dtype = kv_dtype,
                         .run = e->config.n_layers,
                         .longest = longest_run(e),
                         .page_bytes = page,
                         .max_bytes = kv_limit(e, page)};
    wf_kv_budget_init(&e->kv, e->device, e->queue, &sizes);
    wf_blocks_init(&e->blocks, &e->kv, e->config.n_layers);
    return WEFT_OK;
}

/* What keys and values of one sequence take: a page is as wide as the widest layer or site. */
static uint64_t context_bytes(const weft_engine *e)
{
    const wf_kv_pool *p = &e->kv.pool;
    const uint64_t    limit = (uint64_t)p->max_pages * (uint64_t)p->page_bytes;
    uint64_t          bytes = 0;
    return wf_config_kv_bytes(&e->config, p->page_bytes, e->context, &bytes) && bytes < limit
               ? bytes
               : limit;
}

/* Of so much free memory, what is not for keys and values. */
static uint64_t encoder_bytes(const weft_engine *e, uint64_t free)
{
    if (e->modalities.n == 0)
        return free / WORK_SHARE;
    const uint64_t typical = wf_plan_typical_bytes(&e->modalities, &e->media.limits);
    return typical > free / ENCODER_SHARE ? typical : free / ENCODER_SHARE;
}

weft_status wf_engine_check_memory(weft_engine *e, weft_error *err)
{
    uint64_t free = 0, total;
    if (e->device->reads_host)
        return WEFT_OK;
    weft_status status = wf_device_memory(e->device, &free, &total, err);
    if (status != WEFT_OK)
        return status;
    const uint64_t encoders = encoder_bytes(e, free), keys = context_bytes(e);
    if (encoders > free || keys > free - encoders)
        return wf_fail(err, WEFT_E_NOMEM,
                       "device %s: out of memory: %llu bytes are free beside the weights, and keys "
                       "and values of --context %d take %llu and %s %llu: --quantize, a "
                       "smaller --context or --kv-bytes, or --device cpu",
                       e->device->name, (unsigned long long)free, e->context,
                       (unsigned long long)keys, e->modalities.n > 0 ? "encoders" : "workspaces",
                       (unsigned long long)encoders);
    wf_kv_pool_limit(&e->kv.pool, free - encoders);
    return WEFT_OK;
}

/* The stream whose items switch the core's low-rank update on; -1: none does. */
static int32_t update_stream(const weft_engine *e)
{
    if (e->config.update_rank == 0)
        return -1;
    for (int32_t i = 0; i < e->hooks.n_streams; i++)
        if (strcmp(e->hooks.streams[i].name, e->map.update_stream) == 0)
            return i;
    wf_log(
        WEFT_LOG_WARN,
        "%s: the model's low-rank update is for items of %s, which no plugin here declares: it is "
        "never used",
        wf_plugin_id(e->claimant), wf_quote(e->map.update_stream).s);
    return -1;
}

/* Cached text is the first to go when K/V memory is short, then the K/V of items. */
weft_status wf_engine_open_rooms(weft_engine *e, weft_error *err)
{
    weft_status status = WEFT_OK;
    uint64_t    max_bytes = (uint64_t)wf_settings_i64(e->settings, "max_decoded_bytes");
    uint64_t    max_tokens = (uint64_t)wf_settings_i64(e->settings, "max_tokens");
    if (e->has_core) {
        set_sizes(e);
        status = open_kv(e, err);
    }
    e->items = (wf_items){.device = e->device,
                          .queue = e->queue,
                          .encode_queue = e->encode_queue,
                          .sites = &e->hooks,
                          .decoder = &e->decoder,
                          .budget = &e->kv,
                          .limits = {max_bytes, max_tokens, e->config.d_model, 0},
                          .scope = &e->scope,
                          .progress = &e->progress,
                          .validate = e->media.validate};
    wf_items_init(&e->items);
    e->sequences = (wf_sequences){e,          &e->config, &e->hooks,       &e->items,
                                  &e->blocks, e->context, update_stream(e)};
    e->stepper = (wf_stepper){.config = &e->config,
                              .sites = &e->hooks,
                              .decoder = &e->decoder,
                              .device = e->device,
                              .queue = e->queue,
                              .budget = &e->kv,
                              .model = wf_package_dir(e->package)};
    return status;
}
