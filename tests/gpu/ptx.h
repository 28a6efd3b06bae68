/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are given as the text of PTX, on the GPU of rig.h: its driver compiles them. */
#ifndef GPU_PTX_H
#define GPU_PTX_H

#include "rig.h"

/* text ends with a zero. wf_image_unload gives the code back. */
wf_image *ptx_load(const char *text);
/* Runs the function (out, in) of the code with one block of so many threads. out is zeros before.
 */
void ptx_call(wf_image *code, const char *function, uint32_t threads, const void *in,
              uint64_t in_bytes, void *out, uint64_t out_bytes);
/* The GPU's compute capability: 90 is 9.0. */
int ptx_capability(void);

#endif
