/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tensors of a GGUF file lie: one behind the other, each at a multiple of the alignment.
 */
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/io/gguf_cursor.h"
#include "core/io/text.h"

#define ALIGNMENT "general.alignment"

static weft_status alignment_read(wf_gguf_file *f, weft_error *err)
{
    const wf_gguf_value *v = wf_gguf_find(f, ALIGNMENT);
    f->alignment = 32;
    if (v == NULL)
        return WEFT_OK;
    if (v->kind != WF_GGUF_U32 || v->one.i < 1 || v->one.i > WF_GGUF_MAX_ALIGNMENT ||
        (v->one.i & (v->one.i - 1)) != 0)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: " ALIGNMENT " is no power of two of 32 bits and at most %u",
                       wf_quote(f->file.path).s, WF_GGUF_MAX_ALIGNMENT);
    f->alignment = (uint32_t)v->one.i;
    return WEFT_OK;
}

/* *n up to the next multiple of the alignment; false: it overflows. */
static bool padded(const wf_gguf_file *f, uint64_t *n)
{
    if (!wf_add(*n, f->alignment - 1, n))
        return false;
    *n &= ~(uint64_t)(f->alignment - 1);
    return true;
}

static weft_status fail_place(const wf_gguf_file *f, const wf_gguf_tensor *t, uint64_t at,
                              weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT,
                   "%s: tensor \"%s\" begins at data byte %" PRIu64
                   " where the one before it ends at %" PRIu64,
                   wf_quote(f->file.path).s, wf_quote(t->name).s, t->begin, at);
}

/* In the order of the file each tensor begins where the one before it ends, padded, so that none
 * overlaps another, and all lie within the file. */
weft_status wf_gguf_places(wf_gguf_file *f, uint64_t data, weft_error *err)
{
    uint64_t    at = 0, room;
    weft_status status = alignment_read(f, err);
    if (status != WEFT_OK)
        return status;
    if (!padded(f, &data))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: its tensors begin beyond 64 bits",
                       wf_quote(f->file.path).s);
    room = data < f->file.bytes ? f->file.bytes - data : 0;
    for (uint64_t i = 0; i < f->n_tensors; i++) {
        wf_gguf_tensor *t = &f->tensors[i];
        if (t->begin != at)
            return fail_place(f, t, at, err);
        if (t->bytes > room || at > room - t->bytes)
            return wf_fail(err, WEFT_E_CORRUPT,
                           "%s: tensor \"%s\" of %" PRIu64 " bytes begins at data byte %" PRIu64
                           " and the data end at %" PRIu64 "; the file was cut short",
                           wf_quote(f->file.path).s, wf_quote(t->name).s, t->bytes, at, room);
        t->begin = data + at;
        at += t->bytes;
        if (!padded(f, &at))
            return fail_place(f, t, at, err);
    }
    return WEFT_OK;
}
