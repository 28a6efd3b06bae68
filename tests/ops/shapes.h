/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a configuration on the stack, as kernels do, and gives it to the CPU. A compiler that is
 * not told of all 64 bytes leaves stores out, where nothing that follows could read them; so
 * nothing follows, and this is built at -O2 and at -O3 under names of its own (shapes_o2.c,
 * shapes_o3.c). */
#ifndef WF_TEST_SHAPES_H
#define WF_TEST_SHAPES_H

#include "core/device/cpu/tile.h"

void shapes_o2(int32_t rows, int32_t pairs);
void shapes_o3(int32_t rows, int32_t pairs);

#if defined(__x86_64__)
#define SHAPES(name)                                                                               \
    void name(int32_t rows, int32_t pairs)                                                         \
    {                                                                                              \
        wf_tile_config c = {.palette = 1};                                                         \
        for (int t = 0; t < 8; t++) {                                                              \
            c.rows[t] = (uint8_t)(t < 6 ? rows : pairs);                                           \
            c.row_bytes[t] = (uint16_t)(t == 4 || t == 5 ? 4 * pairs : 64);                        \
        }                                                                                          \
        WF_TILE_CONFIGURE(c);                                                                      \
    }
#else
#define SHAPES(name)
#endif

#endif
