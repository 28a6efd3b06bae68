/* SPDX-License-Identifier: Apache-2.0 */
/* Tells which instruction sets the CPU and the operating system offer. A named level lowers that.
 */
#ifndef WF_CPU_H
#define WF_CPU_H

#include <stdint.h>

#include "weft/base.h"

/* The WEFT_CPU_* flags that both the CPU (cpuid) and the operating system (xgetbv) support; on
 * AArch64 those that the system names (AT_HWCAP). Where that is all that AMX lacks, Linux is asked
 * for leave to use its tiles, which then holds for the whole process. [any] */
uint64_t wf_cpu_detect(void);

/* Whether the tiles of AMX can be used, and if not, what keeps them back. */
typedef enum wf_cpu_tiles {
    WF_TILES_NONE,    /* the CPU has none, or none of both bf16 and int8 */
    WF_TILES_UNSAVED, /* the system does not save them, so nobody may use them */
    WF_TILES_REFUSED, /* Linux gave no leave: it has none to give, or a signal stack is too small */
    WF_TILES_READY
} wf_cpu_tiles;
wf_cpu_tiles wf_cpu_ask_for_tiles(void); /* [any] */

/* The same from what was found: edx of cpuid's leaf 7, xgetbv's register 0, and the call that asks
 * for leave (0: given), which is made only where the rest allows it. [any] */
wf_cpu_tiles wf_cpu_judge_tiles(uint32_t edx7, uint64_t saved, long (*ask)(void));

/* Sets *flags to those of a level and all that it is built on. name: "none", "avx2", "avxvnni",
 * "avx512", "avx512vnni", "avx512bf16", "amx", "neon", "dotprod", or "max" for all. The names of
 * other architectures are known too. Any other name is INVALID, and the message lists the names.
 * [any] */
weft_status wf_cpu_mask(const char *name, uint64_t *flags, weft_error *err);

/* The name of the highest level in flags. [any] */
const char *wf_cpu_level_name(uint64_t flags);

/* Who made the CPU, and which family and model of theirs it is, as cpuid tells it: "AuthenticAMD"
 * 26, 2. Where there is no cpuid the vendor is "" and the family 0. */
typedef struct wf_cpu_model {
    char     vendor[13];
    uint32_t family, model;
} wf_cpu_model;
wf_cpu_model wf_cpu_identify(void); /* [any] */

#endif
