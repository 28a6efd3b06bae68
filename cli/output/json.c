/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values of what weft.h describes. */
#include "output/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weft/utf8.h"

#define DIGITS 9 /* a float's worth */

bool cli_is_utf8(const char *text, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        int32_t len = weft_utf8_char(text + at, bytes - at, NULL);
        if (len <= 0)
            return false;
        at += (size_t)len;
    }
    return true;
}

json_t *cli_json_text(const char *text, size_t bytes)
{
    json_t *v;
    size_t  n = 0;
    if (text == NULL)
        return json_null();
    char *clean = bytes <= SIZE_MAX / 3 - 1 ? malloc(3 * bytes + 1) : NULL;
    if (clean == NULL)
        return NULL;
    for (size_t at = 0; at < bytes;) {
        int32_t len = weft_utf8_char(text + at, bytes - at, NULL);
        size_t  kept = len > 0 ? (size_t)len : strlen(WEFT_UTF8_REPLACEMENT);
        memcpy(clean + n, len > 0 ? text + at : WEFT_UTF8_REPLACEMENT, kept);
        n += kept;
        at += len > 0 ? (size_t)len : 1;
    }
    v = json_stringn(clean, n);
    free(clean);
    return v;
}

json_t *cli_json_string(const char *text)
{
    return cli_json_text(text, text != NULL ? strlen(text) : 0);
}

json_t *cli_json_real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

bool cli_json_print(cli_place *place, json_t *v)
{
    char *text = v != NULL ? json_dumps(v, JSON_REAL_PRECISION(DIGITS)) : NULL;
    json_decref(v);
    if (text == NULL) {
        cli_place_say(place, "out of memory: a JSON value");
        return false;
    }
    cli_place_put(place, text, strlen(text));
    cli_place_put(place, "\n", 1);
    cli_place_flush(place);
    free(text);
    return true;
}

static json_t *site_json(const weft_site_info *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:I}", "name", cli_json_string(s->name),
                     "plugin", cli_json_string(s->plugin), "stream", cli_json_string(s->stream),
                     "kind", cli_json_string(s->kind), "layer", (int)s->layer, "order",
                     (int)s->order, "parameters", (json_int_t)s->parameters);
}

static json_t *sites_json(const weft_engine *e)
{
    weft_site_info s = {.hdr = WEFT_HDR(weft_site_info)};
    json_t        *all = json_array();
    for (uint32_t i = 0; all != NULL && weft_engine_site(e, i, &s) != 0; i++)
        if (json_array_append_new(all, site_json(&s)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

static void add_type(void *ctx, const weft_stored_info *s)
{
    json_t **all = ctx;
    if (*all == NULL)
        return;
    json_t *one =
        json_pack("{s:s, s:s, s:I, s:I, s:f}", "type", s->type, "held", s->held, "tensors",
                  (json_int_t)s->tensors, "bytes", (json_int_t)s->bytes, "error", s->error);
    if (json_array_append_new(*all, one) != 0) {
        json_decref(*all);
        *all = NULL;
    }
}

weft_status cli_json_stored(const weft_engine *e, json_t **out, weft_error *err)
{
    *out = json_array();
    weft_status status = weft_engine_stored(e, add_type, out, err);
    if (status != WEFT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

static json_t *marker_json(const weft_marker_info *m)
{
    json_t *end = m->end_id >= 0 ? json_integer((json_int_t)m->end_id) : json_null();
    json_t *id = m->token_id >= 0 ? json_integer((json_int_t)m->token_id) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "token", cli_json_string(m->token),
                     "id", id, "plugin", cli_json_string(m->plugin), "stream",
                     cli_json_string(m->stream), "before", cli_json_string(m->before), "after",
                     cli_json_string(m->after), "seen", cli_json_string(m->seen), "end_id", end);
}

static json_t *markers_json(const weft_engine *e)
{
    weft_marker_info m = {.hdr = WEFT_HDR(weft_marker_info)};
    json_t          *all = json_array();
    for (uint32_t i = 0; all != NULL && weft_engine_marker(e, i, &m) != 0; i++)
        if (json_array_append_new(all, marker_json(&m)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}

static json_t *shape_json(const weft_engine_info *d)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "n_layers", (int)d->n_layers,
                     "d_model", (int)d->d_model, "d_ffn", (int)d->d_ffn, "n_heads", (int)d->n_heads,
                     "n_kv_heads", (int)d->n_kv_heads, "head_dim", (int)d->head_dim, "vocab",
                     (int)d->vocab, "max_positions", (int)d->max_positions, "tied", (int)d->tied);
}

static json_t *memory_json(const weft_engine_info *d)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "weights", (json_int_t)d->weight_bytes, "kv",
                     (json_int_t)d->kv_bytes, "step", (json_int_t)d->step_bytes, "total",
                     (json_int_t)d->total_bytes);
}

json_t *cli_json_levels(const weft_engine *e)
{
    weft_path_info path = {.hdr = WEFT_HDR(weft_path_info)};
    json_t        *all = json_object();
    for (uint32_t i = 0; all != NULL && weft_engine_path(e, i, &path) != 0; i++) {
        if (json_object_set_new(all, path.family, cli_json_string(path.isa)) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

json_t *cli_json_engine(const weft_engine *e)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    if (weft_engine_describe(e, &d, NULL) != WEFT_OK)
        return NULL;
    json_t *parameters =
        json_pack("{s:I, s:I, s:I}", "core", (json_int_t)d.core_parameters, "sites",
                  (json_int_t)d.site_parameters, "encoders", (json_int_t)d.encoder_parameters);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "model", cli_json_string(d.model), "architecture",
                     cli_json_string(d.architecture), "dtype", cli_json_string(d.dtype), "kv_dtype",
                     cli_json_string(d.kv_dtype), "device", cli_json_string(d.device), "isa",
                     cli_json_string(d.isa), "levels", cli_json_levels(e), "threads",
                     (int)d.n_threads, "context", (int)d.context, "shape", shape_json(&d),
                     "parameters", parameters, "memory_bytes", memory_json(&d), "sites",
                     sites_json(e), "markers", markers_json(e), "plugins", cli_json_plugins(e));
}

static void add_plugin(void *ctx, const weft_plugin_info *p)
{
    json_t **all = ctx;
    if (*all == NULL || p->id == NULL || strcmp(p->state, "loaded") != 0)
        return;
    if (json_object_set_new(*all, p->id, cli_json_string(p->version)) != 0) {
        json_decref(*all);
        *all = NULL;
    }
}

json_t *cli_json_plugins(const weft_engine *e)
{
    json_t *all = json_object();
    if (weft_engine_plugins(e, add_plugin, &all, NULL) != WEFT_OK) {
        json_decref(all);
        return NULL;
    }
    return all;
}

/* A file that is there, and that nothing reads, is not to be told like one that is not there. */
static const char *status_of(const weft_error *err)
{
    bool unread = err->code == WEFT_E_NOTFOUND && err->stage == WEFT_STAGE_MEDIA;
    return weft_status_name(unread ? WEFT_E_UNSUPPORTED : err->code);
}

json_t *cli_json_error(const weft_error *err)
{
    if (err == NULL || err->code == WEFT_OK)
        return json_null();
    return json_pack("{s:i, s:s, s:o}", "code", (int)weft_exit_code(err), "status", status_of(err),
                     "message", cli_json_string(err->message));
}

static json_t *dims_json(const weft_tensor *t)
{
    json_t *dims = json_array();
    for (int32_t d = 0; dims != NULL && d < t->ndim; d++)
        if (json_array_append_new(dims, json_integer((json_int_t)t->shape[d])) != 0) {
            json_decref(dims);
            return NULL;
        }
    return dims;
}

static json_t *inputs_json(const weft_item *item)
{
    json_t     *all = json_object();
    const char *name;
    weft_tensor t;
    for (uint32_t i = 0; all != NULL && weft_item_input(item, i, &name, &t) != 0; i++) {
        if (json_object_set_new(all, name, dims_json(&t)) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* The times of a clip's frames are an input of their own. */
static bool find_times(const weft_item *item, weft_tensor *out)
{
    const char *name;
    for (uint32_t i = 0; weft_item_input(item, i, &name, out) != 0; i++)
        if (strcmp(name, "video_times_us") == 0 && out->ndim == 1 && out->dtype.bits == 64)
            return true;
    return false;
}

int64_t cli_item_frames(const weft_item *item)
{
    weft_tensor t;
    return item != NULL && find_times(item, &t) ? t.shape[0] : 0;
}

json_t *cli_json_times(const weft_item *item)
{
    weft_tensor t;
    if (item == NULL || !find_times(item, &t) || t.data == NULL)
        return json_null();
    json_t *all = json_array();
    for (int64_t i = 0; all != NULL && i < t.shape[0]; i++) {
        const double seconds = (double)((const int64_t *)t.data)[i] / 1e6;
        if (json_array_append_new(all, json_real(seconds)) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

json_t *cli_json_item(const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    if (weft_item_describe(item, &d, NULL) != WEFT_OK)
        return NULL;
    bool    tiles = d.n_parts > 0 && d.kind != NULL && strcmp(d.kind, "image") == 0;
    int64_t frames = cli_item_frames(item);
    json_t *tiles_json = tiles ? json_integer((json_int_t)d.n_parts) : json_null();
    json_t *frames_json = frames > 0 ? json_integer((json_int_t)frames) : json_null();
    return json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                     "kind", cli_json_string(d.kind), "decoder", cli_json_string(d.decoder),
                     "modality", cli_json_string(d.modality), "width", (int)d.width, "height",
                     (int)d.height, "tiles", tiles_json, "frames", frames_json, "tokens",
                     (json_int_t)d.n_placeholders, "rows", (json_int_t)d.n_rows, "input_bytes",
                     (json_int_t)d.input_bytes, "output_bytes", (json_int_t)d.output_bytes,
                     "kv_bytes", (json_int_t)d.kv_bytes, "scratch_bytes",
                     (json_int_t)d.scratch_bytes, "inputs", inputs_json(item));
}
