/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions for encoders: any pairs of a head, angles computed where they are used. */
#include "core/device/cpu/internal.h"

#define BLOCK_PAIRS 64 /* whose cosines and sines of one row are kept at a time */

typedef struct angles {
    int64_t first, n; /* pairs */
    float   freq[BLOCK_PAIRS], cosines[BLOCK_PAIRS], sines[BLOCK_PAIRS];
} angles;

static void angles_start(const wf_rotate *a, angles *at, int64_t first)
{
    at->first = first;
    at->n = a->pairs - first < BLOCK_PAIRS ? a->pairs - first : BLOCK_PAIRS;
    for (int64_t i = 0; i < at->n; i++)
        at->freq[i] = a->freq != NULL ? a->freq[first + i]
                                      : 1.0f / powf(a->base, (float)(first + i) / (float)a->pairs);
}

static void angles_of(angles *at, int32_t position)
{
    for (int64_t i = 0; i < at->n; i++) {
        float angle = (float)position * at->freq[i];
        at->cosines[i] = cosf(angle);
        at->sines[i] = sinf(angle);
    }
}

static void turn(const wf_rotate *op, const angles *at, float *head)
{
    float *x = head + at->first * op->step;
    for (int64_t i = 0; i < at->n; i++, x += op->step) {
        float a = x[0], b = x[op->distance];
        x[0] = a * at->cosines[i] - b * at->sines[i];
        x[op->distance] = b * at->cosines[i] + a * at->sines[i];
    }
}

static void rotate_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_rotate *a = ctx;
    angles           at;
    for (int64_t first = 0; first < a->pairs; first += BLOCK_PAIRS) {
        angles_start(a, &at, first);
        for (int64_t r = begin; r < end; r++) {
            angles_of(&at, a->pos[r]);
            for (int64_t h = 0; h < a->n_heads; h++)
                turn(a, &at, a->x + r * a->row_stride + h * a->head_stride);
        }
    }
}

weft_status wf_rotate_ref(wf_exec *ex, const wf_rotate *a)
{
    wf_rotate copy = *a;
    if (a->m > 0 && a->pairs > 0)
        wf_range_run(ex, a->m, wf_row_grain((a->n_heads + 8) * a->pairs), rotate_rows, &copy);
    return WEFT_OK;
}
