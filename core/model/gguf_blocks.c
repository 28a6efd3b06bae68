/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of GGUF's quantised types. */
#include "core/model/gguf_blocks.h"

#include <string.h>

#include "core/base/half.h"
#include "core/device/cpu/quant_block.h"

enum {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    BF16 = 30
};
#define SUPER 256 /* elements of a block of the K types */

static uint16_t half_bits(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static float half_at(const uint8_t *p)
{
    return wf_from_f16(half_bits(p));
}

static void half_put(uint8_t *p, uint16_t h)
{
    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

/* x rounded to f16; what is beyond its range becomes its greatest number, and what is no finite
 * number becomes NaN. */
static void half_round(uint8_t *p, float x)
{
    bool finite = (wf_bits(x) & 0x7f800000u) != 0x7f800000u;
    half_put(p, finite ? wf_to_f16(wf_round_f16(x)) : (uint16_t)WF_F16_NAN);
}

/* ---- numbers to q8 ---- */

/* Up to 32 groups of a row, side by side in one block of the quantiser. */
static void groups_to_q8(uint8_t *dst, const float *src, int64_t groups)
{
    wf_block_floats w = {{0}};
    wf_quant_block  b;
    for (int64_t g = 0; g < groups; g++)
        for (int e = 0; e < WF_GROUP; e++)
            w[e][g] = src[g * WF_GROUP + e];
    wf_q8_block(w, &b);
    for (int64_t g = 0; g < groups; g++, dst += WF_Q8_BYTES) {
        half_put(dst, b.d[g]);
        for (int e = 0; e < WF_GROUP; e++)
            dst[2 + e] = b.q[e][g];
    }
}

/* ---- types of 32 elements ---- */

static void q4_0_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++, dst += WF_Q4_BYTES, src += 18) {
        memcpy(dst, src, 2);
        half_round(dst + 2, -8.0f * half_at(src)); /* exact within f16's range */
        memcpy(dst + 4, src + 2, 16);
    }
}

static void q4_0_numbers(float *dst, const uint8_t *src, int64_t k)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++, src += 18)
        for (int e = 0; e < WF_GROUP; e++, dst++) {
            int n = src[2 + e % 16] >> (e < 16 ? 0 : 4) & 15;
            *dst = half_at(src) * (float)(n - 8);
        }
}

/* The integer 0 to 31 of element e, whose low four bits lie in q and whose fifth lies in h. */
static int five_bits(const uint8_t *q, const uint8_t *h, int e)
{
    return (q[e % 16] >> (e < 16 ? 0 : 4) & 15) | (h[e / 8] >> e % 8 & 1) << 4;
}

static void q5_0_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++, dst += WF_Q8_BYTES, src += 22) {
        memcpy(dst, src, 2);
        for (int e = 0; e < WF_GROUP; e++)
            dst[2 + e] = (uint8_t)(five_bits(src + 6, src + 2, e) - 16);
    }
}

static void q5_0_numbers(float *dst, const uint8_t *src, int64_t k)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++, src += 22)
        for (int e = 0; e < WF_GROUP; e++, dst++)
            *dst = half_at(src) * (float)(five_bits(src + 6, src + 2, e) - 16);
}

static void q5_1_numbers(float *dst, const uint8_t *src, int64_t k)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++, src += 24)
        for (int e = 0; e < WF_GROUP; e++, dst++)
            *dst = half_at(src) * (float)five_bits(src + 8, src + 4, e) + half_at(src + 2);
}

/* ---- types of 256 elements ---- */

/* Scale and minimum of eight groups of 32, 6 bits each in 12 bytes. */
static void six_bits(const uint8_t *s, int j, int *scale, int *least)
{
    *scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    *least = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
}

/* The four bits of element e of group j; two groups share 32 bytes. */
static int four_bits(const uint8_t *q, int j, int e)
{
    return q[32 * (j / 2) + e] >> 4 * (j & 1) & 15;
}

static void q4_k_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    int scale, least;
    for (int64_t b = 0; b < k / SUPER; b++, src += 144)
        for (int j = 0; j < 8; j++, dst += WF_Q4_BYTES) {
            six_bits(src + 4, j, &scale, &least);
            half_round(dst, half_at(src) * (float)scale);
            half_round(dst + 2, -(half_at(src + 2) * (float)least));
            for (int e = 0; e < 16; e++)
                dst[4 + e] =
                    (uint8_t)(four_bits(src + 16, j, e) | four_bits(src + 16, j, e + 16) << 4);
        }
}

static void q4_k_numbers(float *dst, const uint8_t *src, int64_t k)
{
    int scale, least;
    for (int64_t b = 0; b < k / SUPER; b++, src += 144)
        for (int j = 0; j < 8; j++) {
            six_bits(src + 4, j, &scale, &least);
            float d = half_at(src) * (float)scale, m = half_at(src + 2) * (float)least;
            for (int e = 0; e < WF_GROUP; e++)
                *dst++ = d * (float)four_bits(src + 16, j, e) - m;
        }
}

static void q5_k_numbers(float *dst, const uint8_t *src, int64_t k)
{
    int scale, least;
    for (int64_t b = 0; b < k / SUPER; b++, src += 176)
        for (int j = 0; j < 8; j++) {
            six_bits(src + 4, j, &scale, &least);
            float d = half_at(src) * (float)scale, m = half_at(src + 2) * (float)least;
            for (int e = 0; e < WF_GROUP; e++) {
                int n = four_bits(src + 48, j, e) | (src[16 + e] >> j & 1) << 4;
                *dst++ = d * (float)n - m;
            }
        }
}

/* ql[128], qh[64], 16 scales int8, d. */
static void q6_k_numbers(float *dst, const uint8_t *src, int64_t k)
{
    for (int64_t b = 0; b < k / SUPER; b++, src += 210) {
        const float d = half_at(src + 208);
        for (int e = 0; e < SUPER; e++) {
            int half = e / 128, quarter = e / 32 % 4, l = e % 32;
            int low = src[64 * half + 32 * (quarter & 1) + l] >> 4 * (quarter >> 1) & 15;
            int high = src[128 + 32 * half + l] >> 2 * quarter & 3;
            *dst++ = d * (float)(int8_t)src[192 + e / 16] * (float)((low | high << 4) - 32);
        }
    }
}

/* ---- by way of numbers ---- */

/* A row in pieces of 1024 elements: 32 groups, and whole blocks of every type. */
static void by_numbers(uint8_t *dst, const uint8_t *src, int64_t k, int64_t block, int64_t bytes,
                       void (*numbers)(float *dst, const uint8_t *src, int64_t k))
{
    float w[WF_BLOCK_ROWS * WF_GROUP];
    for (int64_t at = 0; at < k; at += WF_BLOCK_ROWS * WF_GROUP) {
        int64_t n = k - at < WF_BLOCK_ROWS * WF_GROUP ? k - at : WF_BLOCK_ROWS * WF_GROUP;
        numbers(w, src, n);
        groups_to_q8(dst, w, n / WF_GROUP);
        src += n / block * bytes;
        dst += n / WF_GROUP * WF_Q8_BYTES;
    }
}

static void q5_1_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    by_numbers(dst, src, k, WF_GROUP, 24, q5_1_numbers);
}

static void q5_k_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    by_numbers(dst, src, k, SUPER, 176, q5_k_numbers);
}

static void q6_k_convert(uint8_t *dst, const uint8_t *src, int64_t k)
{
    by_numbers(dst, src, k, SUPER, 210, q6_k_numbers);
}

static const wf_gguf_rows rows[] = {
    {F32, WF_F32, true, true, NULL, NULL},
    {F16, WF_F16, true, true, NULL, NULL},
    {Q4_0, WF_Q4, false, true, q4_0_convert, q4_0_numbers},
    {Q4_1, WF_Q4, true, true, NULL, NULL},
    {Q5_0, WF_Q8, false, true, q5_0_convert, q5_0_numbers},
    {Q5_1, WF_Q8, false, false, q5_1_convert, q5_1_numbers},
    {Q8_0, WF_Q8, true, true, NULL, NULL},
    {Q4_K, WF_Q4, false, false, q4_k_convert, q4_k_numbers},
    {Q5_K, WF_Q8, false, false, q5_k_convert, q5_k_numbers},
    {Q6_K, WF_Q8, false, false, q6_k_convert, q6_k_numbers},
    {BF16, WF_BF16, true, true, NULL, NULL},
};

const wf_gguf_rows *wf_gguf_rows_of(int32_t type)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

void wf_gguf_group_numbers(float *dst, const uint8_t *src, int64_t k, int32_t format)
{
    for (int64_t g = 0; g < k / WF_GROUP; g++)
        for (int e = 0; e < WF_GROUP; e++) {
            const uint8_t *p = src + g * (format == WF_Q8 ? WF_Q8_BYTES : WF_Q4_BYTES);
            int n = format == WF_Q8 ? (int8_t)p[2 + e] : p[4 + e % 16] >> (e < 16 ? 0 : 4) & 15;
            *dst++ = half_at(p) * (float)n + (format == WF_Q8 ? 0.0f : half_at(p + 2));
        }
}
