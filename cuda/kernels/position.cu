/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions, and keys and values into their pages. */
#include "cuda/kernels/common.cuh"

#define TWO_OVER_PI 0x1.45f306dc9c883p-1
#define HALF_PI_HIGH 0x1.921fb54442d18p+0
#define HALF_PI_LOW 0x1.1a62633145c07p-54

/* Sine and cosine of |r| <= pi / 4: their series, to 1e-17. */
__device__ static double sine_near(double r)
{
    double z = r * r, s = 1.0 / 355687428096000.0;
    s = fma(s, z, -1.0 / 1307674368000.0);
    s = fma(s, z, 1.0 / 6227020800.0);
    s = fma(s, z, -1.0 / 39916800.0);
    s = fma(s, z, 1.0 / 362880.0);
    s = fma(s, z, -1.0 / 5040.0);
    s = fma(s, z, 1.0 / 120.0);
    s = fma(s, z, -1.0 / 6.0);
    return fma(s * z, r, r);
}

__device__ static double cosine_near(double r)
{
    double z = r * r, c = -1.0 / 6402373705728000.0;
    c = fma(c, z, 1.0 / 20922789888000.0);
    c = fma(c, z, -1.0 / 87178291200.0);
    c = fma(c, z, 1.0 / 479001600.0);
    c = fma(c, z, -1.0 / 3628800.0);
    c = fma(c, z, 1.0 / 40320.0);
    c = fma(c, z, -1.0 / 720.0);
    c = fma(c, z, 1.0 / 24.0);
    c = fma(c, z, -0.5);
    return fma(c, z, 1.0);
}

/* In f64 and rounded once, so that it is what libm's sinf and cosf give but for rare last bits; of
 * an angle below 2^31. CUDA's own take a table of the stack's for large angles. */
__device__ static void sine_cosine(float angle, float *sine, float *cosine)
{
    double  x = (double)angle, k = rint(x * TWO_OVER_PI);
    double  r = fma(-k, HALF_PI_LOW, fma(-k, HALF_PI_HIGH, x));
    double  s = sine_near(r), c = cosine_near(r);
    int64_t quarter = (int64_t)k;
    double  a = (quarter & 1) != 0 ? c : s, b = (quarter & 1) != 0 ? s : c;
    *sine = (float)((quarter & 2) != 0 ? -a : a);
    *cosine = (float)(((quarter + 1) & 2) != 0 ? -b : b);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_rope_table(const wf_rope_table a)
{
    const int64_t half = a.head_dim / 2, e = wf_item();
    if (e >= a.m * half)
        return;
    const int64_t r = e / half, i = e % half;
    float        *row = a.cos_sin + r * a.head_dim;
    sine_cosine((float)a.pos[r] * a.inv_freq[i], row + half + i, row + i);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_rope(const wf_rope a)
{
    const int64_t half = a.head_dim / 2, each = half * a.n_heads, e = wf_item();
    if (e >= a.m * each)
        return;
    const int64_t r = e / each, h = e % each / half, i = e % half;
    const float  *row = a.cos_sin + r * a.head_dim;
    float        *x = a.x + r * a.stride + h * a.head_dim + i;
    const float   first = x[0], second = x[half], cosine = row[i], sine = row[half + i];
    x[0] = first * cosine - second * sine;
    x[half] = second * cosine + first * sine;
}

/* base^(-i / pairs) as the CPU has it: the power rounded to f32, then its inverse. */
__device__ static float frequency(const wf_rotate *a, int64_t i)
{
    if (a->freq != NULL)
        return a->freq[i];
    float exponent = (float)i / (float)a->pairs;
    return 1.0f / (float)exp2((double)exponent * log2((double)a->base));
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_rotate(const wf_rotate a)
{
    const int64_t e = wf_item();
    float         sine, cosine;
    if (e >= a.m * a.pairs)
        return;
    const int64_t r = e / a.pairs, i = e % a.pairs;
    sine_cosine((float)a.pos[r] * frequency(&a, i), &sine, &cosine);
    float *x = a.x + r * a.row_stride + i * a.step;
    for (int64_t h = 0; h < a.n_heads; h++, x += a.head_stride) {
        const float first = x[0], second = x[a.distance];
        x[0] = first * cosine - second * sine;
        x[a.distance] = second * cosine + first * sine;
    }
}

/* Grid x: row, kv head. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_kv_store(const wf_kv_store a)
{
    const wf_kv  *kv = &a.kv;
    const int64_t hd = kv->head_dim, tokens = kv->page_tokens, size = kv->dtype == WF_F32 ? 4 : 2;
    const int64_t r = blockIdx.x / kv->n_kv_heads, h = blockIdx.x % kv->n_kv_heads;
    const int64_t page = a.slot[r] / tokens, place = a.slot[r] % tokens;
    if (a.slot[r] < 0)
        return;
    uint8_t *k = (uint8_t *)kv->pools[page / kv->pool_pages] +
                 (page % kv->pool_pages + kv->first) * kv->page_bytes;
    uint8_t *v = k + tokens * kv->n_kv_heads * hd * size;
    for (int64_t d = threadIdx.x; d < hd; d += blockDim.x) {
        wf_put_element(k, (h * hd + d) * tokens + place, kv->dtype,
                       a.k[r * a.k_stride + h * hd + d]);
        wf_put_element(v, (h * tokens + place) * hd + d, kv->dtype,
                       a.v[r * a.v_stride + h * hd + d]);
    }
}
