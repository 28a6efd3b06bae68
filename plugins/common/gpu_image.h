/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU bodies of a plugin's kernels, as bytes of the plugin: the build makes the image of the
 * .cu beside the CPU bodies and names it WEFT_GPU_IMAGE (cmake/cuda.cmake). Included by the one
 * file that declares the kernels. Where nvcc was not there when the plugin was built, there is no
 * image, and a GPU says that the kernels have no body for it. */
#ifndef PLG_GPU_IMAGE_H
#define PLG_GPU_IMAGE_H

#include "weft/kernels.h"

#ifdef WEFT_GPU_IMAGE
__asm__(".section .rodata\n"
        ".balign 64\n"
        "plg_gpu_image:\n"
        ".incbin \"" WEFT_GPU_IMAGE "\"\n"
        "plg_gpu_image_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const uint8_t plg_gpu_image[] __attribute__((visibility("hidden")));
extern const uint8_t plg_gpu_image_end[] __attribute__((visibility("hidden")));
#endif

/* Bytes of an argument: a pointer, a float, a whole number. */
#define PLG_P ((uint32_t)sizeof(void *))
#define PLG_F ((uint32_t)sizeof(float))
#define PLG_I ((uint32_t)sizeof(int64_t))
/* A weft_kernel_decl: the kernel's name, its body for the CPU, its symbol in the image, the array
 * of its arguments' bytes. */
#define PLG_KERNEL(name, cpu, symbol, args)                                                        \
    {                                                                                              \
        WEFT_HDR(weft_kernel_decl), name, cpu, symbol, args, sizeof args / sizeof *args, 0         \
    }

/* NULL: none. The image lives as long as the plugin. */
static inline const weft_fatbin *plg_gpu_fatbin(void)
{
#ifdef WEFT_GPU_IMAGE
    static weft_fatbin image = {WEFT_HDR(weft_fatbin), plg_gpu_image, 0};
    image.bytes = (uint64_t)(plg_gpu_image_end - plg_gpu_image);
    return &image;
#else
    return NULL;
#endif
}

#endif
