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

int32_t wf_price_format(const wf_price *price, weft_package *p, const char *name)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    if (price->dtype != WF_DTYPE_AUTO)
        return price->dtype;
    if (p == NULL || wf_package_find(p, name, &file, &t, NULL) != WEFT_OK)
        return price->otherwise;
    return t->dtype == WF_ST_BF16  ? WF_BF16
           : t->dtype == WF_ST_F16 ? WF_F16
           : t->dtype == WF_ST_F32 ? WF_F32
                                   : price->otherwise;
}

void wf_price_linear(wf_price *price, weft_package *p, const char *name, int64_t n, int64_t k)
{
    uint64_t bytes;
    int32_t  format = wf_price_format(price, p, name);
    if (n <= 0 || k <= 0)
        return;
    if (wf_device_weight_bytes(price->device, format, n, k, &bytes, NULL) != WEFT_OK)
        bytes = UINT64_MAX;
    add(price, bytes);
}

void wf_price_f32(wf_price *price, uint64_t n)
{
    uint64_t bytes;
    if (!wf_mul(n, sizeof(float), &bytes))
        bytes = UINT64_MAX;
    add(price, bytes);
}
