/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU and the operating system offer, lowered by a named mask. */
#ifndef WF_CPU_H
#define WF_CPU_H

#include <stdint.h>

#include "weft/base.h"

/* WEFT_CPU_* flags that both CPU (cpuid) and OS (xgetbv) support. Each level implies those below
 * it. */
uint64_t wf_cpu_detect(void);

/* "none", "avx2", "avx512", "avx512bf16", "max" -> the flags up to that level; INVALID with the
 * list of names otherwise. "max" is all of them. [any] */
weft_status wf_cpu_mask(const char *name, uint64_t *flags, weft_error *err);

/* The highest level's name among flags. */
const char *wf_cpu_level_name(uint64_t flags);

#endif
