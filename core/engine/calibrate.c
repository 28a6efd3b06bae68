/* SPDX-License-Identifier: Apache-2.0 */
/* A text through a model, for what its linear layers see of it. The model is opened once more for
 * that, in q8 and on the CPU: it takes half the memory of its bf16 weights, and gives the same
 * bytes on every CPU, so that what is quantised by them is the same everywhere, too. */
#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/engine/engine.h"
#include "core/io/file.h"
#include "core/io/text.h"
#include "weft/utf8.h"

/* Bytes of the file that are looked at, from its beginning, and tokens of them that are run. */
#define CALIBRATION_BYTES ((uint64_t)256 << 10)
#define CALIBRATION_TOKENS 8192

typedef struct text {
    char    *bytes;
    uint64_t n;
} text;

/* Well-formed UTF-8; a character that the end of what was read cuts is left out. */
static weft_status check_text(const char *path, uint64_t all, text *t, weft_error *err)
{
    const uint64_t good = weft_utf8_prefix(t->bytes, t->n);
    int32_t        line, column;
    if (good < t->n && (t->n == all || t->n - good >= 4)) {
        wf_text_place(t->bytes, good, &line, &column);
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s:%d:%d: no UTF-8: give a text file to calibrate with", wf_quote(path).s,
                       line, column);
    }
    t->n = good;
    return good > 0 ? WEFT_OK
                    : wf_fail(err, WEFT_E_INVALID, "%s: holds no text to calibrate with",
                              wf_quote(path).s);
}

/* The beginning of the file; t->bytes is for wf_free, also on failure. */
static weft_status read_text(const char *path, text *t, weft_error *err)
{
    wf_file     f;
    weft_status status = wf_file_open(path, &f, err);
    if (status != WEFT_OK)
        return status;
    t->n = f.bytes < CALIBRATION_BYTES ? f.bytes : CALIBRATION_BYTES;
    t->bytes = wf_alloc((size_t)t->n + 1);
    if (t->bytes == NULL)
        status = wf_fail_nomem(err, t->n, "a text");
    else
        status = wf_file_read(&f, 0, t->bytes, t->n, err);
    if (status == WEFT_OK)
        status = check_text(path, f.bytes, t, err);
    wf_file_close(&f);
    return status;
}

/* The text's first tokens; *ids is for wf_free. */
static weft_status make_ids(weft_engine *e, const char *path, const text *t, int32_t **ids,
                            uint64_t *n, weft_error *err)
{
    *ids = wf_zalloc_n(CALIBRATION_TOKENS, sizeof **ids);
    if (*ids == NULL)
        return wf_fail_nomem(err, CALIBRATION_TOKENS * sizeof **ids, "tokens");
    weft_status status = weft_tokenize(e, t->bytes, t->n, 0, *ids, CALIBRATION_TOKENS, n, err);
    *n = *n < CALIBRATION_TOKENS ? *n : CALIBRATION_TOKENS;
    if (status == WEFT_OK && *n == 0)
        status = wf_fail_stage(
            err,
            wf_fail(err, WEFT_E_INVALID, "%s: holds no token to calibrate with", wf_quote(path).s),
            WEFT_STAGE_USAGE);
    return status;
}

static weft_status run_sequence(weft_engine *run, weft_sequence *s, weft_error *err)
{
    weft_status status = WEFT_OK;
    while (s->n_done < s->n && status == WEFT_OK) {
        int64_t left = s->n - s->n_done;
        status = wf_scope_check(&run->scope, err);
        if (status == WEFT_OK)
            status =
                wf_step_one(&run->stepper, s, left < run->prefill_chunk ? left : run->prefill_chunk,
                            0, NULL, NULL, err);
    }
    return status;
}

/* A sequence of n tokens, behind the token that texts of this model begin with (bos, -1: none). No
 * row comes from the cache of earlier ones: then it would not be seen. */
static weft_status run_piece(weft_engine *run, int32_t bos, const int32_t *ids, uint64_t n,
                             weft_error *err)
{
    weft_sequence *s;
    weft_status    status = wf_sequence_create(&run->sequences, &s, err);
    if (status != WEFT_OK)
        return status;
    s->no_cache = 1;
    if (bos >= 0)
        status = weft_sequence_feed_ids(s, &bos, 1, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_ids(s, ids, n, err);
    if (status == WEFT_OK)
        status = run_sequence(run, s, err);
    weft_sequence_destroy(&s);
    return status;
}

/* Sequence by sequence: the token that texts begin with counts in the length of each. */
static weft_status run_all(weft_engine *e, weft_engine *run, const int32_t *ids, uint64_t n,
                           weft_error *err)
{
    const int32_t bos = wf_text_bos(&e->text);
    const int64_t room = run->context;
    uint64_t      each = (uint64_t)(room > 1 && bos >= 0 ? room - 1 : room);
    weft_status   status = WEFT_OK;
    for (uint64_t at = 0, part; at < n && status == WEFT_OK; at += part) {
        part = n - at < each ? n - at : each;
        wf_progress_tell(&e->progress, "calibration", at, n, "tokens");
        status = run_piece(run, bos, ids + at, part, err);
    }
    return status;
}

/* What was read of the directory when e was opened is what its sums are made for. */
static weft_status check_same(const weft_engine *e, const weft_engine *run, weft_error *err)
{
    const wf_config *a = &e->config, *b = &run->config;
    const bool       same = a->n_layers == b->n_layers && a->d_model == b->d_model &&
                      a->d_ffn == b->d_ffn && a->n_heads == b->n_heads &&
                      a->n_kv_heads == b->n_kv_heads && a->head_dim == b->head_dim &&
                      a->vocab == b->vocab;
    return same ? WEFT_OK
                : wf_fail_stage(err,
                                wf_fail(err, WEFT_E_INVALID,
                                        "%s: its config.json has changed since the model was "
                                        "opened: open it once more",
                                        wf_quote(wf_package_dir(e->package)).s),
                                WEFT_STAGE_MODEL);
}

static weft_status see_ids(weft_engine *e, const int32_t *ids, uint64_t n, wf_calibration *out,
                           weft_error *err)
{
    const wf_opening o = {.settings = e->settings, .progress = &e->progress, .calibrates = e};
    weft_engine     *run;
    const wf_mark    call = wf_scope_mark(&e->scope);
    weft_status      status = wf_engine_open(&o, &run, err);
    if (status != WEFT_OK)
        return status;
    wf_mark before = wf_scope_enter(&run->scope, &call);
    status = check_same(e, run, err);
    if (status == WEFT_OK)
        status = wf_calibration_init(out, &e->config, e->map.n_layers > 0 ? &e->map : NULL,
                                     run->prefill_chunk, err);
    run->decoder.calibration = out;
    if (status == WEFT_OK)
        status = run_all(e, run, ids, n, err);
    wf_scope_end(&run->scope, &before);
    weft_engine_close(&run);
    if (status == WEFT_OK && !wf_calibration_is_finite(out))
        status =
            wf_fail(err, WEFT_E_NUMERIC, "%s: makes NaN or infinity of the text to calibrate with",
                    wf_package_dir(e->package));
    return status;
}

weft_status wf_engine_calibrate(weft_engine *e, const char *path, wf_calibration *out,
                                weft_error *err)
{
    text     t = {NULL, 0};
    int32_t *ids = NULL;
    uint64_t n = 0;
    *out = (wf_calibration){.config = NULL};
    if (!e->has_core)
        return wf_fail(err, WEFT_E_INVALID, "%s: has no text core to calibrate",
                       wf_package_dir(e->package));
    weft_status status = wf_fail_stage(err, read_text(path, &t, err), WEFT_STAGE_USAGE);
    if (status == WEFT_OK)
        status = make_ids(e, path, &t, &ids, &n, err);
    if (status == WEFT_OK)
        status = see_ids(e, ids, n, out, err);
    wf_free(t.bytes);
    wf_free(ids);
    return status;
}
