/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction a level multiplies with. */
#include <stdbool.h>
#include <string.h>

#include "core/bench/cases.h"

const char *wf_bench_peak(const char *isa, int32_t format)
{
    bool amx = strstr(isa, "amx") != NULL, wide = amx || strncmp(isa, "avx512", 6) == 0;
    bool narrow = strncmp(isa, "avx2", 4) == 0 || strncmp(isa, "avxvnni", 7) == 0;
    if (!wide && !narrow)
        return NULL;
    if (format == WF_Q8 || format == WF_Q4)
        return amx ? "int8.amx" : wide ? "int8.avx512" : "int8.avx2";
    bool pairs = format == WF_BF16 || format == WF_FP8; /* fp8 becomes bf16 before it multiplies */
    if (pairs && amx)
        return "bf16.amx";
    if (pairs && strstr(isa, "bf16") != NULL)
        return "bf16.avx512";
    return wide ? "fp32.avx512" : "fp32.avx2";
}
