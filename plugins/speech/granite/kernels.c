/* SPDX-License-Identifier: Apache-2.0 */
/* Declares the kernels to the host under their names, and finds them again by name. */
#include "../../common/gpu_image.h"
#include "../ops/kernels.h"
#include "granite.h"

static const uint32_t glu_args[] = {PLG_P, PLG_P, PLG_I};
static const uint32_t relative_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_P,
                                         PLG_I, PLG_I, PLG_I, PLG_I, PLG_I};
static const uint32_t depthwise_batch_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_P, PLG_P,
                                                PLG_P, PLG_I, PLG_I, PLG_I, PLG_I, PLG_F};

#define KERNEL(body) PLG_KERNEL("gsp_" #body, spk_k_##body, "spk_gpu_" #body, body##_args)
static const weft_kernel_decl kernels[] = {
    KERNEL(glu),
    KERNEL(relative),
    KERNEL(depthwise_batch),
};

weft_status gsp_kernels_add(const weft_host *h, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    return launcher->add(h, kernels, sizeof kernels / sizeof *kernels, plg_gpu_fatbin(), err);
}

weft_status gsp_kernels_find(const weft_host *h, gsp_kernels *out, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    const weft_kernel    **to[] = {&out->glu, &out->relative, &out->depthwise};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        *to[i] = launcher->find(h, kernels[i].name);
        if (*to[i] == NULL)
            return weft_fail(err, WEFT_E_INTERNAL, "%s: the host has lost the kernel %s", GSP_ID,
                             kernels[i].name);
    }
    return WEFT_OK;
}
