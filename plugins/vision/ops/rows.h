/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU bodies of the image encoder's kernels, whose items are rows. Each row is computed from
 * inputs alone, by one thread and in one order, so that any cut of the rows gives the same bytes.
 */
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
