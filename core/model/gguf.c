/* SPDX-License-Identifier: Apache-2.0 */
/* A GGUF model: its file, or the parts that it was split into. Each part is a GGUF file of its own;
 * the first one has all values of the model, the others say only which part they are.
 * Source: llama.cpp, tools/gguf-split. */
#include "core/model/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/model/gguf_parts.h"
#include "core/ops/op.h"

#define SPLIT_NO "split.no"
#define SPLIT_COUNT "split.count"
#define SPLIT_TENSORS "split.tensors.count"
#define SUFFIX_BYTES 20u /* of "-00001-of-00003.gguf" */

/* ---- parts ---- */

/* A value that need not be there. */
static weft_status value_or(const wf_gguf_file *g, const char *key, int64_t otherwise, int64_t *v,
                            weft_error *err)
{
    *v = otherwise;
    return wf_gguf_find(g, key) != NULL ? wf_gguf_i64(g, key, v, err) : WEFT_OK;
}

static weft_status part_open(wf_gguf_model *m, const char *path, weft_error *err)
{
    wf_gguf_part_file *part = &m->parts[m->n_parts];
    weft_status        status = wf_gguf_open(path, &part->gguf, err);
    if (status == WEFT_OK)
        m->n_parts++;
    return status;
}

/* Whether path ends in "-PPPPP-of-CCCCC.gguf", as the parts of a split file do. */
static bool is_part_name(const char *path, int64_t no, int64_t count)
{
    char   suffix[64];
    size_t n = strlen(path);
    snprintf(suffix, sizeof suffix, "-%05" PRId64 "-of-%05" PRId64 ".gguf", no + 1, count);
    return n >= SUFFIX_BYTES && strcmp(path + n - SUFFIX_BYTES, suffix) == 0;
}

/* What the first part says of the others. */
static weft_status first_check(const wf_gguf_model *m, const char *path, int64_t *count,
                               weft_error *err)
{
    const wf_gguf_file *g = &m->parts[0].gguf;
    int64_t             no;
    weft_status         status = value_or(g, SPLIT_COUNT, 1, count, err);
    if (status == WEFT_OK)
        status = value_or(g, SPLIT_NO, 0, &no, err);
    if (status != WEFT_OK)
        return status;
    if (*count < 1 || *count > (int64_t)WF_GGUF_MAX_PARTS || no < 0 || no >= *count)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: " SPLIT_NO " %" PRId64 " and " SPLIT_COUNT " %" PRId64
                       " (1 to %u are possible)",
                       wf_quote(path).s, no, *count, WF_GGUF_MAX_PARTS);
    if (no != 0)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: is part %" PRId64 " of %" PRId64 "; give the first part, which finds "
                       "the others beside it",
                       wf_quote(path).s, no + 1, *count);
    if (*count > 1 && !is_part_name(path, 0, *count))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: is the first of %" PRId64 " parts and must be named like one "
                       "(NAME-00001-of-%05" PRId64 ".gguf)",
                       wf_quote(path).s, *count, *count);
    return WEFT_OK;
}

static weft_status other_open(wf_gguf_model *m, const char *first, int64_t i, int64_t count,
                              weft_error *err)
{
    char    path[4096];
    int64_t no = -1, n = -1;
    int     length = snprintf(path, sizeof path, "%.*s-%05" PRId64 "-of-%05" PRId64 ".gguf",
                              (int)(strlen(first) - SUFFIX_BYTES), first, i + 1, count);
    if (length < 0 || (size_t)length >= sizeof path)
        return wf_fail(err, WEFT_E_INVALID, "%s: the path is too long", wf_quote(first).s);
    weft_status status = part_open(m, path, err);
    if (status != WEFT_OK)
        return status;
    const wf_gguf_file *g = &m->parts[i].gguf;
    status = wf_gguf_i64(g, SPLIT_NO, &no, err);
    if (status == WEFT_OK)
        status = wf_gguf_i64(g, SPLIT_COUNT, &n, err);
    if (status == WEFT_E_NOTFOUND || (status == WEFT_OK && (no != i || n != count)))
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: does not say in " SPLIT_NO " and " SPLIT_COUNT " that it is part "
                       "%" PRId64 " of %" PRId64,
                       wf_quote(path).s, i + 1, count);
    return status;
}

/* No tensor in two parts, and as many as the first part says. */
static weft_status parts_check(const wf_gguf_model *m, weft_error *err)
{
    const wf_gguf_file *g = &m->parts[0].gguf;
    int64_t             said, have = 0;
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const wf_st_file *st = &m->parts[i].st;
        have += (int64_t)st->n_tensors;
        for (uint64_t k = 0; k < st->n_tensors; k++)
            for (uint32_t j = 0; j < i; j++)
                if (wf_st_find(&m->parts[j].st, st->tensors[k].name) != NULL)
                    return wf_fail(err, WEFT_E_CORRUPT, "%s: tensor \"%s\" is in another part too",
                                   wf_quote(st->file.path).s, m->parts[i].origins[k].t->name);
    }
    weft_status status = value_or(g, SPLIT_TENSORS, have, &said, err);
    if (status == WEFT_OK && said != have)
        status = wf_fail(err, WEFT_E_CORRUPT,
                         "%s: " SPLIT_TENSORS " is %" PRId64 ", and its %u parts have %" PRId64,
                         wf_quote(g->file.path).s, said, m->n_parts, have);
    return status;
}

/* ---- the whole ---- */

static weft_status arch_check(const wf_gguf_model *m, weft_error *err)
{
    const wf_gguf_file *g = &m->parts[0].gguf;
    char               *arch;
    weft_status         status = wf_gguf_str(g, "general.architecture", &arch, NULL, err);
    if (status == WEFT_E_NOTFOUND)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: general.architecture is missing",
                       wf_quote(g->file.path).s);
    if (status == WEFT_OK && strcmp(arch, WF_GGUF_ARCH) != 0)
        status = wf_fail(err, WEFT_E_UNSUPPORTED,
                         "%s: a model of the architecture \"%s\"; of GGUF files weft reads plain "
                         "Llamas alone (general.architecture " WF_GGUF_ARCH ")",
                         wf_quote(g->file.path).s, wf_quote(arch).s);
    wf_free(arch);
    return status;
}

static weft_status open_all(wf_gguf_model *m, const char *path, bool loose, weft_error *err)
{
    int64_t     count = 1;
    weft_status status = part_open(m, path, err);
    if (status != WEFT_OK || loose) /* the first part has the tokenizer */
        return status;
    status = first_check(m, path, &count, err);
    if (status == WEFT_OK)
        status = arch_check(m, err);
    if (status != WEFT_OK)
        return status;
    wf_gguf_part_file *parts = wf_realloc(m->parts, (size_t)count * sizeof *parts);
    if (parts == NULL)
        return wf_fail_nomem(err, (uint64_t)count * sizeof *parts, "the parts of a GGUF file");
    m->parts = parts;
    memset(parts + 1, 0, (size_t)(count - 1) * sizeof *parts);
    for (int64_t i = 1; i < count && status == WEFT_OK; i++)
        status = other_open(m, path, i, count, err);
    for (uint32_t i = 0; i < m->n_parts && status == WEFT_OK; i++)
        status = wf_gguf_name_tensors(m, &m->parts[i], err);
    return status == WEFT_OK ? parts_check(m, err) : status;
}

weft_status wf_gguf_model_open(const char *path, bool loose, wf_gguf_model **out, weft_error *err)
{
    wf_gguf_model *m = wf_zalloc(sizeof *m);
    *out = NULL;
    if (m == NULL)
        return wf_fail_nomem(err, sizeof *m, "a GGUF file");
    m->parts = wf_zalloc(sizeof *m->parts);
    weft_status status = m->parts != NULL ? open_all(m, path, loose, err)
                                          : wf_fail_nomem(err, sizeof *m->parts, "a GGUF file");
    if (status != WEFT_OK)
        wf_gguf_model_close(&m);
    *out = m;
    return status;
}

void wf_gguf_model_close(wf_gguf_model **model)
{
    wf_gguf_model *m = *model;
    *model = NULL;
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->n_parts; i++) {
        wf_free(m->parts[i].st.tensors);
        wf_free(m->parts[i].st.names);
        wf_free(m->parts[i].origins);
        wf_gguf_close(&m->parts[i].gguf);
    }
    wf_free(m->parts);
    wf_free(m);
}

const wf_st_file *wf_gguf_part(const wf_gguf_model *m, uint32_t i)
{
    return i < m->n_parts ? &m->parts[i].st : NULL;
}
