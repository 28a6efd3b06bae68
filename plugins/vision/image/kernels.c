/* SPDX-License-Identifier: Apache-2.0 */
/* Declares the encoder's kernels to the host under their names, and finds them again by name. */
#include "../ops/rows.h"
#include "../../common/gpu_image.h"
#include "vision.h"

#define P ((uint32_t)sizeof(void *))
#define F ((uint32_t)sizeof(float))
#define I ((uint32_t)sizeof(int64_t))
static const uint32_t embed_args[] = {P, P, P, P, P, P, F, F, I, I, I};
static const uint32_t arrange_args[] = {P, P, I, I, I, I, I};
static const uint32_t intervals_args[] = {P, P, I, I};
static const uint32_t capture_args[] = {P, P, I, I, I, I, I};
static const uint32_t add_tile_args[] = {P, P, F, I, I, I, I, I};
static const uint32_t zero_args[] = {P, I};
#undef P
#undef F
#undef I

#define KERNEL(body)                                                                               \
    {                                                                                              \
        WEFT_HDR(weft_kernel_decl), "vis_" #body, vis_k_##body, "vis_gpu_" #body, body##_args,     \
            sizeof body##_args / sizeof *body##_args, 0                                            \
    }
static const weft_kernel_decl kernels[] = {KERNEL(embed),   KERNEL(arrange),  KERNEL(intervals),
                                           KERNEL(capture), KERNEL(add_tile), KERNEL(zero)};

weft_status vis_kernels_add(const weft_host *h, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    return launcher->add(h, kernels, sizeof kernels / sizeof *kernels, plg_gpu_fatbin(), err);
}

weft_status vis_kernels_find(const weft_host *h, vis_kernels *out, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    const weft_kernel    **to[] = {&out->embed,   &out->arrange,  &out->intervals,
                                   &out->capture, &out->add_tile, &out->zero};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        *to[i] = launcher->find(h, kernels[i].name);
        if (*to[i] == NULL)
            return weft_fail(err, WEFT_E_INTERNAL, "%s: the host has lost the kernel %s", VIS_ID,
                             kernels[i].name);
    }
    return WEFT_OK;
}
