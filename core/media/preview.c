/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures that a modality shows of an item: what it says they are is looked at before memory
 * is taken for them, and what it fills is no more than that. */
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/media/calls.h"
#include "core/media/fill.h"
#include "core/plugin/visit.h"

#define AXES 4 /* pictures, height, width, channels */
#define CHANNELS 3

static bool fault(char *text, size_t cap, const char *field, long long has, const char *wanted)
{
    snprintf(text, cap, "%s %lld (%s)", field, has, wanted);
    return true;
}

/* Whether the sizes can be: *bytes is what they take. */
static bool shape_fault(const weft_tensor *t, uint64_t max_bytes, uint64_t *bytes, char *text,
                        size_t cap)
{
    char field[24];
    *bytes = 1;
    if (t->ndim != AXES)
        return fault(text, cap, "rgb.ndim", t->ndim, "4 are wanted: pictures, height, width, 3");
    for (int32_t i = 0; i < AXES; i++) {
        snprintf(field, sizeof field, "rgb.shape[%d]", i);
        if (t->shape[i] < 1 || (i == AXES - 1 && t->shape[i] != CHANNELS))
            return fault(text, cap, field, (long long)t->shape[i],
                         i == AXES - 1 ? "3 are wanted" : "at least 1");
        if (!wf_mul(*bytes, (uint64_t)t->shape[i], bytes) || *bytes > max_bytes)
            return fault(text, cap, field, (long long)t->shape[i],
                         "more bytes than --max-decoded-bytes allows");
    }
    return false;
}

/* What makes t no host tensor of pictures in C order at `data`; false: nothing. */
static bool pictures_fault(const weft_tensor *t, const void *data, uint64_t max_bytes, char *text,
                           size_t cap)
{
    uint64_t bytes;
    int64_t  each = 1;
    char     field[24];
    if (t->data != data)
        return fault(text, cap, "another rgb.data in call", data != NULL ? 2 : 1,
                     "the memory is the host's");
    if (t->device_type != WEFT_DEV_CPU || t->flags != 0)
        return fault(text, cap, "rgb.device_type", t->device_type, "1 is wanted: host memory");
    if (t->dtype.code != WEFT_DT_UINT || t->dtype.bits != 8 || t->dtype.lanes != 1)
        return fault(text, cap, "rgb.dtype.bits", t->dtype.bits, "u8 of one lane is wanted");
    if (shape_fault(t, max_bytes, &bytes, text, cap))
        return true;
    for (int32_t i = AXES - 1; i >= 0; each *= t->shape[i--])
        if (t->shape[i] != 1 && t->stride[i] != each) {
            snprintf(field, sizeof field, "rgb.stride[%d]", i);
            return fault(text, cap, field, (long long)t->stride[i], "C order is wanted");
        }
    return t->bytes != bytes &&
           fault(text, cap, "rgb.bytes", (long long)t->bytes, "not those of its shape");
}

/* One call. *rgb, given and gotten, is of host memory or has no data. */
static weft_status ask(const wf_modality *m, const wf_preview *what, weft_tensor *rgb, wf_visit *v,
                       weft_error *err)
{
    char        wrong[160];
    const void *data = rgb->data;
    wf_visit_begin(v, m->plugin, "preview", what->file, 0);
    weft_status status = m->vt->preview(m->self, what->plan, what->inputs, rgb, &v->why);
    status = wf_visit_end(v, status, err);
    if (status != WEFT_OK)
        return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
    if (pictures_fault(rgb, data, what->max_bytes, wrong, sizeof wrong))
        status = wf_visit_wrong(v, err, "%s", wrong);
    return status;
}

/* Asks for the pictures that were described, into the memory that view gives. */
static weft_status fill_pictures(const wf_modality *m, const wf_preview *what,
                                 const weft_tensor *view, weft_error *err)
{
    wf_visit    v;
    wf_fill     f;
    char        wrong[160];
    weft_status status = wf_fill_begin(&f, view, what->validate != 0, err);
    if (status != WEFT_OK)
        return status;
    weft_tensor rgb = f.view;
    status = ask(m, what, &rgb, &v, err);
    for (int32_t i = 0; i < AXES && status == WEFT_OK; i++)
        if (rgb.shape[i] != view->shape[i])
            status = wf_visit_wrong(&v, err, "rgb.shape[%d] %lld where it said %lld before", i,
                                    (long long)rgb.shape[i], (long long)view->shape[i]);
    if (status == WEFT_OK && wf_fill_fault(&f, view->bytes, wrong, sizeof wrong))
        status = wf_visit_wrong(&v, err, "%s", wrong);
    wf_fill_end(&f, status == WEFT_OK ? view->bytes : 0);
    return status;
}

weft_status wf_modality_preview(const wf_modality *m, const wf_preview *what, weft_tensor *rgb,
                                weft_error *err)
{
    wf_visit    v;
    weft_tensor told = {.device_type = WEFT_DEV_CPU};
    if (!WEFT_HAS(m->vt, weft_modality, preview) || m->vt->preview == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s has nothing to look at",
                       wf_plugin_id(m->plugin));
    weft_status status = ask(m, what, &told, &v, err);
    if (status != WEFT_OK)
        return status;
    const weft_tensor view = wf_tensor_view(rgb->data, told.dtype, AXES, told.shape);
    if (rgb->data == NULL) {
        *rgb = view;
        return WEFT_OK;
    }
    if (rgb->bytes < view.bytes)
        return wf_fail(err, WEFT_E_INVALID, "the preview takes %llu bytes, and there are %llu",
                       (unsigned long long)view.bytes, (unsigned long long)rgb->bytes);
    status = fill_pictures(m, what, &view, err);
    if (status == WEFT_OK)
        *rgb = view;
    return status;
}
