/* SPDX-License-Identifier: Apache-2.0 */
/* Declares the kernels to the host under their names, and finds them again by name. */
#include "../../common/gpu_image.h"
#include "../ops/kernels.h"
#include "speech.h"

static const uint32_t stack_args[] = {PLG_P, PLG_P, PLG_I, PLG_I, PLG_F};
static const uint32_t zero_args[] = {PLG_P, PLG_I};
static const uint32_t glu_args[] = {PLG_P, PLG_P, PLG_I};
static const uint32_t rope_table_args[] = {PLG_P, PLG_I, PLG_F};
static const uint32_t rotate_args[] = {PLG_P, PLG_P, PLG_I, PLG_I};
static const uint32_t depthwise_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_P,
                                          PLG_I, PLG_I, PLG_I, PLG_I, PLG_F};
static const uint32_t relative_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_P,
                                         PLG_I, PLG_I, PLG_I, PLG_I, PLG_I};

#define KERNEL(body) PLG_KERNEL("spk_" #body, spk_k_##body, "spk_gpu_" #body, body##_args)
static const weft_kernel_decl kernels[] = {
    KERNEL(stack),  KERNEL(zero),      KERNEL(glu),      KERNEL(rope_table),
    KERNEL(rotate), KERNEL(depthwise), KERNEL(relative),
};

weft_status spk_kernels_add(const weft_host *h, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    return launcher->add(h, kernels, sizeof kernels / sizeof *kernels, plg_gpu_fatbin(), err);
}

weft_status spk_kernels_find(const weft_host *h, spk_kernels *out, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    const weft_kernel    **to[] = {&out->stack,  &out->zero,      &out->glu,     &out->rope_table,
                                   &out->rotate, &out->depthwise, &out->relative};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        *to[i] = launcher->find(h, kernels[i].name);
        if (*to[i] == NULL)
            return weft_fail(err, WEFT_E_INTERNAL, "%s: the host has lost the kernel %s", SPK_ID,
                             kernels[i].name);
    }
    return WEFT_OK;
}
