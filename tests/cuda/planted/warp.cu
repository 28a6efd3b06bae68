/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels with one fault each in what a warp does together: shuffles, asynchronous copies, barriers
 * of some lanes. */
#define KERNEL extern "C" __global__ void
#define T threadIdx.x

/* Takes from lanes that are not in the mask. */
KERNEL wrong_mask_lanes(float *y, const float *x)
{
    float v = x[T];
    if (T % 32 < 16)
        v = __shfl_xor_sync(0xffffu, v, 16);
    y[T] = v;
}

/* The mask names lanes that go elsewhere. */
KERNEL wrong_mask_absent(float *y, const float *x)
{
    float v = x[T];
    if (T % 32 < 16)
        v = __shfl_xor_sync(0xffffffffu, v, 1);
    __syncthreads();
    y[T] = v;
}

/* A lane that is not in the mask that it gives. */
KERNEL wrong_mask_self(float *y, const float *x)
{
    y[T] = __shfl_sync(0xfffeu, x[T], 1);
}

KERNEL right_masks(float *y, const float *x)
{
    float v = x[T];
    if (T % 32 < 16)
        v = __shfl_xor_sync(0xffffu, v, 1);
    else
        v = __shfl_xor_sync(0xffff0000u, v, 2);
    y[T] = v + __popc(__ballot_sync(0xffffffffu, v > 0));
}

__device__ void copy16(float *to, const float *from)
{
    const unsigned at = (unsigned)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
}
__device__ void commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int Keep> __device__ void wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(Keep) : "memory");
}

/* Two stages are copied; `Keep` of them may still be under way when the first is used. */
template <int Keep, bool Wait, bool Barrier> __device__ void stages(float *y, const float *x)
{
    __shared__ __align__(16) float s[2][1024];
    copy16(&s[0][4 * T], x + 4 * T);
    commit();
    copy16(&s[1][4 * T], x + 4 * T);
    commit();
    if (Wait)
        wait<Keep>();
    if (Barrier)
        __syncthreads();
    y[T] = s[0][(4 * T + 4) % 1024];
}

KERNEL right_async(float *y, const float *x)
{
    stages<1, true, true>(y, x);
}

/* No wait at all, a wait that leaves both stages out, and a wait that no barrier follows. */
KERNEL async_no_wait(float *y, const float *x)
{
    stages<0, false, true>(y, x);
}
KERNEL async_short_wait(float *y, const float *x)
{
    stages<2, true, true>(y, x);
}
KERNEL race_shared_async(float *y, const float *x)
{
    stages<0, true, false>(y, x);
}

/* A buffer is filled again while other warps may still read it. */
KERNEL race_shared_refill(float *y, const float *x)
{
    __shared__ __align__(16) float s[1024];
    float                          sum = 0;
    for (int i = 0; i < 2; i++) {
        copy16(&s[4 * T], x + 4 * T);
        commit();
        wait<0>();
        __syncthreads();
        sum += s[(4 * T + 128) % 1024];
    }
    y[T] = sum;
}

/* A tensor core's instruction that not all lanes reach. */
KERNEL wrong_mask_mma(float *y, const unsigned *x)
{
    float d[4] = {0, 0, 0, 0};
    if (T % 32 == 31)
        return;
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, "
        "{%4,%4}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(x[T]));
    y[T] = d[0] + d[1] + d[2] + d[3];
}
