/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels with one fault each in how they use global memory. */
#define KERNEL extern "C" __global__ void
#define T threadIdx.x

/* Blocks add to one number without an atomic operation. */
KERNEL race_global_blocks(float *y, const float *x)
{
    y[1 + blockIdx.x * 256 + T] = x[T];
    if (T == 0)
        y[0] = x[blockIdx.x];
}

/* Threads read what their neighbours write. */
KERNEL race_global_threads(float *y, const float *x)
{
    y[T] = x[T];
    y[256 + T] = y[T ^ 64];
}

KERNEL right_threads(float *y, const float *x)
{
    y[T] = x[T];
    __syncthreads();
    y[256 + T] = y[T ^ 64];
}

KERNEL right_atomic(float *y, const float *x)
{
    atomicAdd(y, x[T]);
    atomicMax((int *)y + 1 + T, (int)blockIdx.x);
}

/* Every second sum of the row is left out. */
KERNEL new_global(float *y, const float *x)
{
    if (T % 2 == 0)
        y[T] = x[T];
    __syncthreads();
    y[256 + T] = y[T ^ 1];
}

KERNEL out_of_global(float *y, const float *x)
{
    y[T] = x[T + 1];
}

/* Four floats at once from a place that is no multiple of 16 bytes. */
KERNEL misaligned(float *y, const float *x)
{
    const float4 v = *(const float4 *)(x + T % 128);
    y[T] = v.x + v.y * v.z - v.w;
}

/* The last block, told by a counter behind fences, adds what the others left. */
KERNEL right_last_block(float *y, const float *x, unsigned *ready)
{
    __shared__ bool last;
    y[1 + blockIdx.x * 256 + T] = x[T];
    __threadfence();
    __syncthreads();
    if (T == 0)
        last = atomicAdd(ready, 1u) == gridDim.x - 1;
    __syncthreads();
    if (!last)
        return;
    __threadfence();
    float sum = 0;
    for (unsigned b = 0; b < gridDim.x; b++)
        sum += y[1 + b * 256 + T];
    y[1 + T] = sum;
}
