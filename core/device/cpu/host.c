/* SPDX-License-Identifier: Apache-2.0 */
/* What host memory and CPU bodies give any device that is made of them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/device/cpu/device.h"
#include "core/device/cpu/fp8_linear.h"

/* The number after `key` in a small text file, times unit; false: no file or no number there (a
 * control group without a limit says "max"). */
static bool read_number(const char *path, const char *key, uint64_t unit, uint64_t *out)
{
    char               line[160];
    unsigned long long value = 0;
    size_t             n = strlen(key);
    bool               found = false;
    FILE              *f = fopen(path, "re");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
        found = strncmp(line, key, n) == 0 && sscanf(line + n, "%llu", &value) == 1;
    if (f != NULL)
        fclose(f);
    return found && wf_mul(value, unit, out);
}

weft_status wf_cpu_memory(uint64_t *free, uint64_t *total, weft_error *err)
{
    uint64_t limit, used;
    if (!read_number("/proc/meminfo", "MemTotal:", 1024, total) ||
        !read_number("/proc/meminfo", "MemAvailable:", 1024, free))
        return wf_fail(err, WEFT_E_IO, "/proc/meminfo does not say how much memory there is");
    if (read_number("/sys/fs/cgroup/memory.max", "", 1, &limit) &&
        read_number("/sys/fs/cgroup/memory.current", "", 1, &used)) {
        uint64_t left = used < limit ? limit - used : 0;
        *total = limit < *total ? limit : *total;
        *free = left < *free ? left : *free;
    }
    return WEFT_OK;
}

weft_status wf_cpu_weight_bytes(const wf_ops *ops, int32_t format, int64_t n, int64_t k,
                                uint64_t *bytes, weft_error *err)
{
    if (format < WF_F32 || format > WF_FP8)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "this device cannot hold weights of format %s",
                       wf_format_name(format));
    *bytes = format == WF_FP8 ? wf_fp8_weight_bytes(ops, n, k) : ops->weight_bytes(format, n, k);
    return *bytes != 0 ? WEFT_OK
                       : wf_fail(err, WEFT_E_LIMIT, "a weight of %lld x %lld is too large",
                                 (long long)n, (long long)k);
}

weft_status wf_cpu_kernel_create(const wf_kernel_decl *k, wf_kernel **out, weft_error *err)
{
    if (k->cpu == NULL)
        return wf_fail(err, WEFT_E_INVALID, "%s has no CPU body", k->name);
    *out = wf_zalloc(sizeof **out);
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof **out, "a kernel");
}

void wf_cpu_kernel_destroy(wf_kernel *k)
{
    wf_free(k);
}
