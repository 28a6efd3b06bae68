/* SPDX-License-Identifier: Apache-2.0 */
/* An engine, items from a parity file and whole runs. */
#include "rig.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"

void rig_check(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void load_items(rig *r, const wf_st_file *file, const char *parity)
{
    weft_error  err = WF_ERROR_INIT;
    weft_tensor tensors[8];
    const char *names[8];
    uint32_t    n = 0, n_items = 0;
    for (uint64_t i = 0; i < file->n_tensors; i++) {
        const wf_st_tensor *t = &file->tensors[i];
        bool                f32 = t->dtype == WF_ST_F32;
        if (strcmp(t->name, "pixel_values") != 0 && strcmp(t->name, "aspect_ratio_ids") != 0 &&
            strcmp(t->name, "num_tiles") != 0 && strcmp(t->name, "soft_rows") != 0 &&
            strcmp(t->name, "input_features") != 0 && strcmp(t->name, "samples") != 0 &&
            strcmp(t->name, "image_sizes") != 0 && strcmp(t->name, "pixel_values_videos") != 0 &&
            strcmp(t->name, "video_aspect_ratio_ids") != 0 &&
            strcmp(t->name, "video_num_tiles") != 0 && strcmp(t->name, "video_times_us") != 0)
            continue;
        assert_true(r->n_data < 8);
        void *data = malloc((size_t)t->bytes);
        rig_check(wf_st_read(file, t, 0, data, t->bytes, &err), &err);
        weft_dtype dt = {f32 ? WEFT_DT_FLOAT : WEFT_DT_INT, f32 ? 32 : 64, 1};
        tensors[n] = wf_tensor_view(data, dt, t->rank, t->shape);
        names[n++] = t->name;
        r->data[r->n_data++] = data;
    }
    wf_tensor_set set = {parity, tensors, names, n, 0};
    rig_check(wf_items_from_tensors(&r->e->items, &r->e->modalities, &set, r->items + r->n_items,
                                    RIG_ITEMS - r->n_items, &n_items, &err),
              &err);
    r->n_items += n_items;
}

void rig_add(rig *r, const char *parity)
{
    weft_error err = WF_ERROR_INIT;
    wf_st_file file;
    rig_check(wf_st_open(parity, &file, &err), &err);
    load_items(r, &file, parity);
    wf_st_close(&file);
}

void rig_open(rig *r, const char *const *pairs, const char *parity)
{
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    for (size_t n = 0; *pairs != NULL && n < sizeof r->said; pairs++)
        n += (size_t)snprintf(r->said + n, sizeof r->said - n, " %s", *pairs);
    r->e = open_engine(r->settings);
    if (parity != NULL) {
        weft_error err = WF_ERROR_INIT;
        rig_check(wf_st_open(parity, &r->file, &err), &err);
        load_items(r, &r->file, parity);
    }
}

void rig_close(rig *r)
{
    for (uint32_t i = 0; i < r->n_items; i++)
        weft_item_release(&r->items[i]);
    for (int32_t i = 0; i < r->n_data; i++)
        free(r->data[i]);
    if (r->n_data > 0)
        wf_st_close(&r->file);
    weft_engine_close(&r->e);
    weft_settings_destroy(&r->settings);
}

weft_sequence *rig_sequence(rig *r, const int32_t *script)
{
    weft_sequence *s;
    weft_error     err = WF_ERROR_INIT;
    rig_check(weft_sequence_create(r->e, &s, &err), &err);
    for (; *script != 0; script++) {
        if (*script < 0) {
            rig_check(weft_sequence_feed_item(s, r->items[-*script - 1], &err), &err);
            continue;
        }
        for (int32_t i = 0; i < *script; i++) {
            int32_t id =
                (int32_t)((uint64_t)(s->n * 2654435761u + 12345u) % (uint64_t)r->e->config.vocab);
            rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
        }
    }
    return s;
}

float *rig_logits(rig *r, weft_sequence *s, int64_t chunk)
{
    weft_error err = WF_ERROR_INIT;
    int64_t    at = 0, vocab = r->e->config.vocab, room = r->e->prefill_chunk;
    float     *logits = malloc((size_t)((s->n - s->n_done) * vocab) * sizeof *logits);
    chunk = chunk > 0 && chunk < room ? chunk : room;
    while (s->n_done < s->n) {
        int64_t rows = s->n - s->n_done < chunk ? s->n - s->n_done : chunk;
        rig_check(wf_step_one(&r->e->stepper, s, rows, rows, logits + at * vocab, NULL, &err),
                  &err);
        at += rows;
    }
    return logits;
}

float *rig_run(rig *r, const int32_t *script, int64_t chunk, int64_t *rows)
{
    weft_sequence *s = rig_sequence(r, script);
    s->no_cache = 1;
    if (rows != NULL)
        *rows = s->n;
    float *logits = rig_logits(r, s, chunk);
    weft_sequence_destroy(&s);
    return logits;
}

void rig_same(const float *a, const float *b, int64_t rows, const rig *r, const char *what)
{
    size_t n = (size_t)r->e->config.vocab;
    for (int64_t i = 0; i < rows; i++)
        if (memcmp(a + (size_t)i * n, b + (size_t)i * n, n * sizeof *a) != 0)
            fail_msg("%s: row %lld differs (%s)", what, (long long)i, r->said);
}

double rig_cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}
