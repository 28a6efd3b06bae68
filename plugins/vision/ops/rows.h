/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU bodies of the image encoder's kernels. A kernel is launched over rows, which the host may
 * divide among threads in any way. Each row is computed from the inputs alone, by one thread and in
 * one order, so the division does not change a byte of the result. */
#ifndef VIS_ROWS_H
#define VIS_ROWS_H

#include "weft/kernels.h"

void vis_k_embed(const weft_range *range, void *const *args);
void vis_k_arrange(const weft_range *range, void *const *args);
void vis_k_intervals(const weft_range *range, void *const *args);
void vis_k_capture(const weft_range *range, void *const *args);
void vis_k_add_tile(const weft_range *range, void *const *args);
void vis_k_zero(const weft_range *range, void *const *args);

#endif
