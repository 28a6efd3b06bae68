/* SPDX-License-Identifier: Apache-2.0 */
/* What weights will take of memory once they are loaded, tensor by tensor and as core/model/load.h
 * will hold each, without a byte of them being read: the headers of the files say how they are
 * stored, and where a file is not there yet a format is assumed. */
#ifndef WF_PRICE_H
#define WF_PRICE_H

#include "core/device/device.h"
#include "core/model/region.h"

/* A sum in progress. The caller sets device, dtype, quantize and otherwise; bytes begins at 0. */
typedef struct wf_price {
    wf_device *device;
    int32_t    dtype;     /* that linear weights are asked for in, as a loader's (load.h) */
    int32_t    quantize;  /* as a loader's */
    int32_t    otherwise; /* the format in which a weight is stored that is in no file */
    bool       fp8;       /* as a loader's */
    uint64_t   bytes;     /* sticks at UINT64_MAX: more than any machine has, or a size or format
                             that the device cannot hold */
} wf_price;

/* The format that the linear weight `name` of p will have; table: as wf_linear_format. p may be
 * NULL. */
int32_t wf_price_format(const wf_price *price, weft_package *p, const char *name, bool table);
/* Adds one linear weight [n, k], whose first tensor is p's `name`; 0 rows or columns are nothing.
 */
void wf_price_linear(wf_price *price, weft_package *p, const char *name, int64_t n, int64_t k);
/* Adds n_names tensors that are multiplied as one below the other, as wf_load_parts holds them. */
void wf_price_parts(wf_price *price, weft_package *p, const char *const *names, const int64_t *rows,
                    int32_t n_names, int64_t k);
/* The same of a table of embeddings, or the head that reads it. */
void wf_price_table(wf_price *price, weft_package *p, const char *name, int64_t n, int64_t k);
/* Adds n values that are held as f32: norms, biases, tables. */
void wf_price_f32(wf_price *price, uint64_t n);

#endif
