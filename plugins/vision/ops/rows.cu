/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU bodies of the image encoder's kernels: a block of threads for each row. What they compute
 * stands in rows.c; each element takes the same steps, so the bytes are the CPU's. */
#include <stdint.h>

struct place {
    int64_t tile, token;
};

__device__ static place place_of(int64_t row, int64_t n, int64_t n_padded, int64_t num_tiles)
{
    place p = {row / n_padded, row % n_padded};
    if (row < num_tiles * n) {
        p.tile = row / n;
        p.token = row % n;
    } else if (row < num_tiles * n_padded) {
        p.tile = (row - num_tiles * n) / (n_padded - n);
        p.token = n + (row - num_tiles * n) % (n_padded - n);
    }
    return p;
}

extern "C" __global__ void vis_gpu_embed(float *e, const float *patches, const float *class_row,
                                         const float *pre_tile, const float *pos,
                                         const float *tile_pos, float gate_pre, float gate_pos,
                                         int64_t n, int64_t max_tiles, int64_t d)
{
    const int64_t row = blockIdx.x, tile = row / n, token = row % n;
    const float  *from = token == 0 ? class_row : patches + (tile * (n - 1) + token - 1) * d;
    const float  *add = pre_tile + tile % max_tiles * d;
    const float  *position = tile_pos + row % (max_tiles * n) * d;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x) {
        float x = token == 0 ? from[i] : from[i] + add[i] * gate_pre;
        x = x + (1.0f - gate_pos) * pos[token * d + i];
        e[row * d + i] = x + gate_pos * position[i];
    }
}

extern "C" __global__ void vis_gpu_arrange(float *x, const float *e, int64_t n, int64_t n_padded,
                                           int64_t num_tiles, int64_t max_tiles, int64_t d)
{
    const int64_t row = blockIdx.x, n_rows = max_tiles * n_padded;
    const place   p = place_of(row % n_rows, n, n_padded, num_tiles);
    const float  *from = e + ((p.tile + row / n_rows * max_tiles) * n + p.token) * d;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        x[row * d + i] = p.token < n ? from[i] : 0.0f;
}

extern "C" __global__ void vis_gpu_intervals(int32_t *begin, int32_t *end, int64_t n_real,
                                             int64_t n_rows)
{
    const int64_t row = blockIdx.x, first = row / n_rows * n_rows;
    if (threadIdx.x != 0)
        return;
    begin[row] = (int32_t)first;
    end[row] = (int32_t)(first + (row - first < n_real ? n_rows : n_real));
}

extern "C" __global__ void vis_gpu_capture(float *features, const float *x, int64_t n_real,
                                           int64_t n_rows, int64_t d, int64_t n_capture, int64_t j)
{
    const int64_t row = blockIdx.x;
    const float  *from = x + (row / n_real * n_rows + row % n_real) * d;
    float        *to = features + row * d * (1 + n_capture) + d + j;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        to[i * n_capture] = from[i];
}

extern "C" __global__ void vis_gpu_add_tile(float *x, const float *table, float gate, int64_t n,
                                            int64_t n_padded, int64_t num_tiles, int64_t n_rows,
                                            int64_t d)
{
    const int64_t row = blockIdx.x;
    const float  *add = table + place_of(row % n_rows, n, n_padded, num_tiles).tile * d;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        x[row * d + i] += add[i] * gate;
}

extern "C" __global__ void vis_gpu_zero(float *y, int64_t d)
{
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        y[blockIdx.x * d + i] = 0.0f;
}
