/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of a GGUF file under transformers' names and in weft's formats. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/model/gguf_parts.h"
#include "core/model/text_map.h"
#include "core/ops/op.h"

#define NAME_BYTES 96 /* the longest name that is made here has 60 */
#define KIND_BYTES 64
#define BATCH ((uint64_t)1 << 18) /* bytes of stored rows that are read at once */

static const char *const top[][2] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
    {WF_GGUF_ROPE_DIVISORS, WF_GGUF_ROPE_DIVISORS},
};
static const char *const layer[][2] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

/* "blk.N.KIND.weight": the number of the layer, with KIND written to kind [KIND_BYTES]; -1: the
 * name is none of these. */
static int32_t layer_of(const char *name, char *kind)
{
    char    again[NAME_BYTES];
    int32_t n = -1, end = 0;
    if (sscanf(name, "blk.%4" SCNd32 ".%63[a-z_].weight%n", &n, kind, &end) != 2 || end == 0 ||
        n < 0 || n >= WF_MAX_LAYERS)
        return -1;
    snprintf(again, sizeof again, "blk.%" PRId32 ".%s.weight", n, kind);
    return strcmp(again, name) == 0 ? n : -1;
}

/* transformers' name, to out [NAME_BYTES]; false: a plain Llama has no such tensor. */
static bool name_of(const char *name, char *out)
{
    char kind[KIND_BYTES];
    for (size_t i = 0; i < sizeof top / sizeof *top; i++)
        if (strcmp(top[i][0], name) == 0) {
            snprintf(out, NAME_BYTES, "%s", top[i][1]);
            return true;
        }
    int32_t n = layer_of(name, kind);
    for (size_t i = 0; n >= 0 && i < sizeof layer / sizeof *layer; i++)
        if (strcmp(layer[i][0], kind) == 0) {
            snprintf(out, NAME_BYTES, "model.layers.%" PRId32 ".%s.weight", n, layer[i][1]);
            return true;
        }
    return false;
}

/* ---- shapes ---- */

static weft_status fail_tensor(const wf_gguf_file *g, const wf_gguf_tensor *t, const char *what,
                               weft_error *err)
{
    return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: tensor \"%s\" %s", wf_quote(g->file.path).s,
                   wf_quote(t->name).s, what);
}

static weft_status rows_find(const wf_gguf_file *g, const wf_gguf_tensor *t,
                             const wf_gguf_rows **rows, weft_error *err)
{
    char what[160];
    *rows = wf_gguf_rows_of(t->type);
    if (*rows != NULL)
        return WEFT_OK;
    snprintf(what, sizeof what,
             "is of the type %s, which weft does not read (it reads F32, F16, BF16, Q8_0, Q5_0, "
             "Q5_1, Q4_0, Q4_1, Q4_K, Q5_K and Q6_K)",
             wf_gguf_type_of(t->type).name);
    return fail_tensor(g, t, what, err);
}

/* Rows of a tensor: all axes but the first, which is the fastest. */
static int64_t rows_of(const wf_gguf_tensor *t)
{
    return t->shape[1] * t->shape[2] * t->shape[3]; /* below 2^63 by the reader's check */
}

/* The axes in transformers' order; of q8 and q4 rows, groups and the bytes of a group. */
static void shape_give(const wf_gguf_tensor *t, const wf_gguf_rows *rows, wf_st_tensor *out)
{
    const int32_t group = rows->format == WF_Q8 ? WF_Q8_BYTES : WF_Q4_BYTES;
    if (rows->format == WF_Q8 || rows->format == WF_Q4) {
        const int64_t shape[] = {rows_of(t), t->shape[0] / WF_GROUP, group};
        out->dtype = WF_ST_U8;
        out->rank = 3;
        memcpy(out->shape, shape, sizeof shape);
        out->bytes = (uint64_t)shape[0] * (uint64_t)shape[1] * (uint64_t)group;
        return;
    }
    out->dtype = rows->format == WF_F32    ? WF_ST_F32
                 : rows->format == WF_BF16 ? WF_ST_BF16
                                           : WF_ST_F16;
    out->rank = t->rank;
    for (int32_t i = 0; i < t->rank; i++)
        out->shape[i] = t->shape[t->rank - 1 - i];
    out->bytes = t->bytes;
}

/* The rows of a head, where their order is GGUF's. */
static weft_status head_find(const wf_gguf_model *m, const wf_gguf_file *g, const char *name,
                             wf_gguf_origin *o, weft_error *err)
{
    const wf_gguf_file *first = &m->parts[0].gguf;
    const bool          q = strstr(name, ".q_proj.") != NULL, k = strstr(name, ".k_proj.") != NULL;
    int64_t             heads = 0;
    if (!q && !k)
        return WEFT_OK;
    weft_status status = wf_gguf_i64(first, WF_GGUF_ARCH ".attention.head_count", &heads, err);
    if (status == WEFT_OK && k && wf_gguf_find(first, WF_GGUF_ARCH ".attention.head_count_kv"))
        status = wf_gguf_i64(first, WF_GGUF_ARCH ".attention.head_count_kv", &heads, err);
    if (status != WEFT_OK)
        return status;
    if (heads < 1 || rows_of(o->t) % heads != 0 || rows_of(o->t) / heads % 2 != 0)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: tensor \"%s\" has %lld rows, which are not those of %lld heads",
                       wf_quote(g->file.path).s, wf_quote(o->t->name).s, (long long)rows_of(o->t),
                       (long long)heads);
    o->head = rows_of(o->t) / heads;
    return WEFT_OK;
}

/* ---- reading ---- */

/* The place in the file of transformers' row `row`: of a head's rows, i and i + half are the
 * neighbours 2 i and 2 i + 1 there. */
static int64_t row_at(const wf_gguf_origin *o, int64_t row)
{
    if (o->head == 0)
        return row;
    int64_t half = o->head / 2, i = row % o->head;
    return row - i + (i < half ? 2 * i : 2 * (i - half) + 1);
}

static weft_status rows_read(const wf_gguf_part_file *p, const wf_gguf_origin *o, int64_t row,
                             int64_t n, uint64_t row_bytes, uint8_t *dst, weft_error *err)
{
    const wf_file *file = &p->gguf.file;
    weft_status    status = WEFT_OK;
    if (o->head == 0)
        return wf_file_read(file, o->t->begin + (uint64_t)row * row_bytes, dst,
                            (uint64_t)n * row_bytes, err);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++)
        status = wf_file_read(file, o->t->begin + (uint64_t)row_at(o, row + i) * row_bytes,
                              dst + (uint64_t)i * row_bytes, row_bytes, err);
    return status;
}

/* A stretch of a tensor's bytes that is being made. */
typedef struct stretch {
    uint8_t *dst;
    uint64_t at, n; /* within the tensor */
} stretch;

/* Gives the stretch what lies in it of a row of row_bytes that begins at `at`. */
static void give(const stretch *s, const uint8_t *row, uint64_t at, uint64_t row_bytes)
{
    uint64_t from = at > s->at ? at : s->at;
    uint64_t end = at + row_bytes < s->at + s->n ? at + row_bytes : s->at + s->n;
    if (from < end)
        memcpy(s->dst + (from - s->at), row + (from - at), (size_t)(end - from));
}

/* Rows as stored, then converted, a batch at a time. src: room for a batch of `batch` rows and,
 * behind it, one converted row. */
static weft_status batches(const wf_gguf_part_file *p, const wf_gguf_origin *o, const stretch *s,
                           uint64_t dst_row, uint8_t *src, int64_t batch, weft_error *err)
{
    const uint64_t src_row = o->t->bytes / (uint64_t)rows_of(o->t);
    uint8_t       *one = src + (uint64_t)batch * src_row;
    const int64_t  last = (int64_t)((s->at + s->n - 1) / dst_row);
    weft_status    status = WEFT_OK;
    for (int64_t row = (int64_t)(s->at / dst_row); row <= last && status == WEFT_OK; row += batch) {
        int64_t n = last + 1 - row < batch ? last + 1 - row : batch;
        status = rows_read(p, o, row, n, src_row, src, err);
        for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
            const uint8_t *stored = src + (uint64_t)i * src_row;
            if (o->rows->convert != NULL)
                o->rows->convert(one, stored, o->t->shape[0]);
            give(s, o->rows->convert != NULL ? one : stored, (uint64_t)(row + i) * dst_row,
                 dst_row);
        }
    }
    return status;
}

static weft_status part_read(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset, void *dst,
                             uint64_t n, weft_error *err)
{
    const wf_gguf_part_file *p = (const wf_gguf_part_file *)(const void *)f;
    const wf_gguf_origin    *o = &p->origins[t - f->tensors];
    const stretch            s = {dst, offset, n};
    const uint64_t           src_row = o->t->bytes / (uint64_t)rows_of(o->t);
    const uint64_t           dst_row = t->bytes / (uint64_t)rows_of(o->t);
    const int64_t            batch = src_row < BATCH ? (int64_t)(BATCH / src_row) : 1;
    uint64_t                 bytes;
    if (n == 0)
        return WEFT_OK;
    if (o->rows->plain && o->head == 0)
        return wf_file_read(&p->gguf.file, o->t->begin + offset, dst, n, err);
    if (!wf_mul((uint64_t)batch, src_row, &bytes) || !wf_add(bytes, dst_row, &bytes))
        return wf_fail_nomem(err, UINT64_MAX, "rows of a GGUF file");
    uint8_t *src = wf_alloc((size_t)bytes);
    if (src == NULL)
        return wf_fail_nomem(err, bytes, "rows of a GGUF file");
    weft_status status = batches(p, o, &s, dst_row, src, batch, err);
    wf_free(src);
    return status;
}

/* ---- the whole ---- */

/* A tensor with its origin, while they are sorted together. */
typedef struct entry {
    wf_st_tensor   t;
    wf_gguf_origin origin;
    char           name[NAME_BYTES];
} entry;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static weft_status entry_make(const wf_gguf_model *m, const wf_gguf_file *g,
                              const wf_gguf_tensor *t, entry *e, weft_error *err)
{
    if (!name_of(t->name, e->name))
        return fail_tensor(g, t,
                           "is none of a plain Llama's, the only model that weft reads from "
                           "GGUF files",
                           err);
    e->origin.t = t;
    weft_status status = rows_find(g, t, &e->origin.rows, err);
    if (status != WEFT_OK)
        return status;
    shape_give(t, e->origin.rows, &e->t);
    return head_find(m, g, e->name, &e->origin, err);
}

static weft_status entries_give(wf_gguf_part_file *part, entry *all, uint64_t n, weft_error *err)
{
    qsort(all, n, sizeof *all, by_name);
    part->st.tensors = wf_zalloc_n((size_t)n + 1, sizeof *part->st.tensors);
    part->origins = wf_zalloc_n((size_t)n + 1, sizeof *part->origins);
    char(*names)[NAME_BYTES] = wf_zalloc_n((size_t)n + 1, sizeof *names);
    part->st.names = names;
    if (part->st.tensors == NULL || part->origins == NULL || names == NULL)
        return wf_fail_nomem(err, n * sizeof *all, "a list of tensors");
    for (uint64_t i = 0; i < n; i++) {
        memcpy(names[i], all[i].name, NAME_BYTES);
        part->st.tensors[i] = all[i].t;
        part->st.tensors[i].name = names[i];
        part->origins[i] = all[i].origin;
    }
    part->st.n_tensors = n;
    part->st.file = part->gguf.file;
    part->st.read = part_read;
    return WEFT_OK;
}

weft_status wf_gguf_name_tensors(const wf_gguf_model *m, wf_gguf_part_file *part, weft_error *err)
{
    const wf_gguf_file *g = &part->gguf;
    entry              *all = wf_zalloc_n((size_t)g->n_tensors + 1, sizeof *all);
    weft_status         status = WEFT_OK;
    if (all == NULL)
        return wf_fail_nomem(err, g->n_tensors * sizeof *all, "a list of tensors");
    for (uint64_t i = 0; i < g->n_tensors && status == WEFT_OK; i++)
        status = entry_make(m, g, &g->tensors[i], &all[i], err);
    if (status == WEFT_OK)
        status = entries_give(part, all, g->n_tensors, err);
    wf_free(all);
    return status;
}
