/* SPDX-License-Identifier: Apache-2.0 */
/* Declares the encoder's kernels to the host under their names, and finds them again by name. */
#include "../ops/rows.h"
#include "../../common/gpu_image.h"
#include "vision.h"

static const uint32_t embed_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_P, PLG_P,
                                      PLG_F, PLG_F, PLG_I, PLG_I, PLG_I};
static const uint32_t arrange_args[] = {PLG_P, PLG_P, PLG_I, PLG_I, PLG_I, PLG_I, PLG_I};
static const uint32_t intervals_args[] = {PLG_P, PLG_P, PLG_I, PLG_I};
static const uint32_t capture_args[] = {PLG_P, PLG_P, PLG_I, PLG_I, PLG_I, PLG_I, PLG_I};
static const uint32_t add_tile_args[] = {PLG_P, PLG_P, PLG_F, PLG_I, PLG_I, PLG_I, PLG_I, PLG_I};
static const uint32_t zero_args[] = {PLG_P, PLG_I};

#define KERNEL(body) PLG_KERNEL("vis_" #body, vis_k_##body, "vis_gpu_" #body, body##_args)
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
