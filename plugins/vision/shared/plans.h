/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for the plans of picture and video plugins. All are [any]. */
#ifndef VIS_PLANS_H
#define VIS_PLANS_H

#include "weft/sdk.h"

weft_tensor_spec vis_spec(weft_dtype type, int32_t ndim, const int64_t *shape);

/* LIMIT, naming the option, where an encoder of `rows` rows is more than lim allows. */
weft_status vis_plan_check_tokens(int64_t rows, const weft_limits *lim, weft_error *err);

/* The tensor of this name, or NULL. */
const weft_tensor *vis_tensor_find(const weft_tensor *inputs, const char *const *names, uint32_t n,
                                   const char *name);

/* Is t of this type and shape? -1 in the shape stands for any number. */
int vis_tensor_fits(const weft_tensor *t, const weft_tensor_spec *want);

#endif
