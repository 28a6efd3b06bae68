/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of a row. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/interrupt.h"
#include "output/progress.h"
#include "output/terminal.h"

#define DEPTH 8192        /* of the deepest row */
#define CONTEXT "8448"    /* that, and what is generated behind it */
#define BESIDE 512e6      /* bytes that a run takes beside its weights and K/V */
#define BYTES_OF_BF16 2.0 /* a parameter */

static void report(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    cli_interrupt_pass_on();
    cli_progress(ctx, what, done, total, unit);
}

void bench_close(bench *b)
{
    cli_interrupt_engine(NULL);
    weft_engine_close(&b->engine);
    b->key[0] = '\0';
}

/* The option of that name as the command line has it, or NULL: this weft has none. */
static const char *default_of(const char *key)
{
    weft_option_info o;
    for (uint32_t i = 0; weft_option_at(i, &o) != 0; i++)
        if (strcmp(o.key, key) == 0)
            return o.dflt != NULL ? o.dflt : "";
    return NULL;
}

/* A format is a type of plain weights (--dtype) or one that they are quantised to (--quantize). */
static weft_status set_format(bench *b, const char *format, weft_error *err)
{
    weft_settings *s = b->c->settings;
    const char    *none = default_of("quantize");
    bool           plain = strcmp(format, "bf16") == 0 || strcmp(format, "f32") == 0;
    weft_error     why = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_status    status = weft_settings_set(s, "dtype", plain ? format : "auto", "bench", err);
    if (status == WEFT_OK && none != NULL && (!plain || none[0] != '\0'))
        status = weft_settings_set(s, "quantize", plain ? none : format, "bench", &why);
    if (status == WEFT_OK && (plain || none != NULL))
        return WEFT_OK;
    snprintf(err->message, sizeof err->message, "this weft does not load %s", format);
    return err->code = WEFT_E_UNSUPPORTED;
}

/* The deepest row has to fit, unless the user has said how long a context may be. */
static weft_status set_context(bench *b, weft_error *err)
{
    if (weft_settings_i64(b->c->settings, "context") != 0)
        return WEFT_OK;
    return weft_settings_set(b->c->settings, "context", CONTEXT, "bench", err);
}

static weft_status check_memory(const bench *b, const bench_shape *s, weft_error *err)
{
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    double kv = s->kind == BENCH_TEXT ? 4.0 * s->n_kv_heads * s->head_dim * s->n_layers : 0;
    double need = bench_parameters(s, bench_layers(b, s)) * BYTES_OF_BF16 + kv * DEPTH + BESIDE;
    if (weft_device_at(b->c->settings, 0, &d) == 0 || d.free_bytes == 0 ||
        need <= (double)d.free_bytes)
        return WEFT_OK;
    snprintf(err->message, sizeof err->message, "%s takes about %.1f GB, and %.1f GB are free",
             s->name, need * 1e-9, (double)d.free_bytes * 1e-9);
    return err->code = WEFT_E_LIMIT;
}

static weft_status open_made(bench *b, const bench_shape *s, uint32_t flags, int32_t tiles,
                             weft_error *err)
{
    weft_progress   progress = {report, NULL};
    char           *config = bench_config(s, bench_layers(b, s), tiles);
    weft_bench_file file = {WEFT_HDR(weft_bench_file), "config.json", config};
    weft_status     status = WEFT_E_NOMEM;
    if (config != NULL)
        status =
            weft_bench_open(b->c->settings, flags, &progress, s->name, &file, 1, &b->engine, err);
    free(config);
    cli_line_clear();
    cli_interrupt_engine(b->engine);
    return err->code = status;
}

weft_status bench_open(bench *b, const bench_shape *s, const char *format, int32_t tiles,
                       weft_error *err)
{
    char     key[sizeof b->key];
    uint32_t flags = WEFT_OPEN_NO_CORE | (format == NULL ? WEFT_OPEN_CONFIG : 0u);
    snprintf(key, sizeof key, "%s %s %d", s->name, format != NULL ? format : "", tiles);
    if (b->engine != NULL && strcmp(key, b->key) == 0)
        return WEFT_OK;
    bench_close(b);
    weft_status status = set_context(b, err);
    if (status == WEFT_OK)
        status = set_format(b, format != NULL ? format : "bf16", err);
    if (status == WEFT_OK && format != NULL)
        status = check_memory(b, s, err);
    if (status == WEFT_OK)
        status = open_made(b, s, flags, tiles, err);
    if (status == WEFT_OK)
        memcpy(b->key, key, sizeof key);
    return status == WEFT_OK && format != NULL ? bench_limits_of_gpu(b, err) : status;
}
