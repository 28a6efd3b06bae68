/* SPDX-License-Identifier: Apache-2.0 */
/* The images of the module's own kernels, which the build puts into it (cuda/CMakeLists.txt). */
#ifndef WF_CUDA_IMAGES_H
#define WF_CUDA_IMAGES_H

#include "cuda/kernels/list.h"

typedef struct wf_cuda_entry {
    const char *name;        /* of the function in its image */
    int32_t     image;       /* WF_CUDA_IMAGE_* */
    int32_t     shared_most; /* 1: it is launched with more shared memory than 48 KiB */
} wf_cuda_entry;

/* The image of that number, and its name. */
const void          *wf_cuda_image(int32_t image, const char **name);
const wf_cuda_entry *wf_cuda_entry_at(int32_t kernel);

#endif
