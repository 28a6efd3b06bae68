/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a plan can be, and what it says. */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/media/calls.h"

#define NAME_BYTES 256u /* of a tensor's or a stream's name */
#define LINE_BYTES 900u

/* One tensor of a plan and its place in it, while it is looked at. */
typedef struct look {
    const char *array; /* "input", "output" */
    uint32_t    i, reserved;
    char       *text;
    size_t      cap;
} look;

static bool fault(const look *l, const char *field, const char *what)
{
    bool member = field[0] == '.' || field[0] == ' '; /* input[0].ndim, but input_name[0] */
    if (member)
        snprintf(l->text, l->cap, "%s[%u]%s %s", l->array, l->i, field, what);
    else
        snprintf(l->text, l->cap, "%s%s[%u] %s", l->array, field, l->i, what);
    return true;
}

static bool fault_number(const look *l, const char *field, long long has, const char *wanted)
{
    char what[120];
    snprintf(what, sizeof what, "%lld (%s)", has, wanted);
    return fault(l, field, what);
}

static bool name_fault(const look *l, const char *field, const char *name)
{
    if (name == NULL)
        return fault(l, field, "NULL");
    if (strnlen(name, NAME_BYTES) == NAME_BYTES)
        return fault(l, field, "without an end within 256 bytes");
    return name[0] == '\0' && fault(l, field, "empty");
}

static bool spec_fault(const look *l, const weft_tensor_spec *s, uint64_t max_bytes)
{
    uint64_t n = 1;
    char     field[32];
    if (s->ndim < 1 || s->ndim > WEFT_MAX_DIMS)
        return fault_number(l, ".ndim", s->ndim, "1 to 8 are possible");
    if (s->dtype.lanes != 1 || (s->dtype.bits != 8 && s->dtype.bits != 32 && s->dtype.bits != 64))
        return fault_number(l, ".dtype.bits", s->dtype.bits,
                            "8, 32 and 64 are possible, with one lane");
    for (int32_t d = 0; d < s->ndim; d++) {
        snprintf(field, sizeof field, ".shape[%d]", d);
        if (s->shape[d] < 1)
            return fault_number(l, field, (long long)s->shape[d], "at least 1");
        if (!wf_mul(n, (uint64_t)s->shape[d], &n))
            return fault_number(l, field, (long long)s->shape[d], "the size overflows");
    }
    if (!wf_mul(n, s->dtype.bits / 8u, &n) || n > max_bytes) {
        snprintf(l->text, l->cap, "%s[%u] of more than the %llu bytes of --max-decoded-bytes",
                 l->array, l->i, (unsigned long long)max_bytes);
        return true;
    }
    return false;
}

static bool output_fault(const look *l, const weft_plan *p, uint64_t max_bytes)
{
    const weft_tensor_spec *s = &p->output[l->i];
    uint64_t                rows = 1;
    if (name_fault(l, "_name", p->output_name[l->i]) || spec_fault(l, s, max_bytes))
        return true;
    if (s->dtype.code != WEFT_DT_FLOAT || s->dtype.bits != 32)
        return fault(l, ".dtype", "that is not f32");
    for (int32_t d = 0; d < s->ndim - 1; d++)
        rows *= (uint64_t)s->shape[d];
    if (rows > INT32_MAX)
        return fault_number(l, " rows", (long long)rows, "2147483647 are possible");
    if (p->stream[l->i] != NULL && strnlen(p->stream[l->i], NAME_BYTES) == NAME_BYTES)
        return fault(l, " stream", "without an end within 256 bytes");
    if (p->stream_rows[l->i] < 0 || p->stream_rows[l->i] > (int64_t)rows) {
        snprintf(l->text, l->cap, "stream_rows[%u] %lld of %llu rows", l->i,
                 (long long)p->stream_rows[l->i], (unsigned long long)rows);
        return true;
    }
    return false;
}

bool wf_plan_fault(const weft_plan *p, uint64_t max_bytes, char *text, size_t cap)
{
    for (uint32_t i = 0; i < p->n_inputs; i++) {
        look l = {"input", i, 0, text, cap};
        if (name_fault(&l, "_name", p->input_name[i]) || spec_fault(&l, &p->input[i], max_bytes))
            return true;
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        look l = {"output", i, 0, text, cap};
        if (output_fault(&l, p, max_bytes))
            return true;
    }
    if (p->n_placeholders >= 1)
        return false;
    snprintf(text, cap, "n_placeholders %lld (at least 1)", (long long)p->n_placeholders);
    return true;
}

static size_t tell_tensor(char *line, size_t at, const char *name, const weft_tensor_spec *s)
{
    at += (size_t)snprintf(line + at, LINE_BYTES - at, ", %.60s [", name);
    for (int32_t d = 0; d < s->ndim && at < LINE_BYTES; d++)
        at += (size_t)snprintf(line + at, LINE_BYTES - at, "%s%lld", d > 0 ? " " : "",
                               (long long)s->shape[d]);
    if (at < LINE_BYTES)
        at += (size_t)snprintf(line + at, LINE_BYTES - at, "] of %u bits", s->dtype.bits);
    return at < LINE_BYTES ? at : LINE_BYTES - 1;
}

void wf_plan_tell(const wf_modality *m, const char *file, const weft_plan *p)
{
    char   line[LINE_BYTES];
    size_t at =
        (size_t)snprintf(line, sizeof line, "%lld tokens, %llu bytes of scratch",
                         (long long)p->n_placeholders, (unsigned long long)p->scratch_bytes);
    for (uint32_t i = 0; i < p->n_inputs; i++)
        at = tell_tensor(line, at, p->input_name[i], &p->input[i]);
    for (uint32_t i = 0; i < p->n_outputs; i++)
        at = tell_tensor(line, at, p->output_name[i], &p->output[i]);
    wf_log(WEFT_LOG_DEBUG, "%s: plan of %s: %s", wf_plugin_id(m->plugin),
           file != NULL ? wf_quote(file).s : "tensors", line);
}
