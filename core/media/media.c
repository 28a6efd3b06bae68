/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a decoder by content and stands between it and the modality. */
#include "core/media/media.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/io/text.h"
#include "core/media/fill.h"
#include "core/media/head.h"

#define STILL_FILE_BYTES ((uint64_t)64 << 20)
#define COUNT_BLOCK 16384
#define MARGIN_US 1000000 /* what a header's length may be wrong by: encoders pad */

const char *wf_media_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

weft_status wf_media_fail(const char *path, const weft_error *why, weft_status status,
                          weft_error *err)
{
    const char *what = status == WEFT_E_CANCELLED
                           ? "cancelled" /* whatever the plugin makes of it */
                       : why->message[0] != '\0' ? why->message
                                                 : wf_status_name(status);
    wf_quoted   name = wf_quote(wf_media_name(path));
    if (strncmp(what, name.s, strlen(name.s)) == 0)
        wf_fail(err, status, "%s", what);
    else
        wf_fail(err, status, "%s: %s", name.s, what);
    return wf_fail_stage(err, status,
                         why->stage != WEFT_STAGE_NONE ? why->stage : WEFT_STAGE_MEDIA);
}

static uint64_t option(const weft_settings *s, const char *key)
{
    int64_t v = wf_settings_i64(s, key);
    return v > 0 ? (uint64_t)v : 0;
}

void wf_media_env_init(wf_media_env *env, const weft_settings *s, wf_registry *registry,
                       wf_modalities *modalities, wf_scope *scope)
{
    *env = (wf_media_env){.limits = {WEFT_HDR(weft_limits), option(s, "max_pixels"),
                                     option(s, "max_side"), option(s, "max_frames"),
                                     option(s, "max_samples"), option(s, "max_decoded_bytes"),
                                     option(s, "max_tokens")},
                          .max_file_bytes = option(s, "max_file_bytes"),
                          .registry = registry,
                          .modalities = modalities,
                          .scope = scope,
                          .validate = wf_settings_bool(s, "validate")};
}

typedef struct choice {
    const weft_decoder *vt;
    wf_plugin          *plugin;
    const char         *kind;
    int32_t             score;
} choice;

/* A live kind beats one that no modality takes; then the score; then the id, which is the order of
 * asking. */
static void consider(wf_modalities *live_ones, const weft_decoder *d, wf_plugin *owner,
                     const weft_probe *head, const char *wanted, choice *best)
{
    for (const char *const *kind = d->kinds; *kind != NULL; kind++) {
        if (wanted != NULL && strcmp(*kind, wanted) != 0)
            continue;
        weft_probe p = *head;
        p.kind = *kind;
        int32_t score = wf_decoder_probe(d, owner, &p);
        bool    live = wf_modality_of(live_ones, *kind) != NULL;
        bool    best_live = best->vt != NULL && wf_modality_of(live_ones, best->kind) != NULL;
        if (score <= WEFT_PROBE_NO || (best_live && !live))
            continue;
        if (best->vt == NULL || (live && !best_live) || score > best->score)
            *best = (choice){d, owner, *kind, score};
        else if (score == best->score && best->plugin != owner)
            wf_log(WEFT_LOG_DEBUG, "%s and %s both know this file; %s is asked",
                   wf_plugin_id(best->plugin), wf_plugin_id(owner), wf_plugin_id(best->plugin));
    }
}

/* The best of the decoders that are loaded. */
static choice best_of(const wf_media_env *env, const weft_probe *head, const char *kind)
{
    choice      best = {NULL, NULL, NULL, 0};
    wf_plugin  *owner;
    const void *vt;
    for (size_t i = 0;
         (vt = wf_registry_component(env->registry, WEFT_C_DECODER, i, &owner)) != NULL; i++)
        consider(env->modalities, vt, owner, head, kind, &best);
    return best;
}

/* Does its content say that it is of a kind that the model takes? Then no decoder that its first
 * bytes do not fit would be preferred, and none of those is loaded for it. */
static bool is_sure(const wf_media_env *env, const choice *best)
{
    return best->vt != NULL && best->score > WEFT_PROBE_HINT &&
           wf_modality_of(env->modalities, best->kind) != NULL;
}

static weft_status choose(wf_media_env *env, const weft_probe *head, const char *kind, choice *best,
                          weft_error *err)
{
    weft_status status =
        wf_registry_load_decoders(env->registry, head->head, head->head_bytes, kind, err);
    if (status != WEFT_OK)
        return status;
    *best = best_of(env, head, kind);
    if (is_sure(env, best))
        return WEFT_OK;
    status = wf_registry_load_kind(env->registry, WEFT_C_DECODER, err);
    if (status == WEFT_OK)
        *best = best_of(env, head, kind);
    return status;
}

/* n: what reading the start of the file gave. */
static weft_status check_choice(const wf_media_env *env, const choice *best, int64_t n,
                                const char *kind, weft_error *err)
{
    char hint[WF_REGISTRY_HINT_CAP];
    if (n == WEFT_E_CANCELLED)
        return wf_fail(err, WEFT_E_CANCELLED, "cancelled");
    if (n < 0)
        return wf_fail(err, (weft_status)n, "it could not be read");
    if (n == 0)
        return wf_fail(err, WEFT_E_CORRUPT, "it is empty");
    if (best->vt != NULL)
        return WEFT_OK;
    wf_registry_hint(env->registry, hint);
    if (kind != NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "no decoder reads it as \"%s\"%s", kind, hint);
    return wf_fail(err, WEFT_E_NOTFOUND, "no decoder knows this kind of file%s", hint);
}

/* What loading says against the user's settings stands as it is, without the file's name. */
static weft_status find_decoder(wf_media_env *env, wf_media *m, const char *kind, weft_error *why,
                                weft_error *err)
{
    choice      best = {NULL, NULL, NULL, 0};
    uint8_t    *bytes = wf_alloc(WF_HEAD_BYTES);
    weft_probe  head = {WEFT_HDR(weft_probe), NULL, bytes, 0, m->path};
    weft_status status = WEFT_OK;
    if (bytes == NULL)
        return wf_media_fail(m->path, why, wf_fail_nomem(why, WF_HEAD_BYTES, "the start of a file"),
                             err);
    int64_t       n;
    const wf_head from = {&m->source, env->registry, env->modalities, m->path, kind};
    status = wf_head_read(&from, bytes, &n, err);
    if (status == WEFT_OK && n > 0) {
        head.head_bytes = (uint64_t)n;
        status = choose(env, &head, kind, &best, err);
    }
    wf_free(bytes);
    if (status != WEFT_OK)
        return status;
    status = check_choice(env, &best, n, kind, why);
    if (status != WEFT_OK)
        return wf_media_fail(m->path, why, status, err);
    m->decoding = (wf_decoding){
        best.vt, best.plugin, NULL, best.kind, wf_media_name(m->path), env->validate, 0};
    return WEFT_OK;
}

static weft_status check_info(const wf_media *m, weft_error *err)
{
    const weft_media_info *i = &m->info;
    uint64_t               file_max = m->max_file_bytes, bytes = 0;
    bool                   still = i->sample_rate == 0 && i->duration_us <= 0;
    if (file_max == 0 && still)
        file_max = STILL_FILE_BYTES;
    if (file_max != 0 && !m->source.is_pipe && m->source.file.bytes > file_max)
        return wf_fail(err, WEFT_E_LIMIT, "%llu bytes are over --max-file-bytes %llu",
                       (unsigned long long)m->source.file.bytes, (unsigned long long)file_max);
    if (!wf_mul((uint64_t)i->width, (uint64_t)i->height, &bytes) || bytes > m->limits.max_pixels)
        return wf_fail(err, WEFT_E_LIMIT, "%dx%d pixels are over --max-pixels %llu", i->width,
                       i->height, (unsigned long long)m->limits.max_pixels);
    if (bytes * 4 > m->limits.max_decoded_bytes)
        return wf_fail(err, WEFT_E_LIMIT, "%dx%d pixels are over --max-decoded-bytes %llu",
                       i->width, i->height, (unsigned long long)m->limits.max_decoded_bytes);
    return WEFT_OK;
}

static weft_status read_frames(void *ctx, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    wf_media   *m = ctx;
    int64_t     shape[4] = {n, m->info.height, m->info.width, m->info.has_alpha ? 4 : 3};
    weft_dtype  u8 = {WEFT_DT_UINT, 8, 1};
    weft_tensor place;
    if (n == 0 || time_us == NULL || at_us == NULL)
        return wf_fill_refuse("read_frames", "no frames, or time_us or at_us NULL", err);
    weft_status status = wf_fill_place("read_frames", dst, u8, 4, shape, &place, err);
    return status == WEFT_OK ? wf_decoder_frames(&m->decoding, time_us, n, &place, at_us, err)
                             : status;
}

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    wf_media   *m = ctx;
    weft_tensor place;
    weft_status status = wf_fill_samples(m->info.channels, n, dst, got, &place, err);
    return status == WEFT_OK && n > 0 ? wf_decoder_audio(&m->decoding, n, &place, got, err)
                                      : status;
}

static weft_status read_rows(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    wf_media   *m = ctx;
    weft_tensor place;
    weft_status status = wf_fill_samples(m->info.row_width, n, dst, got, &place, err);
    return status == WEFT_OK && n > 0 ? wf_decoder_rows(&m->decoding, n, &place, got, err) : status;
}

static weft_status open_decoder(wf_media *m, weft_error *err)
{
    weft_status status = wf_decoder_open(&m->decoding, &m->source.pub, &m->limits, err);
    if (status == WEFT_OK)
        status = wf_decoder_info(&m->decoding, &m->info, err);
    return status == WEFT_OK ? check_info(m, err) : status;
}

/* Samples up to the end, or a few more than most. */
static weft_status count_samples(wf_media *m, int64_t most, int64_t *n, weft_error *err)
{
    int64_t     channels = m->info.channels, got = 1;
    uint64_t    bytes = COUNT_BLOCK * sizeof(float) * (uint64_t)channels;
    float      *block = wf_alloc((size_t)bytes);
    weft_dtype  f32 = {WEFT_DT_FLOAT, 32, 1};
    weft_tensor t = wf_tensor_view(block, f32, 2, (int64_t[]){COUNT_BLOCK, channels});
    weft_status status = block != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "a block of samples");
    for (*n = 0; status == WEFT_OK && got > 0 && *n <= most; *n += got) {
        got = 0;
        status = read_audio(m, COUNT_BLOCK, &t, &got, err);
    }
    wf_free(block);
    return status;
}

/* The samples of so much time; rate is a plugin's word. */
static int64_t samples_in(int64_t us, int32_t rate)
{
    return us < INT64_MAX / 2000000 ? us / 1000000 * rate + us % 1000000 * rate / 1000000
                                    : INT64_MAX;
}

/* As many as the limits on samples and on decoded bytes let through. */
static int64_t most_rows(const wf_media *m)
{
    uint64_t n = m->limits.max_decoded_bytes / sizeof(float) / (uint64_t)m->info.channels;
    n = n < m->limits.max_samples ? n : m->limits.max_samples;
    return n < INT64_MAX / 2 ? (int64_t)n : INT64_MAX / 2;
}

weft_status wf_media_count(wf_media *m, int64_t most_us, bool cut, weft_error *err)
{
    weft_media_info *i = &m->info;
    int64_t          n, most;
    if (i->n_samples >= 0 || i->channels <= 0 || m->decoding.vt->read_audio == NULL)
        return WEFT_OK;
    if (i->sample_rate > 0 && !cut && i->duration_us > most_us &&
        i->duration_us - most_us > MARGIN_US) {
        i->n_samples = samples_in(i->duration_us, i->sample_rate);
        return WEFT_OK;
    }
    /* Rows of a kind without a rate have no time: they are counted to their end. */
    most = i->sample_rate > 0 ? samples_in(most_us, i->sample_rate) : most_rows(m);
    weft_status status = count_samples(m, most, &n, err);
    if (status == WEFT_OK && m->source.is_pipe && m->source.at > m->source.n_kept)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "a pipe of more than %llu bytes cannot be read twice; give a file",
                       (unsigned long long)WF_PIPE_KEPT);
    if (status == WEFT_OK) {
        wf_decoder_close(&m->decoding);
        status = open_decoder(m, err);
    }
    if (status == WEFT_OK && i->sample_rate <= 0 && n > most)
        return wf_fail(err, WEFT_E_LIMIT,
                       "more than %lld samples are over --max-samples or --max-decoded-bytes",
                       (long long)most);
    if (status == WEFT_OK && (cut || n <= most))
        i->n_samples = n;
    return status;
}

weft_status wf_media_open(wf_media_env *env, const char *path, const char *kind, wf_media *m,
                          weft_error *err)
{
    weft_error why = WF_ERROR_INIT;
    memset(m, 0, sizeof *m);
    m->limits = env->limits;
    m->max_file_bytes = env->max_file_bytes;
    m->path = path; /* from here on there is a source to close */
    wf_mark     mark = wf_scope_mark(env->scope);
    weft_status status = wf_source_open(path, &mark, &m->source, &why);
    if (status != WEFT_OK)
        return wf_media_fail(path, &why, status, err);
    status = find_decoder(env, m, kind, &why, err);
    if (status != WEFT_OK)
        return status;
    status = open_decoder(m, &why);
    if (status != WEFT_OK)
        return wf_media_fail(path, &why, status, err);
    m->pub = (weft_media){WEFT_HDR(weft_media), m, &m->info, read_frames, read_audio, read_rows};
    return WEFT_OK;
}

void wf_media_close(wf_media *m)
{
    wf_decoder_close(&m->decoding);
    if (m->path != NULL)
        wf_source_close(&m->source);
    m->path = NULL;
}
