/* SPDX-License-Identifier: Apache-2.0 */
/* weft/sdk.h: inline conveniences for plugin authors. Compiled into the plugin; never part of the
 * ABI. */
#ifndef WEFT_SDK_H
#define WEFT_SDK_H

#include "checkpoint.h"
#include "decoder.h"
#include "hooks.h"
#include "kernels.h"
#include "modality.h"
#include "ops.h"
#include "package.h"
#include "plugin.h"
#include "pool.h"
#include "services.h"
#include "tokenizer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
#define WEFT_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define WEFT_EXPORT __attribute__((visibility("default")))
#endif

/* Fills *e, where there is one, with code and the sentence; returns code: `return weft_fail(...)`.
 */
__attribute__((format(printf, 3, 4))) static inline weft_status
weft_fail(weft_error *e, weft_status code, const char *fmt, ...)
{
    if (WEFT_HAS(e, weft_error, code))
        e->code = code;
    if (e != NULL && e->hdr.size > offsetof(weft_error, message)) {
        va_list  ap;
        uint64_t end = e->hdr.size < sizeof *e ? e->hdr.size : sizeof *e;
        va_start(ap, fmt);
        vsnprintf(e->message, (size_t)(end - offsetof(weft_error, message)), fmt, ap);
        va_end(ap);
    }
    return code;
}

static inline weft_dtype weft_dt(uint32_t code, uint32_t bits)
{
    weft_dtype t = {(uint8_t)code, (uint8_t)bits, 1};
    return t;
}
#define WEFT_F32 weft_dt(WEFT_DT_FLOAT, 32)
#define WEFT_I32 weft_dt(WEFT_DT_INT, 32)
#define WEFT_I64 weft_dt(WEFT_DT_INT, 64)
#define WEFT_U8 weft_dt(WEFT_DT_UINT, 8)

/* A C-order view of data on the device of `like` (NULL: the CPU). The caller owns data. */
static inline weft_tensor weft_view(const weft_tensor *like, void *data, weft_dtype dt,
                                    int32_t ndim, const int64_t *shape)
{
    weft_tensor t;
    int64_t     n = 1;
    memset(&t, 0, sizeof t);
    t.data = data;
    t.device_type = like != NULL ? like->device_type : WEFT_DEV_CPU;
    t.device_id = like != NULL ? like->device_id : 0;
    t.dtype = dt;
    t.ndim = ndim;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        t.shape[i] = shape[i];
        t.stride[i] = n;
        n *= shape[i];
    }
    t.bytes = (uint64_t)n * dt.bits / 8u;
    return t;
}

/* Elements [from, from + n) of an axis of t, as a view of the same data. */
static inline weft_tensor weft_slice(const weft_tensor *t, int32_t axis, int64_t from, int64_t n)
{
    weft_tensor part = *t;
    uint64_t    skipped = (uint64_t)(from * t->stride[axis]) * t->dtype.bits / 8u;
    part.data = (char *)t->data + skipped;
    part.bytes = t->bytes > skipped ? t->bytes - skipped : 0;
    part.shape[axis] = n;
    return part;
}

/* An axis of t as two: [..., length, ...] becomes [..., length / inner, inner, ...]; inner divides
 * length and t has fewer than WEFT_MAX_DIMS axes. Rows [m, d] become heads [m, d / head_dim,
 * head_dim] by axis 1, tokens [n, h * w, c] the places of a picture [n, h, w, c] by axis 1. */
static inline weft_tensor weft_split(const weft_tensor *t, int32_t axis, int64_t inner)
{
    weft_tensor two = *t;
    for (int32_t d = t->ndim; d > axis + 1; d--) {
        two.shape[d] = t->shape[d - 1];
        two.stride[d] = t->stride[d - 1];
    }
    two.ndim = t->ndim + 1;
    two.shape[axis] = inner > 0 ? t->shape[axis] / inner : 0;
    two.stride[axis] = t->stride[axis] * inner;
    two.shape[axis + 1] = inner;
    two.stride[axis + 1] = t->stride[axis];
    return two;
}

/* The next input of a plan, filled; NULL where the plan has no room for one more. name lives as
 * long as the modality. */
static inline weft_plan_tensor *weft_plan_input(weft_plan *p, const char *name,
                                                weft_tensor_spec spec)
{
    weft_plan_tensor *t;
    if (p->n_inputs == p->max_inputs)
        return NULL;
    t = (weft_plan_tensor *)WEFT_AT(p->inputs, p->n_inputs++);
    t->name = name;
    t->spec = spec;
    return t;
}

/* The next output, the first `rows` rows of which go to the sites of `stream`; NULL: it is only
 * looked at. */
static inline weft_plan_tensor *weft_plan_output(weft_plan *p, const char *name, const char *stream,
                                                 int64_t rows, weft_tensor_spec spec)
{
    weft_plan_tensor *t;
    if (p->n_outputs == p->max_outputs)
        return NULL;
    t = (weft_plan_tensor *)WEFT_AT(p->outputs, p->n_outputs++);
    t->name = name;
    t->stream = stream;
    t->stream_rows = rows;
    t->spec = spec;
    return t;
}

/* The i-th of them again, in preprocess and encode. */
static inline const weft_plan_tensor *weft_plan_input_at(const weft_plan *p, uint32_t i)
{
    return (const weft_plan_tensor *)WEFT_AT(p->inputs, i);
}
static inline const weft_plan_tensor *weft_plan_output_at(const weft_plan *p, uint32_t i)
{
    return (const weft_plan_tensor *)WEFT_AT(p->outputs, i);
}

#define WEFT_STR_(x) #x
#define WEFT_STR(x) WEFT_STR_(x)
#define WEFT_MANIFEST_TEXT(ID, VERSION, MORE)                                                      \
    "id=" ID "\nversion=" VERSION                                                                  \
    "\nabi=" WEFT_STR(WEFT_ABI_MAJOR) "." WEFT_STR(WEFT_ABI_MINOR) "\n" MORE

/* Emits the manifest and the entry. MORE: further manifest lines, e.g.
 * "components=decoder:png\nlinks=libpng16.so.16\n". DESC: the address of the descriptor. INIT and
 * DEINIT may be NULL. */
#define WEFT_PLUGIN(ID, VERSION, MORE, DESC, INIT, DEINIT)                                         \
    static const struct {                                                                          \
        uint32_t namesz, descsz, type;                                                             \
        char     name[8];                                                                          \
        char     text[(sizeof(WEFT_MANIFEST_TEXT(ID, VERSION, MORE)) + 3u) & ~(size_t)3];          \
    } weft_note_ __attribute__((section(".note.weft"), used, aligned(4))) = {                      \
        5, (uint32_t)sizeof(WEFT_MANIFEST_TEXT(ID, VERSION, MORE)), WEFT_NOTE_TYPE,                \
        WEFT_NOTE_OWNER, WEFT_MANIFEST_TEXT(ID, VERSION, MORE)};                                   \
    WEFT_EXPORT weft_status weft_plugin_entry(const weft_hello *, weft_plugin *, weft_error *);    \
    weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err)      \
    {                                                                                              \
        weft_plugin me;                                                                            \
        if (hello == NULL || out == NULL || hello->magic != WEFT_MAGIC ||                          \
            hello->abi_major != WEFT_ABI_MAJOR || hello->abi_minor < WEFT_ABI_MINOR ||             \
            out->hdr.size < sizeof me)                                                             \
            return weft_fail(err, WEFT_E_VERSION, "%s speaks plugin ABI %d.%d", ID,                \
                             WEFT_ABI_MAJOR, WEFT_ABI_MINOR);                                      \
        memset(&me, 0, sizeof me);                                                                 \
        me.hdr.size = (uint32_t)sizeof me;                                                         \
        me.magic = WEFT_MAGIC;                                                                     \
        me.abi_major = WEFT_ABI_MAJOR;                                                             \
        me.abi_minor = WEFT_ABI_MINOR;                                                             \
        me.desc = (DESC);                                                                          \
        me.init = (INIT);                                                                          \
        me.deinit = (DEINIT);                                                                      \
        memcpy(out, &me, sizeof me);                                                               \
        return WEFT_OK;                                                                            \
    }

#endif
