/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU bodies of the speech plugins' kernels. A kernel is launched over items, which the host
 * may divide among threads in any way. Each item is computed from the inputs alone, by one thread
 * and in one order, so the division does not change a byte of the result. */
#ifndef SPK_KERNELS_H
#define SPK_KERNELS_H

#include "weft/kernels.h"

/* args[i] points to the value of argument i. */
#define SPK_ARG(type, i) (*(type const *)args[i])

/* rows.c: items are rows */
void spk_k_stack(const weft_range *range, void *const *args);
void spk_k_zero(const weft_range *range, void *const *args);
void spk_k_glu(const weft_range *range, void *const *args);
void spk_k_rope_table(const weft_range *range, void *const *args);
void spk_k_rotate(const weft_range *range, void *const *args);
/* depthwise.c: items are rows */
void spk_k_depthwise(const weft_range *range, void *const *args);
void spk_k_depthwise_batch(const weft_range *range, void *const *args);
/* relative.c: items are pairs of row and head */
void spk_k_relative(const weft_range *range, void *const *args);
/* spell.c: one item is all rows */
void spk_k_hear(const weft_range *range, void *const *args);
void spk_k_spell(const weft_range *range, void *const *args);

#endif
