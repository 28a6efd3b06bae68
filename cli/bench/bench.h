/* SPDX-License-Identifier: Apache-2.0 */
/* weft bench: what a run is made of. docs/SPEED.md says what each row measures and against what.
 *
 *   shapes.c   the shapes: sizes, config.json, parameters, work
 *   rows.c     the table of rows, and which of them a run has
 *   model.c    the engine that a row needs: opened on made weights, kept while rows share it
 *   text.c     rows of the text core, and loading
 *   media.c    rows of encoders and of the front end of speech
 *   made.c     the picture and the recording that those are given
 *   limits.c   what the machine can do: measured, and looked up
 *   result.c   from times to a row's value, limit and share
 *   report.c   rows as a table and as JSON
 *   ops.c      --op
 *
 * Functions that give a weft_status leave the reason in *err and say nothing. */
#ifndef WEFT_CLI_BENCH_H
#define WEFT_CLI_BENCH_H

#include <stdbool.h>

#include "cli.h"
#include "weft/bench.h"

#define BENCH_REPEAT 5 /* times are medians of so many runs, unless --repeat says otherwise */
#define BENCH_REPEAT_MOST 1000
#define BENCH_LIMITS 16

enum bench_kind { BENCH_TEXT, BENCH_VIT, BENCH_CONFORMER, BENCH_RESAMPLER };

typedef struct bench_shape {
    const char *name, *of; /* "1b"; the model that has it */
    int32_t     kind;
    int32_t     n_layers, quick_layers; /* --quick runs so many of them */
    int32_t     d_model, d_ffn, n_heads, n_kv_heads, head_dim;
    int32_t     vocab, tied; /* text alone */
} bench_shape;

extern const bench_shape bench_shapes[];                     /* ends with a row without a name */
const bench_shape       *bench_shape_find(const char *name); /* NULL: there is none */
const bench_shape       *bench_shape_of(int32_t kind);       /* the first of a kind */
/* config.json of so many layers of the shape, for a picture of so many tiles; the caller frees it.
 * NULL: out of memory. */
char *bench_config(const bench_shape *s, int32_t n_layers, int32_t tiles);
/* Parameters, the embedding included and a tied one counted once. */
double bench_parameters(const bench_shape *s, int32_t n_layers);
/* Floating-point operations of a multiply-add each counted as 2: of a prefill of n tokens with the
 * logits of the last; of one token that sees depth tokens; of a picture of so many tiles, of
 * seconds of sound. */
double bench_prefill_flop(const bench_shape *s, int32_t n_layers, double n);
double bench_token_flop(const bench_shape *s, int32_t n_layers, double depth);
double bench_picture_flop(const bench_shape *s, int32_t n_layers, int32_t tiles);
double bench_resampler_flop(const bench_shape *s, int32_t n_layers); /* of a picture */
double bench_speech_flop(const bench_shape *s, int32_t n_layers, double seconds);

/* What was measured of a row. Seconds are of one unit of work: a token, a picture, a recording. */
typedef struct bench_sample {
    double  median_s, min_s, max_s;
    int32_t runs, reserved;
    double  flop, bytes;           /* of one unit; 0: none that bound it */
    double  full_flop, full_bytes; /* the same of the whole shape, where fewer layers ran */
    double  amount; /* value = amount / seconds, of the whole shape; 0: the value is the seconds */
    const char *unit; /* of the value */
    const char *peak; /* the limit that flop is held against; NULL: none is known */
    double      bandwidth_now, peak_now; /* a second: medians of what there was behind each run */
    const char *isa;
    int32_t     threads, layers; /* layers that ran */
} bench_sample;

typedef struct bench     bench;
typedef struct bench_row bench_row;
struct bench_row {
    const char *name;
    int32_t     kind;
    int32_t     flags;    /* BENCH_QUICK, BENCH_ASKED */
    const char *format;   /* of the linear weights: "bf16", "q8"; NULL: the row needs none */
    double      argument; /* rows, tokens, tiles or seconds */
    weft_status (*measure)(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
};
#define BENCH_QUICK 1                /* of --quick */
#define BENCH_ASKED 2                /* takes long or is rare: only where --rows names it */
extern const bench_row bench_rows[]; /* ends with a row without a name */

typedef struct bench_limits {
    weft_bench_limit all[BENCH_LIMITS];
    int32_t          n, reserved;
} bench_limits;

/* One run of weft bench. */
struct bench {
    cli               *c;
    const bench_shape *shape; /* asked for; NULL: each row's own */
    const char        *rows;  /* --rows, or NULL */
    int32_t            repeat, quick;
    weft_bench_limits *measured;        /* what limits are measured with */
    bench_limits       limits, earlier; /* measured last, and the time before */
    weft_engine       *engine;          /* of the last row, for the next that needs the same */
    char               key[96];
    uint32_t           seed; /* of tokens: no two prompts are the same */
    int32_t            n_done;
    int32_t            code; /* why the limits of the GPU were not printed */
    bool               on_gpu;
};

/* The shape of a row in this run; NULL: the row is not of the run's shape. */
const bench_shape *bench_row_shape(const bench *b, const bench_row *r);
int32_t            bench_layers(const bench *b, const bench_shape *s);
/* Whether a pattern of --rows LIST, between whose patterns there are commas, fits a name. */
typedef bool (*bench_fits)(const char *pattern, const char *name);
bool bench_fits_pattern(const char *pattern, const char *name); /* as the shell has them */
bool bench_is_chosen(const bench *b, const char *name, bench_fits fits);
bool bench_row_runs(const bench *b, const bench_row *r);

/* The engine of a shape with weights of a format, or without weights where format is NULL. It is
 * the run's: it stays open until another is asked for. UNSUPPORTED: this weft does not load the
 * format; LIMIT: memory is short of what it needs. */
weft_status bench_open(bench *b, const bench_shape *s, const char *format, int32_t tiles,
                       weft_error *err);
void        bench_close(bench *b);

weft_status bench_generation(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_prefill(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_decode(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_batch(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_load(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_picture(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_resampler(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_speech(bench *b, const bench_row *r, bench_sample *out, weft_error *err);
weft_status bench_log_mel(bench *b, const bench_row *r, bench_sample *out, weft_error *err);

/* Files in memory, read as /proc/self/fd/N and gone with the descriptor: a picture of side x side
 * noise as PNG, seconds of tones at 16 kHz as WAV. -1: it could not be made, and errno says why. */
int bench_made_picture(int32_t side);
int bench_made_recording(double seconds);

/* Calls once(ctx, seconds of one unit) as often as the run repeats, and sums up. Behind each call a
 * look is taken at what the machine gives: memory, and out->peak. Ctrl-C: CANCELLED. */
typedef weft_status (*bench_once_fn)(void *ctx, double *seconds, weft_error *err);
weft_status bench_repeat(const bench *b, bench_once_fn once, void *ctx, bench_sample *out,
                         weft_error *err);
double      bench_now(void);

/* Measures the limits of the CPU anew. Those that a row is held against are the greater ones of the
 * last two times: behind the row before it and right behind it. On failure some are as before. */
weft_status bench_limits_measure(bench *b, weft_error *err);
/* What there is now of memory and of a peak, in bytes and operations a second; 0: not known, as on
 * a GPU, whose limits are measured once. peak may be NULL. */
weft_status bench_limits_now(const bench *b, const char *peak, double *bandwidth, double *rate,
                             weft_error *err);
/* Where the engine's device is a GPU and nothing was measured of it: a large copy and a large
 * product there, printed as limits. Rows have none where that fails, and why is said. */
weft_status bench_limits_of_gpu(bench *b, weft_error *err);
/* Exit code. */
int32_t bench_limit_print(const bench *b, const weft_bench_limit *l);
/* 0: it was not measured. */
double bench_limit(const bench *b, const char *name);
double bench_peak(const bench *b, const char *name); /* NULL: the GPU's product, or 0 */
/* Bytes a second: the GPU's copy, else the best of the read limits of memory. */
double bench_bandwidth(const bench *b);

/* A row as it is printed. */
typedef struct bench_result {
    const char *name, *unit, *isa, *shape;
    double      value, min, max, limit, share; /* limit, share: 0: none */
    double      limit_now, share_now; /* the same against what the machine gave meanwhile */
    int32_t     threads, runs, layers, of_layers; /* layers 0: nothing to tell */
} bench_result;
/* The least seconds in which so much can be read and computed at these rates, in bytes and
 * operations a second; 0: not known. */
double bench_least_seconds(double bandwidth, double top, double flop, double bytes);
void   bench_result_of(const bench *b, const bench_row *r, const bench_shape *s,
                       const bench_sample *m, bench_result *out);
/* Prints a row at once. Exit code. */
int32_t bench_print(const bench *b, const bench_result *r);
int32_t bench_run_op(bench *b, const char *op);

#endif
