/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a decoder by content and stands between it and the modality. */
#include "core/media/media.h"

#include <math.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/io/text.h"
#include "core/media/choose.h"
#include "core/media/fill.h"
#include "core/media/head.h"

#define STILL_FILE_BYTES ((uint64_t)64 << 20)

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
                                     option(s, "max_tokens"), wf_settings_str(s, "track")},
                          .raw_audio = wf_settings_str(s, "raw_audio"),
                          .channel = (int32_t)wf_settings_i64(s, "channel"),
                          .max_file_bytes = option(s, "max_file_bytes"),
                          .registry = registry,
                          .modalities = modalities,
                          .scope = scope,
                          .validate = wf_settings_bool(s, "validate")};
}

/* What there is to say of a file whose first bytes no decoder knows; OK: nothing, as long as there
 * is a decoder that goes by the name (none is false). */
static weft_status unknown(const wf_chooser *c, bool none, weft_error *err)
{
    char              hint[WF_REGISTRY_HINT_CAP];
    const weft_probe *head = c->head;
    const char       *kind = c->wanted;
    if (wf_text_is_pointer(head->head, head->head_bytes))
        return wf_fail(err, WEFT_E_UNSUPPORTED, WF_TEXT_POINTER);
    if (!none)
        return WEFT_OK;
    wf_registry_hint(c->registry, hint);
    if (kind != NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "no decoder reads it as \"%s\"%s", kind, hint);
    return wf_fail(err, WEFT_E_NOTFOUND, "no decoder knows this kind of file%s", hint);
}

/* n: what reading the first bytes gave. */
static weft_status check_start(int64_t n, weft_error *err)
{
    if (n == WEFT_E_CANCELLED)
        return wf_fail(err, WEFT_E_CANCELLED, "cancelled");
    if (n < 0)
        return wf_fail(err, (weft_status)n, "it could not be read");
    return WEFT_OK;
}

/* A file without bytes is damaged where its name is that of a medium, and else nothing that anybody
 * reads: among the files of a folder it is passed over then. */
static weft_status empty(wf_chooser *c, weft_error *err)
{
    wf_choice   choice = {.vt = NULL};
    weft_status status = wf_chooser_next(c, &choice, err);
    if (status != WEFT_OK)
        return status;
    return wf_fail(err, choice.vt != NULL ? WEFT_E_CORRUPT : WEFT_E_NOTFOUND, "it is empty");
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
        return wf_fill_refuse("read_frames", "it asks for no frames, or time_us or at_us is NULL",
                              err);
    weft_status status = wf_fill_place("read_frames", dst, u8, 4, shape, &place, err);
    return status == WEFT_OK ? wf_decoder_frames(&m->decoding, time_us, n, &place, at_us, err)
                             : status;
}

/* Reads n samples of all channels and keeps those of one. */
static weft_status read_channel(wf_media *m, int64_t n, const weft_tensor *place, int64_t *got,
                                weft_error *err)
{
    const int64_t all = m->n_channels;
    uint64_t      bytes = (uint64_t)n * (uint64_t)all * sizeof(float);
    float        *block = wf_alloc((size_t)bytes), *dst = place->data;
    weft_dtype    f32 = {WEFT_DT_FLOAT, 32, 1};
    weft_tensor   t = wf_tensor_view(block, f32, 2, (int64_t[]){n, all});
    if (block == NULL)
        return wf_fail_nomem(err, bytes, "a block of samples");
    weft_status status = wf_decoder_audio(&m->decoding, n, &t, got, err);
    for (int64_t i = 0; status == WEFT_OK && i < *got; i++)
        dst[i] = block[i * all + m->channel - 1];
    wf_free(block);
    return status;
}

static void note_peak(wf_media *m, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (fabsf(x[i]) > m->peak)
            m->peak = fabsf(x[i]);
}

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    wf_media   *m = ctx;
    weft_tensor place;
    weft_status status = wf_fill_samples(m->info.channels, n, dst, got, &place, err);
    if (status != WEFT_OK || n <= 0)
        return status;
    status = m->channel > 0 ? read_channel(m, n, &place, got, err)
                            : wf_decoder_audio(&m->decoding, n, &place, got, err);
    if (status == WEFT_OK)
        note_peak(m, place.data, *got * m->info.channels);
    return status;
}

static weft_status read_rows(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    wf_media   *m = ctx;
    weft_tensor place;
    weft_status status = wf_fill_samples(m->info.row_width, n, dst, got, &place, err);
    return status == WEFT_OK && n > 0 ? wf_decoder_rows(&m->decoding, n, &place, got, err) : status;
}

/* From here on the recording is the one channel that the user wants to hear. */
static weft_status choose_channel(wf_media *m, weft_error *err)
{
    m->n_channels = m->info.channels;
    if (m->channel == 0 || m->info.sample_rate <= 0)
        return WEFT_OK;
    if (m->channel > m->n_channels)
        return wf_fail(err, WEFT_E_LIMIT, "it has %d channel%s: --channel %d is not among them",
                       m->n_channels, m->n_channels == 1 ? "" : "s", m->channel);
    m->info.channels = 1;
    return WEFT_OK;
}

static weft_status open_decoder(wf_media *m, weft_error *err)
{
    weft_status status = wf_decoder_open(&m->decoding, &m->source.pub, &m->limits, err);
    if (status == WEFT_OK)
        status = wf_decoder_info(&m->decoding, &m->info, err);
    if (status == WEFT_OK)
        status = check_info(m, err);
    return status == WEFT_OK ? choose_channel(m, err) : status;
}

static weft_status open_as(wf_media *m, const wf_choice *choice, weft_error *err)
{
    m->decoding = (wf_decoding){
        choice->vt, choice->plugin, NULL, choice->kind, wf_media_name(m->path), m->validate, 0};
    weft_status status = open_decoder(m, err);
    if (status != WEFT_OK)
        wf_decoder_close(&m->decoding);
    return status;
}

/* Asks one decoder after the other; see choose.h. *why gets what there is to say where none of them
 * opens the file, and *told its status: of several failures the first that says more than that the
 * file holds nothing of a kind. Returns what loading plugins gave. */
static weft_status open_any(wf_media *m, wf_chooser *c, weft_status *told, weft_error *why,
                            weft_error *err)
{
    wf_choice   choice;
    weft_status status = wf_chooser_next(c, &choice, err);
    if (status == WEFT_OK && choice.score <= WEFT_PROBE_HINT)
        *told = unknown(c, choice.vt == NULL, why);
    if (*told != WEFT_OK)
        return status;
    while (status == WEFT_OK && choice.vt != NULL) {
        weft_error  failed = WF_ERROR_INIT;
        weft_status opened = open_as(m, &choice, &failed);
        bool        more = opened != WEFT_OK && wf_chooser_failed(c, opened);
        bool        says_more = *told == WEFT_E_NOTFOUND && opened != WEFT_E_NOTFOUND;
        if (*told == WEFT_OK || says_more || !more) {
            *told = opened;
            *why = failed;
        }
        if (!more)
            break;
        wf_log(WEFT_LOG_DEBUG, "%s; another decoder is asked", failed.message);
        status = wf_chooser_next(c, &choice, err);
    }
    return status;
}

/* Whether one of the decoders that were asked knows the file by more bytes than samples have by
 * chance. */
static bool is_known(const wf_chooser *c)
{
    for (uint32_t i = 0; i < c->n_tried; i++)
        if (c->tried[i].score == WEFT_PROBE_NAMED || c->tried[i].score > WEFT_PROBE_CHANCE)
            return true;
    return false;
}

/* Opens the file with the decoder that its first bytes tell. *known: whether they tell more than
 * plain samples may by chance, or that there is nothing to read. What loading plugins says against
 * the user's settings stands as it is, without the file's name. */
static weft_status find_decoder(wf_media_env *env, wf_media *m, const char *kind, bool *known,
                                weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    uint8_t    *bytes = wf_alloc(WF_HEAD_BYTES);
    weft_probe  head = {WEFT_HDR(weft_probe), NULL, bytes, 0, m->path};
    weft_status told = WEFT_OK;
    if (bytes == NULL)
        return wf_media_fail(m->path, &why,
                             wf_fail_nomem(&why, WF_HEAD_BYTES, "the start of a file"), err);
    int64_t       n = 0;
    const wf_head from = {&m->source, env->registry, env->modalities, m->path, kind};
    weft_status   status = wf_head_read(&from, bytes, &n, err);
    if (status == WEFT_OK)
        told = check_start(n, &why);
    *known = told != WEFT_OK;
    if (status == WEFT_OK && told == WEFT_OK) {
        wf_chooser c;
        head.head_bytes = (uint64_t)n;
        wf_chooser_init(&c, env->registry, env->modalities, &head, kind);
        if (n == 0)
            told = empty(&c, &why);
        else
            status = open_any(m, &c, &told, &why, err);
        *known = n == 0 || is_known(&c) || wf_text_is_pointer(head.head, head.head_bytes);
    }
    wf_free(bytes);
    if (status != WEFT_OK || told == WEFT_OK)
        return status;
    return wf_media_fail(m->path, &why, told, err);
}

/* Of a recording that no decoder opened as one: whether it is a picture, a clip or a document all
 * the same. */
static bool is_something_else(wf_media_env *env, wf_media *m)
{
    bool       known = false;
    weft_error why = WF_ERROR_INIT;
    if (find_decoder(env, m, NULL, &known, &why) == WEFT_OK)
        wf_decoder_close(&m->decoding);
    return known;
}

/* With --raw-audio a recording is raw samples, unless its first bytes are those of some format:
 * then it is read as that, or refused where it is damaged or no recording. Samples may begin like a
 * format of which only a few bits are known. */
static weft_status find_recording(wf_media_env *env, wf_media *m, const char *kind, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    bool        known = false;
    const bool  may_be_raw = env->raw_audio != NULL && (kind == NULL || strcmp(kind, "audio") == 0);
    weft_status status = may_be_raw ? wf_raw_header(env->raw_audio, m->raw, err) : WEFT_OK;
    if (status != WEFT_OK)
        return status;
    status = find_decoder(env, m, kind, &known, &why);
    if (status == WEFT_OK)
        return WEFT_OK;
    const bool failed = status != WEFT_E_NOTFOUND && status != WEFT_E_UNSUPPORTED &&
                        status != WEFT_E_CORRUPT; /* it says nothing about the bytes */
    if (!may_be_raw || failed || known || (kind != NULL && is_something_else(env, m)))
        return wf_fail_as(err, &why);
    wf_source_prefix(&m->source, m->raw, sizeof m->raw);
    return find_decoder(env, m, "audio", &known, err);
}

weft_status wf_media_reopen(wf_media *m, weft_error *err)
{
    wf_decoder_close(&m->decoding);
    return open_decoder(m, err);
}

weft_status wf_media_open(wf_media_env *env, const char *path, const char *kind, wf_media *m,
                          weft_error *err)
{
    weft_error why = WF_ERROR_INIT;
    memset(m, 0, sizeof *m);
    m->limits = env->limits;
    m->max_file_bytes = env->max_file_bytes;
    m->validate = env->validate;
    m->channel = env->channel;
    m->path = path; /* from here on there is a source to close */
    wf_mark     mark = wf_scope_mark(env->scope);
    weft_status status = wf_source_open(path, &mark, &m->source, &why);
    if (status != WEFT_OK)
        return wf_media_fail(path, &why, status, err);
    status = find_recording(env, m, kind, err);
    if (status != WEFT_OK)
        return status;
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
