/* SPDX-License-Identifier: Apache-2.0 */
/* AMX: four accumulator tiles, two by two, out of registers. The instructions are written as
 * assembly and the configuration is given as 64 bytes of memory: gcc 12's intrinsic declares 8 of
 * them, and the stores that fill the others are removed. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)

/* Intel SDM volume 1, 18.3: palette 1, then bytes a row and rows of each of 8 tiles. */
typedef struct tile_config {
    uint8_t  palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t  rows[16];
} tile_config;

static void configure(void)
{
    tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.row_bytes[i] = 64;
        c.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(c));
    __asm__ volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2\n\ttilezero %tmm3\n\t"
                     "tilezero %tmm4\n\ttilezero %tmm5\n\ttilezero %tmm6\n\ttilezero %tmm7");
}

void wf_peak_bf16_amx(uint64_t rounds)
{
    configure();
    for (uint64_t r = 0; r < rounds; r++)
        __asm__ volatile("tdpbf16ps %tmm6, %tmm4, %tmm0\n\ttdpbf16ps %tmm7, %tmm4, %tmm1\n\t"
                         "tdpbf16ps %tmm6, %tmm5, %tmm2\n\ttdpbf16ps %tmm7, %tmm5, %tmm3");
    __asm__ volatile("tilerelease");
}

void wf_peak_int8_amx(uint64_t rounds)
{
    configure();
    for (uint64_t r = 0; r < rounds; r++)
        __asm__ volatile("tdpbusd %tmm6, %tmm4, %tmm0\n\ttdpbusd %tmm7, %tmm4, %tmm1\n\t"
                         "tdpbusd %tmm6, %tmm5, %tmm2\n\ttdpbusd %tmm7, %tmm5, %tmm3");
    __asm__ volatile("tilerelease");
}
#endif
