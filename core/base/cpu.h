/* SPDX-License-Identifier: Apache-2.0 */
/* Tells which instruction sets the CPU and the operating system offer. A named level lowers that.
 */
#ifndef WF_CPU_H
#define WF_CPU_H

#include <stdint.h>

#include "weft/base.h"

/* The WEFT_CPU_* flags that both the CPU (cpuid) and the operating system (xgetbv) support; on
 * AArch64 those that the system names (AT_HWCAP). [any] */
uint64_t wf_cpu_detect(void);

/* Sets *flags to those of a level and all that it is built on. name: "none", "avx2", "avxvnni",
 * "avx512", "avx512vnni", "avx512bf16", "neon", "dotprod", or "max" for all. The names of other
 * architectures are known too. Any other name is INVALID, and the message lists the names. [any] */
weft_status wf_cpu_mask(const char *name, uint64_t *flags, weft_error *err);

/* The name of the highest level in flags. [any] */
const char *wf_cpu_level_name(uint64_t flags);

/* Who made the CPU, and which family of theirs it is, as cpuid tells it: "AuthenticAMD" 26. Where
 * there is no cpuid the vendor is "" and the family 0. */
typedef struct wf_cpu_model {
    char     vendor[13];
    uint32_t family;
} wf_cpu_model;
wf_cpu_model wf_cpu_identify(void); /* [any] */

#endif
