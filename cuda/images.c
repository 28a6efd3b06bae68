/* SPDX-License-Identifier: Apache-2.0 */
/* The images as bytes of this library: fat binaries with code for several GPUs, of which the driver
 * takes the one that fits, and PTX for those that come later. */
#include <stdint.h>

#include "cuda/images.h"

/* clang-format off */
#define IMAGE(name)                                                                                \
    __asm__(".section .rodata\n.balign 64\n.global wf_cuda_image_" #name                           \
            "\n.hidden wf_cuda_image_" #name "\nwf_cuda_image_" #name ":\n.incbin \"" WEFT_CUDA_FATBINS \
            "/" #name ".fatbin\"\n.byte 0\n.previous\n");                                          \
    extern const uint8_t wf_cuda_image_##name[];
/* clang-format on */
WF_CUDA_IMAGE_LIST(IMAGE)

const void *wf_cuda_image(int32_t image, const char **name)
{
#define DATA(name) wf_cuda_image_##name,
#define NAME(name) #name,
    static const uint8_t *const data[] = {WF_CUDA_IMAGE_LIST(DATA)};
    static const char *const    names[] = {WF_CUDA_IMAGE_LIST(NAME)};
    *name = names[image];
    return data[image];
}

const wf_cuda_entry *wf_cuda_entry_at(int32_t kernel)
{
#define ENTRY(image, name, shared) {"wf_cuda_" #name, WF_CUDA_IMAGE_##image, shared},
    static const wf_cuda_entry entries[] = {WF_CUDA_KERNEL_LIST(ENTRY)};
    return &entries[kernel];
}
