/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of encoders, through the plugins that have them. */
#include "bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TILE 560  /* pixels of a side of a tile */
#define SMALL 224 /* of a resampler's picture */

typedef struct media_run {
    bench *b;
    char   path[48];
} media_run;

static weft_status begin(bench *b, const bench_row *r, int32_t tiles, bench_sample *out,
                         weft_error *err)
{
    const bench_shape *s = bench_row_shape(b, r);
    weft_engine_info   info = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_status        status = bench_open(b, s, r->format, tiles, err);
    if (status == WEFT_OK)
        status = weft_engine_describe(b->engine, &info, err);
    if (status != WEFT_OK)
        return status;
    out->isa = info.isa;
    out->threads = info.n_threads;
    out->layers = bench_layers(b, s);
    out->peak = weft_bench_peak(b->engine);
    return WEFT_OK;
}

/* Seconds of the encoder alone: decoding and what comes before it are not counted. */
static weft_status once_encode(void *ctx, double *seconds, weft_error *err)
{
    media_run        *t = ctx;
    weft_item_request rq = WEFT_ITEM_REQUEST(t->path);
    weft_item_info    info = {.hdr = WEFT_HDR(weft_item_info)};
    weft_item        *item = NULL;
    weft_status       status = weft_item_open(t->b->engine, &rq, &item, err);
    if (status == WEFT_OK)
        status = weft_item_encode(item, err);
    if (status == WEFT_OK)
        status = weft_item_describe(item, &info, err);
    *seconds = info.encode_s;
    weft_item_release(&item);
    return status;
}

/* Seconds from the recording's bytes to what the encoder is given. */
static weft_status once_open(void *ctx, double *seconds, weft_error *err)
{
    media_run        *t = ctx;
    weft_item_request rq = WEFT_ITEM_REQUEST(t->path);
    weft_item        *item = NULL;
    double            start = bench_now();
    weft_status       status = weft_item_open(t->b->engine, &rq, &item, err);
    *seconds = bench_now() - start;
    weft_item_release(&item);
    return status;
}

/* Times once over the made file fd, which is closed. */
static weft_status over_file(bench *b, int fd, bench_once_fn once, bench_sample *out,
                             weft_error *err)
{
    media_run t = {.b = b};
    if (fd < 0) {
        snprintf(err->message, sizeof err->message, "nothing to encode could be made: %s",
                 strerror(errno));
        return err->code = WEFT_E_NOMEM;
    }
    snprintf(t.path, sizeof t.path, "/proc/self/fd/%d", fd);
    weft_status status = bench_repeat(b, once, &t, out, err);
    close(fd);
    return status;
}

weft_status bench_picture(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    const bench_shape *s = bench_row_shape(b, r);
    int32_t            tiles = (int32_t)r->argument;
    weft_status        status = begin(b, r, tiles, out, err);
    if (status == WEFT_OK)
        status =
            over_file(b, bench_made_picture(tiles == 1 ? TILE : 2 * TILE), once_encode, out, err);
    out->flop = bench_picture_flop(s, out->layers, tiles);
    out->full_flop = bench_picture_flop(s, s->n_layers, tiles);
    out->unit = "s";
    return status;
}

weft_status bench_resampler(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    const bench_shape *s = bench_row_shape(b, r);
    weft_status        status = begin(b, r, 1, out, err);
    if (status == WEFT_OK)
        status = over_file(b, bench_made_picture(SMALL), once_encode, out, err);
    out->flop = bench_resampler_flop(s, out->layers);
    out->full_flop = bench_resampler_flop(s, s->n_layers);
    out->unit = "s";
    return status;
}

weft_status bench_speech(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    const bench_shape *s = bench_row_shape(b, r);
    weft_status        status = begin(b, r, 1, out, err);
    if (status == WEFT_OK)
        status = over_file(b, bench_made_recording(r->argument), once_encode, out, err);
    out->flop = bench_speech_flop(s, out->layers, r->argument);
    out->full_flop = bench_speech_flop(s, s->n_layers, r->argument);
    out->unit = "s";
    return status;
}

/* One thread, as the goal for it is stated. */
weft_status bench_log_mel(bench *b, const bench_row *r, bench_sample *out, weft_error *err)
{
    char threads[24];
    snprintf(threads, sizeof threads, "%lld",
             (long long)weft_settings_i64(b->c->settings, "threads"));
    bench_close(b);
    weft_status status = weft_settings_set(b->c->settings, "threads", "1", "bench", err);
    if (status == WEFT_OK)
        status = begin(b, r, 1, out, err);
    out->isa = out->peak = NULL;
    if (status == WEFT_OK)
        status = over_file(b, bench_made_recording(r->argument), once_open, out, err);
    bench_close(b);
    (void)weft_settings_set(b->c->settings, "threads", threads, "bench", NULL);
    out->layers = 0;
    out->amount = r->argument;
    out->unit = "x real time";
    return status;
}
