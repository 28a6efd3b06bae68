/* SPDX-License-Identifier: Apache-2.0 */
/* Forty sums that are all needed until the end, in a kernel that may have 32 registers: the
 * compiler must put some of them into memory. With -DENOUGH it may have as many as it likes. */
#ifdef ENOUGH
#define BOUNDS __launch_bounds__(128)
#else
#define BOUNDS __launch_bounds__(1024, 2)
#endif
extern "C" __global__ void BOUNDS planted_spill(float *y, const float *x, int n)
{
    float sum[40];
#pragma unroll
    for (int i = 0; i < 40; i++)
        sum[i] = x[i * n + threadIdx.x];
    for (int k = 0; k < n; k++) {
#pragma unroll
        for (int i = 0; i < 40; i++)
            sum[i] = fmaf(sum[i], sum[(i + 1) % 40], x[k]);
    }
#pragma unroll
    for (int i = 0; i < 40; i++)
        y[i * n + threadIdx.x] = sum[i];
}
