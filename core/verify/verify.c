/* SPDX-License-Identifier: Apache-2.0 */
/* Parity with a reference: the inputs of a parity file through the engine, stage by stage against
 * what the file expects. Tensor names are the reference's; those of an encoder come from its
 * plugin's plan. */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/base/sized.h"
#include "core/base/tensor.h"
#include "core/verify/verification.h"

#define MAX_ITEMS WF_VERIFY_ITEMS

static bool is_core_tensor(const char *name)
{
    return strcmp(name, "input_ids") == 0 || strcmp(name, "logits") == 0 ||
           strcmp(name, "greedy") == 0 || strncmp(name, "hidden.", 7) == 0;
}

static weft_dtype public_dtype(int32_t st)
{
    weft_dtype t = {WEFT_DT_FLOAT, 32, 1};
    if (st == WF_ST_I64 || st == WF_ST_I32)
        t = (weft_dtype){WEFT_DT_INT, st == WF_ST_I64 ? 64 : 32, 1};
    else if (st == WF_ST_U8)
        t = (weft_dtype){WEFT_DT_UINT, 8, 1};
    return t;
}

/* Floats of 16 bits become f32: that is what inputs of floats are. */
static weft_status load_halves(const wf_st_file *f, const wf_st_tensor *t, void **out,
                               weft_error *err)
{
    uint64_t n = wf_st_numel(t); /* of 2 bytes each; their sum was checked against the file */
    float   *v = wf_alloc_aligned((size_t)n * sizeof *v + 1);
    *out = v;
    if (v == NULL)
        return wf_fail_nomem(err, n * sizeof *v, t->name);
    uint8_t    *raw = (uint8_t *)v + n * (sizeof *v - sizeof(uint16_t));
    weft_status status = wf_st_read(f, t, 0, raw, t->bytes, err);
    if (status == WEFT_OK)
        wf_st_to_f32(v, raw, t->dtype, n);
    else
        wf_free_aligned(v);
    return status;
}

static weft_status load_input(verify *v, const wf_st_tensor *t, weft_error *err)
{
    void *data;
    bool  halves = t->dtype == WF_ST_BF16 || t->dtype == WF_ST_F16;
    if (t->dtype > WF_ST_U8) {
        wf_log(WEFT_LOG_WARN,
               "%s: %s is left out: of its tensors F32, BF16, F16, I64, I32 and U8 are read",
               wf_quote(v->path).s, wf_quote(t->name).s);
        return WEFT_OK;
    }
    weft_status status =
        halves ? load_halves(&v->file, t, &data, err) : wf_parity_load(&v->file, t, &data, err);
    if (status != WEFT_OK)
        return status;
    v->names[v->n_tensors] = t->name;
    v->tensors[v->n_tensors++] = wf_tensor_view(data, public_dtype(t->dtype), t->rank, t->shape);
    return WEFT_OK;
}

/* Input tensors that are not the core's own, for the modalities to recognise. */
static weft_status load_inputs(verify *v, weft_error *err)
{
    weft_status status = WEFT_OK;
    v->tensors = wf_zalloc_n(v->file.n_tensors + 1, sizeof *v->tensors);
    v->names = wf_zalloc_n(v->file.n_tensors + 1, sizeof *v->names);
    if (v->tensors == NULL || v->names == NULL)
        return wf_fail_nomem(err, v->file.n_tensors * sizeof *v->tensors, "parity tensors");
    for (uint64_t i = 0; i < v->file.n_tensors && status == WEFT_OK; i++)
        if (!is_core_tensor(v->file.tensors[i].name))
            status = load_input(v, &v->file.tensors[i], err);
    return status;
}

static weft_status open_items(verify *v, weft_error *err)
{
    weft_status status = load_inputs(v, err);
    if (status != WEFT_OK || v->n_tensors == 0)
        return status;
    wf_tensor_set set = {v->path, v->tensors, v->names, v->n_tensors, 0};
    return wf_items_from_tensors(v->env->items, v->env->modalities, &set, v->items, MAX_ITEMS,
                                 &v->n_items, err);
}

static int32_t marker_of_id(const wf_hooks *sites, int64_t id)
{
    for (int32_t i = 0; i < sites->n_markers; i++)
        if (sites->markers[i].token_id == id)
            return i;
    return -1;
}

/* The next item that stands at this marker, from *next on; NULL: all are in their places. */
static weft_item *next_item(const verify *v, int32_t marker, uint32_t *next)
{
    while (*next < v->n_items && wf_item_marker(v->items[*next]) != marker)
        ++*next;
    return *next < v->n_items ? v->items[(*next)++] : NULL;
}

/* Where the ids have come to: for one marker, the item whose rows are being placed. */
typedef struct placing {
    weft_item *item; /* NULL: none */
    int64_t    row;  /* of it, the next one */
    uint32_t   next; /* where the search for another item goes on */
    bool       each; /* the file repeats the marker for each row; else it stands once an item */
} placing;

/* References repeat the marker for each soft row. In files that do not, it stands once for an item;
 * which of the two a file does is told by how often the marker is in it. */
static bool repeats(const verify *v, int32_t marker, const int64_t *ids, int64_t n)
{
    const wf_marker *m = &v->env->sequences->sites->markers[marker];
    int64_t          there = 0, rows = 0, items = 0;
    for (int64_t i = 0; i < n; i++)
        there += ids[i] == m->token_id;
    for (uint32_t i = 0; i < v->n_items; i++)
        if (wf_item_marker(v->items[i]) == marker) {
            rows += v->items[i]->plan.n_placeholders;
            items++;
        }
    return there == rows && rows != items;
}

/* Feeds the next placeholders at this marker; *found false: there is no item for them. */
static weft_status feed_marker(verify *v, int32_t marker, placing *p, bool *found, weft_error *err)
{
    if (p->item == NULL) {
        p->item = next_item(v, marker, &p->next);
        p->row = 0;
    }
    *found = p->item != NULL;
    if (p->item == NULL)
        return WEFT_OK;
    int64_t     all = p->item->plan.n_placeholders, n = p->each ? 1 : all;
    weft_status status = wf_sequence_feed_placeholders(v->seq, p->item, marker, p->row, n, err);
    p->row += n;
    if (p->row == all)
        p->item = NULL;
    return status;
}

/* The file's ids; a marker's id is the next item of its stream, or the item's next row. */
static weft_status feed(verify *v, const int64_t *ids, int64_t n, placing *places, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < v->env->sequences->sites->n_markers; i++)
        places[i].each = repeats(v, i, ids, n);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
        int32_t marker = marker_of_id(v->env->sequences->sites, ids[i]);
        bool    found = false;
        if (marker >= 0)
            status = feed_marker(v, marker, &places[marker], &found, err);
        if (found || status != WEFT_OK)
            continue;
        if (ids[i] >= 0 && ids[i] < v->config->vocab) {
            int32_t id = (int32_t)ids[i];
            status = weft_sequence_feed_ids(v->seq, &id, 1, err);
        } else {
            status = wf_fail(err, WEFT_E_CORRUPT,
                             "%s: input_ids[%lld] is %lld, no token and no item's place", v->path,
                             (long long)i, (long long)ids[i]);
        }
    }
    return status;
}

static weft_status feed_ids(verify *v, weft_error *err)
{
    const wf_st_tensor *t = wf_st_find(&v->file, "input_ids");
    void               *ids;
    if (t == NULL || t->dtype != WF_ST_I64 || t->rank != 1 || t->shape[0] < 1)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: input_ids [T] I64 is missing", v->path);
    weft_status status = wf_parity_load(&v->file, t, &ids, err);
    if (status != WEFT_OK)
        return status;
    status = wf_sequence_create(v->env->sequences, &v->seq, err);
    placing *places = wf_zalloc_n((size_t)v->env->sequences->sites->n_markers + 1, sizeof *places);
    if (status == WEFT_OK && places == NULL)
        status = wf_fail_nomem(err, sizeof *places, "a list of items");
    if (status == WEFT_OK) {
        v->seq->no_cache = 1;
        status = feed(v, ids, t->shape[0], places, err);
    }
    wf_free(places);
    wf_free_aligned(ids);
    return status;
}

/* The forward pass over all rows in chunks; hidden states of a chunk are sorted into their places.
 */
static weft_status run_rows(verify *v, weft_error *err)
{
    int64_t  n = v->seq->n, d = v->config->d_model, layers = v->config->n_layers + 1;
    int64_t  chunk = v->rq->prefill_chunk > 0 && v->rq->prefill_chunk < v->env->prefill_chunk
                         ? v->rq->prefill_chunk
                         : v->env->prefill_chunk;
    uint64_t hidden = (uint64_t)(layers * chunk * d);
    float   *part_hidden = wf_alloc_aligned(hidden * sizeof(float));
    v->logits = wf_alloc_aligned((uint64_t)n * (uint64_t)v->config->vocab * sizeof(float));
    v->hidden = wf_alloc_aligned((uint64_t)(layers * n * d) * sizeof(float));
    weft_status status = part_hidden != NULL && v->logits != NULL && v->hidden != NULL
                             ? WEFT_OK
                             : wf_fail_nomem(err, hidden * sizeof(float), "what is compared");
    while (status == WEFT_OK && v->seq->n_done < n &&
           (status = wf_scope_check(v->env->scope, err)) == WEFT_OK) {
        int64_t at = v->seq->n_done, rows = n - at < chunk ? n - at : chunk;
        status = wf_step_one(v->env->stepper, v->seq, rows, rows, v->logits + at * v->config->vocab,
                             part_hidden, err);
        for (int64_t k = 0; k < layers && status == WEFT_OK; k++)
            memcpy(v->hidden + (k * n + at) * d, part_hidden + k * rows * d,
                   (size_t)(rows * d) * sizeof(float));
    }
    wf_free_aligned(part_hidden);
    return status;
}

static weft_status encode_items(verify *v, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t k = 0; k < v->n_items && status == WEFT_OK; k++) {
        for (uint32_t i = 0; i < v->items[k]->plan.n_outputs && status == WEFT_OK; i++) {
            uint64_t bytes = wf_spec_bytes(&v->items[k]->plan.outputs[i].spec);
            v->outputs[k][i] = wf_alloc_aligned((size_t)bytes);
            if (v->outputs[k][i] == NULL)
                status = wf_fail_nomem(err, bytes, "an encoder's output");
        }
        if (status == WEFT_OK)
            status = wf_item_encode(v->items[k], v->outputs[k], err);
    }
    return status;
}

static void verify_close(verify *v)
{
    weft_sequence_destroy(&v->seq);
    for (uint32_t k = 0; k < v->n_items; k++) {
        for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++)
            wf_free_aligned(v->outputs[k][i]);
        weft_item_release(&v->items[k]);
    }
    for (uint32_t i = 0; v->tensors != NULL && i < v->n_tensors; i++)
        wf_free_aligned(v->tensors[i].data);
    wf_free(v->tensors);
    wf_free(v->names);
    wf_free_aligned(v->logits);
    wf_free_aligned(v->hidden);
    wf_free(v->greedy);
    wf_st_close(&v->file);
    wf_free(v);
}

/* A reference of an encoder alone has none of the text core's tensors: then there is no text to
 * run, whether or not a core is open. */
static bool has_text(const verify *v)
{
    bool any = false;
    for (uint64_t i = 0; i < v->file.n_tensors && !any; i++)
        any = is_core_tensor(v->file.tensors[i].name);
    return v->env->has_core && any;
}

static weft_status run_all(verify *v, weft_error *err)
{
    weft_status status = open_items(v, err);
    bool        text = has_text(v);
    if (status == WEFT_OK && !text && v->n_items == 0)
        status = wf_fail(err, WEFT_E_CORRUPT, "%s: no plugin recognises an input in it", v->path);
    if (status == WEFT_OK)
        status = encode_items(v, err);
    if (status == WEFT_OK && text)
        status = feed_ids(v, err);
    if (status == WEFT_OK && text)
        status = run_rows(v, err);
    if (status == WEFT_OK)
        status = wf_verify_compare(v, err);
    if (status == WEFT_OK && v->n_compared == 0)
        status = wf_fail(err, WEFT_E_CORRUPT, "%s: nothing in it is to be compared", v->path);
    return status == WEFT_OK && v->rq->dump != NULL ? wf_verify_dump(v, err) : status;
}

static weft_status open_file(verify *v, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (v->rq->parity != NULL)
        snprintf(v->path, sizeof v->path, "%s", v->rq->parity);
    else
        status =
            wf_package_path(v->env->package, "parity.safetensors", v->path, sizeof v->path, err);
    return status == WEFT_OK ? wf_st_open(v->path, &v->file, err) : status;
}

weft_status wf_verify_run(const wf_verify_env *env, const weft_verify_request *request,
                          int32_t *passed, weft_error *err)
{
    WF_TAKE(weft_verify_request, taken, request);
    const weft_verify_request *rq = &taken;
    verify                    *v = wf_zalloc(sizeof *v);
    *passed = 0;
    if (v == NULL)
        return wf_fail_nomem(err, sizeof *v, "verify");
    v->env = env;
    v->config = env->sequences->config;
    v->rq = rq;
    v->passed = 1;
    v->bf16 = rq->bf16 || env->bf16;
    weft_status status = open_file(v, err);
    if (status == WEFT_OK)
        status = run_all(v, err);
    *passed = status == WEFT_OK && v->passed;
    verify_close(v);
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}
