/* SPDX-License-Identifier: Apache-2.0 */
/* The rows. Those that need the same engine stand together. */
#include "bench/bench.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define PATTERN_BYTES 128

/* Columns: name, kind, flags, format, argument, what measures it. */
const bench_row bench_rows[] = {
    {"generation.bf16", BENCH_TEXT, BENCH_QUICK, "bf16", 0, bench_generation},
    {"prefill512.bf16", BENCH_TEXT, BENCH_QUICK, "bf16", 512, bench_prefill},
    {"batch8.bf16", BENCH_TEXT, 0, "bf16", 8, bench_batch},
    {"batch32.bf16", BENCH_TEXT, BENCH_ASKED, "bf16", 32, bench_batch},
    {"decode8192.bf16", BENCH_TEXT, 0, "bf16", 8192, bench_decode},
    {"prefill4096.bf16", BENCH_TEXT, BENCH_ASKED, "bf16", 4096, bench_prefill},
    {"prefill8192.bf16", BENCH_TEXT, BENCH_ASKED, "bf16", 8192, bench_prefill},
    {"load", BENCH_TEXT, 0, "bf16", 0, bench_load},
    {"generation.q8", BENCH_TEXT, BENCH_QUICK, "q8", 0, bench_generation},
    {"prefill512.q8", BENCH_TEXT, BENCH_QUICK, "q8", 512, bench_prefill},
    {"generation.q4", BENCH_TEXT, BENCH_QUICK, "q4", 0, bench_generation},
    {"prefill512.q4", BENCH_TEXT, 0, "q4", 512, bench_prefill},
    {"generation.fp8", BENCH_TEXT, BENCH_ASKED, "fp8", 0, bench_generation},
    {"prefill4096.fp8", BENCH_TEXT, BENCH_ASKED, "fp8", 4096, bench_prefill},
    {"vit.tile", BENCH_VIT, BENCH_QUICK, "bf16", 1, bench_picture},
    {"vit.4tiles", BENCH_VIT, 0, "bf16", 4, bench_picture},
    {"resampler", BENCH_RESAMPLER, 0, "bf16", 1, bench_resampler},
    {"conformer.10s", BENCH_CONFORMER, BENCH_QUICK, "bf16", 10, bench_speech},
    {"conformer.60s", BENCH_CONFORMER, 0, "bf16", 60, bench_speech},
    {"log_mel", BENCH_CONFORMER, BENCH_QUICK, NULL, 60, bench_log_mel},
    {NULL, 0, 0, NULL, 0, NULL},
};

bool bench_is_chosen(const bench *b, const char *name, bench_fits fits)
{
    char pattern[PATTERN_BYTES];
    for (const char *p = b->rows; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, ",");
        if (n < sizeof pattern) {
            memcpy(pattern, p, n);
            pattern[n] = '\0';
            if (fits(pattern, name))
                return true;
        }
        p += n + (p[n] == ',');
    }
    return b->rows == NULL;
}

bool bench_fits_pattern(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}

const bench_shape *bench_row_shape(const bench *b, const bench_row *r)
{
    if (b->shape == NULL)
        return bench_shape_of(r->kind);
    return b->shape->kind == r->kind ? b->shape : NULL;
}

int32_t bench_layers(const bench *b, const bench_shape *s)
{
    return b->quick ? s->quick_layers : s->n_layers;
}

bool bench_row_runs(const bench *b, const bench_row *r)
{
    if (bench_row_shape(b, r) == NULL || !bench_is_chosen(b, r->name, bench_fits_pattern))
        return false;
    if ((r->flags & BENCH_ASKED) != 0 && (b->rows == NULL || b->quick))
        return false;
    return !b->quick || (r->flags & BENCH_QUICK) != 0;
}
