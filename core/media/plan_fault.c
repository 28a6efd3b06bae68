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
#define SCRATCH_MAX (UINT64_C(1) << 48)

/* One tensor of a plan and its place in it, while it is looked at. */
typedef struct look {
    const char *array; /* "inputs", "outputs" */
    uint32_t    i, reserved;
    char       *text;
    size_t      cap;
} look;

static bool fault(const look *l, const char *field, const char *what)
{
    snprintf(l->text, l->cap, "%s[%u]%s %s", l->array, l->i, field, what);
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
        return fault_number(l, ".spec.ndim", s->ndim, "1 to 8 are possible");
    if (s->dtype.lanes != 1 || (s->dtype.bits != 8 && s->dtype.bits != 32 && s->dtype.bits != 64))
        return fault_number(l, ".spec.dtype.bits", s->dtype.bits,
                            "8, 32 and 64 are possible, with one lane");
    for (int32_t d = 0; d < s->ndim; d++) {
        snprintf(field, sizeof field, ".spec.shape[%d]", d);
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
    const weft_tensor_spec *s = &p->outputs[l->i].spec;
    uint64_t                rows = 1;
    if (name_fault(l, ".name", p->outputs[l->i].name) || spec_fault(l, s, max_bytes))
        return true;
    if (s->dtype.code != WEFT_DT_FLOAT || s->dtype.bits != 32)
        return fault(l, ".spec.dtype", "that is not f32");
    for (int32_t d = 0; d < s->ndim - 1; d++)
        rows *= (uint64_t)s->shape[d];
    if (rows > INT32_MAX)
        return fault_number(l, " rows", (long long)rows, "2147483647 are possible");
    if (p->outputs[l->i].stream != NULL &&
        strnlen(p->outputs[l->i].stream, NAME_BYTES) == NAME_BYTES)
        return fault(l, ".stream", "without an end within 256 bytes");
    if (p->outputs[l->i].stream_rows < 0 || p->outputs[l->i].stream_rows > (int64_t)rows) {
        snprintf(l->text, l->cap, "outputs[%u].stream_rows %lld of %llu rows", l->i,
                 (long long)p->outputs[l->i].stream_rows, (unsigned long long)rows);
        return true;
    }
    return false;
}

/* Have the array and its elements the sizes and places that the host lent? */
static bool lent(const weft_plan_tensor *has, const weft_plan_tensor *ours, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (ours[i].hdr.size != sizeof *ours)
            return false;
    return has == ours;
}

bool wf_plan_form_fault(const weft_plan *p, const wf_plan_room *room, char *text, size_t cap)
{
    if (p->hdr.size != sizeof *p)
        snprintf(text, cap, "a weft_plan of %u bytes, and this host's has %zu", p->hdr.size,
                 sizeof *p);
    else if (p->n_inputs > WF_MAX_INPUTS)
        snprintf(text, cap, "a plan whose n_inputs is %u, and %d are possible", p->n_inputs,
                 WF_MAX_INPUTS);
    else if (p->n_outputs < 1 || p->n_outputs > WF_MAX_OUTPUTS)
        snprintf(text, cap, "a plan whose n_outputs is %u, and 1 to %d are possible", p->n_outputs,
                 WF_MAX_OUTPUTS);
    else if (!lent(p->inputs, room->input, WF_MAX_INPUTS) ||
             !lent(p->outputs, room->output, WF_MAX_OUTPUTS) || p->carried != room->carried ||
             p->carried_bytes != sizeof room->carried || p->layout != room->layout ||
             p->layout_bytes != sizeof room->layout)
        snprintf(text, cap, "a plan whose arrays, or their sizes, are not those that it was lent");
    else if (memchr(room->layout, '\0', sizeof room->layout) == NULL)
        snprintf(text, cap, "a plan whose layout has no end within its %zu bytes",
                 sizeof room->layout);
    else
        return false;
    return true;
}

bool wf_plan_fault(const weft_plan *p, uint64_t max_bytes, char *text, size_t cap)
{
    for (uint32_t i = 0; i < p->n_inputs; i++) {
        look l = {"inputs", i, 0, text, cap};
        if (name_fault(&l, ".name", p->inputs[i].name) ||
            spec_fault(&l, &p->inputs[i].spec, max_bytes))
            return true;
    }
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        look l = {"outputs", i, 0, text, cap};
        if (output_fault(&l, p, max_bytes))
            return true;
    }
    const uint64_t length = strlen(p->layout);
    const bool     has_ends = p->lead_bytes <= length && p->trail_bytes <= length - p->lead_bytes;
    if (!has_ends)
        snprintf(text, cap, "lead_bytes %llu and trail_bytes %llu of a layout of %llu bytes",
                 (unsigned long long)p->lead_bytes, (unsigned long long)p->trail_bytes,
                 (unsigned long long)length);
    else if (p->n_placeholders < 1)
        snprintf(text, cap, "n_placeholders %lld (at least 1)", (long long)p->n_placeholders);
    else if (p->scratch_bytes > SCRATCH_MAX)
        snprintf(text, cap, "scratch_bytes %llu, more than any device has",
                 (unsigned long long)p->scratch_bytes);
    return !has_ends || p->n_placeholders < 1 || p->scratch_bytes > SCRATCH_MAX;
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
        at = tell_tensor(line, at, p->inputs[i].name, &p->inputs[i].spec);
    for (uint32_t i = 0; i < p->n_outputs; i++)
        at = tell_tensor(line, at, p->outputs[i].name, &p->outputs[i].spec);
    wf_log(WEFT_LOG_DEBUG, "%s: plan of %s: %s", wf_plugin_id(m->plugin),
           file != NULL ? wf_quote(file).s : "tensors", line);
}
