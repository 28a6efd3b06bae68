/* SPDX-License-Identifier: Apache-2.0 */
/* What the types of a GGUF file are held as, and what is lost by it, measured on some rows of each
 * tensor. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/gguf_parts.h"
#include "core/ops/op.h"

#define SAMPLE_ROWS 8 /* of a tensor, evenly spread */

/* Sums over the tensors of one type. */
typedef struct sums {
    uint64_t tensors, bytes;
    double   stored, off; /* squares */
} sums;

/* Memory for one row: as stored, as held, and both as numbers. */
typedef struct row {
    uint8_t *stored, *held;
    float   *a, *b;
} row;

static void row_free(row *r)
{
    wf_free(r->stored);
    wf_free(r->held);
    wf_free(r->a);
    wf_free(r->b);
}

static weft_status row_alloc(row *r, uint64_t stored, uint64_t held, uint64_t k, weft_error *err)
{
    r->stored = wf_alloc((size_t)stored);
    r->held = wf_alloc((size_t)held);
    r->a = wf_alloc((size_t)k * sizeof *r->a);
    r->b = wf_alloc((size_t)k * sizeof *r->b);
    return r->stored != NULL && r->held != NULL && r->a != NULL && r->b != NULL
               ? WEFT_OK
               : wf_fail_nomem(err, stored + held + 2 * k * sizeof *r->a, "a row of weights");
}

static weft_status sample(const wf_gguf_file *g, const wf_gguf_origin *o, sums *s, weft_error *err)
{
    const int64_t  k = o->t->shape[0], n = o->t->shape[1] * o->t->shape[2] * o->t->shape[3];
    const uint64_t stored = o->t->bytes / (uint64_t)n;
    const int64_t  step = n > SAMPLE_ROWS ? n / SAMPLE_ROWS : 1;
    row            r = {NULL, NULL, NULL, NULL};
    weft_status    status =
        row_alloc(&r, stored, (uint64_t)wf_row_bytes(o->rows->format, k), (uint64_t)k, err);
    for (int64_t i = 0; i < n && status == WEFT_OK; i += step) {
        status = wf_file_read(&g->file, o->t->begin + (uint64_t)i * stored, r.stored, stored, err);
        if (status != WEFT_OK)
            break;
        o->rows->numbers(r.a, r.stored, k);
        o->rows->convert(r.held, r.stored, k);
        wf_gguf_group_numbers(r.b, r.held, k, o->rows->format);
        for (int64_t e = 0; e < k; e++) {
            double a = (double)r.a[e], off = (double)r.b[e] - a;
            s->stored += a * a;
            s->off += off * off;
        }
    }
    row_free(&r);
    return status;
}

weft_status wf_gguf_held_read(const wf_gguf_model *m, wf_gguf_held *held, uint32_t cap, uint32_t *n,
                              weft_error *err)
{
    sums        all[WF_GGUF_TYPES] = {{0}};
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < m->n_parts; i++)
        for (uint64_t k = 0; k < m->parts[i].st.n_tensors && status == WEFT_OK; k++) {
            const wf_gguf_origin *o = &m->parts[i].origins[k];
            sums                 *s = &all[o->t->type];
            s->tensors++;
            s->bytes += o->t->bytes;
            if (!o->rows->exact)
                status = sample(&m->parts[i].gguf, o, s, err);
        }
    *n = 0;
    for (int32_t type = 0; type < WF_GGUF_TYPES && status == WEFT_OK; type++) {
        const sums *s = &all[type];
        if (s->tensors == 0 || *n == cap)
            continue;
        held[(*n)++] = (wf_gguf_held){wf_gguf_type_of(type).name,
                                      wf_format_name(wf_gguf_rows_of(type)->format), s->tensors,
                                      s->bytes, s->stored > 0 ? sqrt(s->off / s->stored) : 0};
    }
    return status;
}
