/* SPDX-License-Identifier: Apache-2.0 */
/* sound() of tools/make_ultravox_fixtures.py. */
#include "sound.h"

#include <math.h>
#include <stdlib.h>

static double noise(uint32_t i)
{
    uint32_t u = i * 2654435761u + 12345u;
    u ^= u >> 16;
    u *= 2246822519u;
    u ^= u >> 13;
    return (double)(u >> 8) / 16777216.0 - 0.5;
}

float *sound_make(int64_t n)
{
    float   *x = malloc((size_t)n * sizeof *x);
    uint32_t phase = 0;
    for (int64_t i = 0; x != NULL && i < n; i++) {
        phase += 0x01000000u + (uint32_t)(i % 40000) * 900u;
        double triangle = fabs(2.0 * ((double)(phase >> 8) / 16777216.0) - 1.0) * 2.0 - 1.0;
        double loud = (1.0 + (double)(i / 160000 % 3)) / 4.0;
        if (i % 300000 >= 200000 && i % 300000 < 205000)
            loud = 0.0;
        x[i] = (float)((0.5 * triangle + 0.2 * noise((uint32_t)i)) * loud);
    }
    return x;
}
