/* SPDX-License-Identifier: Apache-2.0 */
/* What a test may ask of the fake driver: it dlopens libcuda.so.1 and finds these by name. What the
 * interpreter finds is told on stderr, and fails the stream as a GPU's fault would. The environment
 * says the rest, before the driver is first used. */
/* clang-format off */
/*   FAKE_CUDA_DEVICE   a100, h200 (the default), b200, rtx4090, or the path of a JSON file of a device's properties
 *   FAKE_CUDA_MEMORY   bytes that the device has; without it what the device's properties say
 *   FAKE_CUDA_COUNT    how many devices there are (0 or 1)
 *   FAKE_CUDA_VERSION  of CUDA, as cuDriverGetVersion says it (13000)
 *   FAKE_CUDA_SEED     of the order of streams, blocks, warps and lanes
 *   FAKE_CUDA_FAIL_AT, FAKE_CUDA_FAIL_WITH, FAKE_CUDA_LOST   as fake_cuda_fail
 *   FAKE_CUDA_REPORT   a file that gets `name number` lines when the process ends; left: what was not given back
 *   FAKE_CUDA_PROFILE  a file that gets a line a kernel: its name, launches, instructions of warps; requests, sectors and
 *                      the ideal of global memory; requests, wavefronts and the ideal of shared memory */
/* clang-format on */
#ifndef FAKE_CONTROL_H
#define FAKE_CONTROL_H

#include <stdint.h>

typedef struct fake_cuda_state {
    uint64_t calls; /* that could have failed */
    uint64_t faults;
    uint64_t kernels, graph_launches; /* kernels count those of graphs too */
    uint64_t pageable; /* downloads to memory that is not pinned: the caller waits for them */
    uint64_t device_bytes, device_blocks, host_blocks, streams, events, modules, graphs, contexts;
} fake_cuda_state;

typedef void (*fake_cuda_state_fn)(fake_cuda_state *out);
/* The n-th call from now on fails with code; lost: and all after it. n 0: none does, and nothing is
 * lost any more. */
typedef void (*fake_cuda_fail_fn)(uint64_t n, int code, int lost);
#define FAKE_CUDA_STATE "fake_cuda_state_get"
#define FAKE_CUDA_FAIL "fake_cuda_fail"

/* What the fake cuDNN was asked for; it is found by name in libcudnn.so.9. */
typedef struct fake_cudnn_counts {
    int64_t executes, descriptors; /* convolutions that ran; descriptors that are there */
    int64_t asked;                 /* for ways of this handle, under FAKE_CUDNN_LATE */
} fake_cudnn_counts;

typedef void (*fake_cudnn_counts_fn)(fake_cudnn_counts *out);
#define FAKE_CUDNN_COUNTS "fake_cudnn_counts_get"

#endif
