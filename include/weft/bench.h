/* SPDX-License-Identifier: Apache-2.0 */
/* weft/bench.h: for programs that measure weft: models of any shape without files, the limits of
 * the machine, and single ops. `weft bench` is made of it. Nothing here changes what an engine
 * computes.
 */
#ifndef WEFT_BENCH_H
#define WEFT_BENCH_H

#include "weft.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* what libweft.so exports */

/* A JSON file of a model directory: its plain name ("config.json") and its text. */
typedef struct weft_bench_file {
    weft_hdr    hdr;
    const char *name, *text;
} weft_bench_file;

/* As weft_engine_open(), of a model that is in no directory: its JSON files are given (config.json
 * is required), and every tensor that the text core, the hooks and the plugins ask for is made:
 * bf16 with pseudo-random values, the same in every run. They take the way of stored weights: read
 * in pieces, packed by the device, converted as the settings say. name stands for the directory in
 * messages. files is walked by WEFT_AT. Errors as weft_engine_open()'s. [setup] */
weft_status weft_bench_open(weft_settings *settings, uint32_t flags, const weft_progress *progress,
                            const char *name, const weft_bench_file *files, uint32_t n_files,
                            weft_engine **out, weft_error *err);

/* The name of the limit (weft_bench_limit.name) that bounds the arithmetic of the engine's linear
 * weights as they were loaded, or would be: the peak of the instruction that its level multiplies
 * with. NULL: none that is measured. */
const char *weft_bench_peak(const weft_engine *e);

/* What the machine can do at best. A name says what was measured:
 *   read.plain, read.prefetch, read.huge  reading memory that no cache holds, in GB/s: without
 *              software prefetch, with the best of several distances, and that on huge pages
 *   read.file  reading a file out of the page cache into a buffer, as dd does, in GB/s, one thread
 *   fp32.avx2, fp32.avx512, fp32.neon  fused multiply-add
 *   bf16.avx512  vdpbf16ps
 *   int8.avx2, int8.avx512  vpdpbusd; int8.dotprod  sdot
 *   int8.maddubs, int4.maddubs  vpsignb, vpmaddubsw and what adds its pairs up, of any bytes, and
 *              of weights below 16, whose pairs add up in 16 bits; int8.neon  smull and the like
 *   bf16.amx, int8.amx  tile products
 *              all of these out of registers, in GFLOP/s (GOP/s), a multiply-add counting 2 */
typedef struct weft_bench_limit {
    weft_hdr    hdr;
    const char *name, *unit;
    double      value;   /* the best that was seen */
    int32_t     threads; /* that did it together */
    int32_t     reserved;
} weft_bench_limit;
/* Not 0: no further ones. */
typedef int32_t (*weft_bench_limit_fn)(void *ctx, const weft_bench_limit *l);

/* What measuring them takes: threads, and memory that no cache holds, which stays taken until it is
 * destroyed: three times 128 MiB to 1 GiB, or a thirty-second of what is free. */
typedef struct weft_bench_limits weft_bench_limits;

/* threads 0: as many as an engine would take. *out is the caller's; NULL on failure. NOMEM: not
 * even 64 MiB are an eighth of what is free. [setup] */
weft_status weft_bench_limits_create(int32_t threads, weft_bench_limits **out, weft_error *err);
/* Measures every limit that this machine has, about a second in all; fn gets each. One caller at a
 * time. CANCELLED: fn did not answer 0. */
weft_status weft_bench_limits_measure(weft_bench_limits *l, weft_bench_limit_fn fn, void *ctx,
                                      weft_error *err);
/* One limit as it is now, not at best: the mean over 20 ms, all threads at work and each timed by
 * itself. name: that of a limit, but that "read" stands for reading memory in the way that was
 * fastest when all were measured. *value has the limit's unit. NOTFOUND: this machine has no such
 * limit. */
weft_status weft_bench_limits_now(weft_bench_limits *l, const char *name, double *value,
                                  weft_error *err);
void        weft_bench_limits_destroy(weft_bench_limits **l); /* *l becomes NULL, and may be NULL */

/* An op, timed at one of the shapes in which released models call it. */
typedef struct weft_bench_op {
    weft_hdr    hdr;
    const char *op, *shape;             /* "linear", "512x2048x8192 bf16" */
    const char *peak;                   /* the limit that bounds its arithmetic; NULL: none */
    double      median_s, min_s, max_s; /* of one call */
    double      flop, bytes;            /* of one call; bytes: of weights, keys and values read */
} weft_bench_op;
typedef int32_t (*weft_bench_op_fn)(void *ctx, const weft_bench_op *o); /* not 0: no further ones */

typedef int32_t (*weft_bench_shape_fn)(void *ctx, const char *shape); /* 0: it is left out */

/* The index-th op that can be timed; NULL past the end. */
const char *weft_bench_op_at(uint32_t index);
/* Times an op on the engine's device, repeat times (at least 1) at each of its shapes that is
 * wanted (NULL: all), after one call that is not counted. ctx is given to wanted and to fn.
 * NOTFOUND: no such op; CANCELLED: fn did not answer 0. */
weft_status weft_bench_op_run(weft_engine *e, const char *op, int32_t repeat,
                              weft_bench_shape_fn wanted, weft_bench_op_fn fn, void *ctx,
                              weft_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
