/* SPDX-License-Identifier: Apache-2.0 */
/* How fast tdpbf16ps is. Many short rounds are timed, and the best counts: an interruption only
 * makes a round longer. */
#include "core/device/cpu/probe.h"

#if defined(__x86_64__)
#include "core/base/time.h"
#include "core/device/cpu/tile.h"

#define TURNS 500 /* of 4 instructions, each with sums of its own */
#define ROUNDS 24

static double tile_round(void)
{
    double start = wf_now_s();
    for (int i = 0; i < TURNS; i++) {
        WF_TILE_BF16(0, 4, 6);
        WF_TILE_BF16(1, 4, 7);
        WF_TILE_BF16(2, 5, 6);
        WF_TILE_BF16(3, 5, 7);
    }
    return wf_now_s() - start;
}

double wf_probe_tiles(void)
{
    wf_tile_config c = {.palette = 1};
    double         best = 1.0;
    for (int t = 0; t < 8; t++) {
        c.row_bytes[t] = WF_TILE_BYTES;
        c.rows[t] = WF_TILE_ROWS;
    }
    WF_TILE_CONFIGURE(c); /* zeros throughout, so that no value takes longer than another */
    for (int i = 0; i < ROUNDS; i++) {
        double s = tile_round();
        best = s < best ? s : best;
    }
    WF_TILE_RELEASE();
    return 4.0 * TURNS * 16 * 16 * 32 / best;
}
#endif
