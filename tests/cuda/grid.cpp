/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU body of examples/melody run on the CPU, thread by thread of the grid: its words are those
 * of C++ once the names of CUDA mean something. */
#include <cmath>

#define __global__
static thread_local struct {
    unsigned x;
} blockIdx, threadIdx, blockDim;

#include "examples/melody/notes.cu"

/* One launch of `blocks` blocks of `threads` threads. */
extern "C" __attribute__((visibility("default"))) void
melody_grid(unsigned blocks, unsigned threads, float *y, const float *notes, const float *table,
            int d)
{
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
            notes_gpu(y, notes, table, d);
}
