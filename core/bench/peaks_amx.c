/* SPDX-License-Identifier: Apache-2.0 */
/* AMX: four accumulator tiles, two by two, out of registers. */
#include "core/bench/peaks.h"

#if defined(__x86_64__)
#include "core/device/cpu/tile.h"

static void configure(void)
{
    wf_tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.row_bytes[i] = WF_TILE_BYTES;
        c.rows[i] = WF_TILE_ROWS;
    }
    WF_TILE_CONFIGURE(c);
}

void wf_peak_bf16_amx(uint64_t rounds)
{
    configure();
    for (uint64_t r = 0; r < rounds; r++) {
        WF_TILE_BF16(0, 4, 6);
        WF_TILE_BF16(1, 4, 7);
        WF_TILE_BF16(2, 5, 6);
        WF_TILE_BF16(3, 5, 7);
    }
    WF_TILE_RELEASE();
}

void wf_peak_int8_amx(uint64_t rounds)
{
    configure();
    for (uint64_t r = 0; r < rounds; r++) {
        WF_TILE_SU8(0, 4, 6);
        WF_TILE_SU8(1, 4, 7);
        WF_TILE_SU8(2, 5, 6);
        WF_TILE_SU8(3, 5, 7);
    }
    WF_TILE_RELEASE();
}
#endif
