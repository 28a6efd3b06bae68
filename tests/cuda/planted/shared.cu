/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels with one fault each in how they use shared and local memory, and beside them the same
 * kernels without it. The names say what the interpreter must report; see ../test_planted.c. A
 * block has 256 threads. */
#define KERNEL extern "C" __global__ void
#define T threadIdx.x

/* Sums of a block: two tree steps inside warps, the partial sums through shared memory. */
template <bool Before, bool After> __device__ float block_sum(float v, float *part)
{
    for (int o = 16; o > 0; o /= 2)
        v += __shfl_xor_sync(0xffffffffu, v, o);
    if (T % 32 == 0)
        part[T / 32] = v;
    if (Before)
        __syncthreads();
    v = T % 32 < 8 ? part[T % 32] : 0.0f;
    for (int o = 16; o > 0; o /= 2)
        v += __shfl_xor_sync(0xffffffffu, v, o);
    if (After)
        __syncthreads();
    return v;
}

KERNEL right_sums(float *y, const float *x)
{
    __shared__ float part[8];
    const float      v = x[T], a = block_sum<true, true>(v, part);
    y[T] = a + block_sum<true, true>(v * v, part);
}

/* The partial sums are read with no barrier behind their writes. */
KERNEL race_shared_read(float *y, const float *x)
{
    __shared__ float part[8];
    if (T < 8)
        part[T] = 0;
    __syncthreads();
    y[T] = block_sum<false, true>(x[T], part);
}

/* The second sum writes while the first is still being read. */
KERNEL race_shared_write(float *y, const float *x)
{
    __shared__ float part[8];
    const float      v = x[T], a = block_sum<true, false>(v, part);
    y[T] = a + block_sum<true, false>(v * v, part);
}

/* Two threads write one place. */
KERNEL race_shared_twice(float *y, const float *x)
{
    __shared__ float s[128];
    s[T / 2] = x[T];
    __syncthreads();
    y[T] = s[T / 2];
}

/* Lanes of one warp, with and without the barrier of the warp. */
KERNEL race_shared_warp(float *y, const float *x)
{
    __shared__ volatile float s[256];
    s[T] = x[T];
    y[T] = s[T ^ 1];
}

KERNEL right_warp(float *y, const float *x)
{
    __shared__ volatile float s[256];
    s[T] = x[T];
    __syncwarp();
    y[T] = s[T ^ 1];
    __syncwarp();
    s[T ^ 1] = 0;
}

/* One element of the tile is never written. */
KERNEL new_shared(float *y, const float *x)
{
    __shared__ float s[256];
    if (T < 255)
        s[T] = x[T];
    __syncthreads();
    y[T] = s[255 - T];
}

/* A tile that is one element short. */
KERNEL out_of_shared(float *y, const float *x)
{
    extern __shared__ float tile[];
    tile[T + 1] = x[T];
    __syncthreads();
    y[T] = tile[T + 1];
}

KERNEL right_tile(float *y, const float *x)
{
    extern __shared__ float tile[];
    tile[T] = x[T];
    __syncthreads();
    y[T] = tile[255 - T];
}

/* An index past an array of the thread's own. */
KERNEL out_of_local(float *y, const float *x)
{
    float mine[8];
    for (int i = 0; i < 8; i++)
        mine[(i * 5 + (int)x[i]) & 7] = x[T] + i;
    y[T] = mine[(int)x[T] + 40];
}

/* Part of an array of the thread's own is never written. */
KERNEL new_local(float *y, const float *x)
{
    float mine[8];
    for (int i = 0; i < 4; i++)
        mine[(i * 2 + (int)x[i]) & 7] = x[T];
    y[T] = mine[((int)x[T] + 1) & 7];
}

/* Half the block passes a barrier that the other half does not. */
KERNEL divergent_barrier(float *y, const float *x)
{
    float v = x[T];
    if (T < 128) {
        __syncthreads();
        v += 1;
    }
    y[T] = v;
}
