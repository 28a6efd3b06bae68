/* SPDX-License-Identifier: Apache-2.0 */
/* Copies to shared memory that run three groups ahead: two of a thread in each, and the same with a
 * loop of which the compiler does not know how often it turns. */
#define STAGES 4
#define THREADS 128

__device__ static void copy16(float4 *shared, const float4 *global)
{
    unsigned at = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(global) : "memory");
}

template <bool KNOWN> __device__ static void fill(float4 *stage, const float4 *x, int n)
{
#pragma unroll
    for (int i = 0; i < 2 && KNOWN; i++)
        copy16(stage + i * THREADS + threadIdx.x, x + i * THREADS + threadIdx.x);
    for (int i = threadIdx.x; i < n && !KNOWN; i += THREADS)
        copy16(stage + i, x + i);
    asm volatile("cp.async.commit_group;" ::: "memory");
}

template <bool KNOWN> __device__ static void ring(float *y, const float4 *x, int steps, int n)
{
    __shared__ float4 s[STAGES][2 * THREADS];
    float             sum = 0;
    for (int t = 0; t < STAGES - 1; t++)
        fill<KNOWN>(s[t], x + t * 2 * THREADS, n);
#pragma unroll 1
    for (int t = 0; t < steps; t++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
        __syncthreads();
        fill<KNOWN>(s[(t + STAGES - 1) % STAGES], x + (t + STAGES - 1) * 2 * THREADS, n);
        sum += s[t % STAGES][threadIdx.x].x + s[t % STAGES][THREADS + threadIdx.x].w;
    }
    y[threadIdx.x] = sum;
}

extern "C" __global__ void planted_ring(float *y, const float4 *x, int steps)
{
    ring<true>(y, x, steps, 0);
}

extern "C" __global__ void planted_loop(float *y, const float4 *x, int steps, int n)
{
    ring<false>(y, x, steps, n);
}
