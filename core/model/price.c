/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of what weights will take. */
#include "core/model/price.h"

#include "core/base/mem.h"
#include "core/model/load.h"

static void add(wf_price *price, uint64_t bytes)
{
    if (!wf_add(price->bytes, bytes, &price->bytes))
        price->bytes = UINT64_MAX;
}

int32_t wf_price_format(const wf_price *price, weft_package *p, const char *name, bool table)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    int32_t             stored = price->otherwise;
    if (p != NULL && wf_package_find(p, name, &file, &t, NULL) == WEFT_OK && wf_st_format(t) >= 0)
        stored = wf_st_format(t);
    return wf_linear_format(stored, price->dtype, price->quantize, table);
}

static void add_weight(wf_price *price, int32_t format, int64_t n, int64_t k)
{
    uint64_t bytes;
    if (n <= 0 || k <= 0)
        return;
    if (wf_device_weight_bytes(price->device, format, n, k, &bytes, NULL) != WEFT_OK)
        bytes = UINT64_MAX;
    add(price, bytes);
}

void wf_price_linear(wf_price *price, weft_package *p, const char *name, int64_t n, int64_t k)
{
    add_weight(price, wf_price_format(price, p, name, false), n, k);
}

void wf_price_parts(wf_price *price, weft_package *p, const char *const *names, const int64_t *rows,
                    int32_t n_names, int64_t k)
{
    for (int32_t i = 0, end; i < n_names; i = end) {
        int32_t first = wf_price_format(price, p, names[i], false);
        int64_t n = rows[i];
        for (end = i + 1; end < n_names; end++) {
            if (!wf_formats_join(first, wf_price_format(price, p, names[end], false)))
                break;
            n += rows[end];
        }
        add_weight(price, first, n, k);
    }
}

void wf_price_table(wf_price *price, weft_package *p, const char *name, int64_t n, int64_t k)
{
    add_weight(price, wf_price_format(price, p, name, true), n, k);
}

void wf_price_f32(wf_price *price, uint64_t n)
{
    uint64_t bytes;
    if (!wf_mul(n, sizeof(float), &bytes))
        bytes = UINT64_MAX;
    add(price, bytes);
}
