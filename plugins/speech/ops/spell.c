/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that make tokens of rows of scores, as connectionist temporal classification has them:
 * the best unit of each row, units that repeat the row before left out, and unit 0, the blank. */
#include "kernels.h"

#include <math.h>

/* best [rows] = the column of the greatest of x [rows, n]; of equals the first; -1 where one is
 * NaN.
 */
void spk_k_best(const weft_range *range, void *const *args)
{
    int32_t      *best = SPK_ARG(int32_t *, 0);
    const float  *x = SPK_ARG(const float *, 1);
    const int64_t n = SPK_ARG(int64_t, 2);
    for (int64_t row = range->begin; row < range->end; row++) {
        const float *at = x + row * n;
        int64_t      found = 0;
        for (int64_t i = 0; i < n && found >= 0; i++)
            found = at[i] != at[i] ? -1 : at[i] > at[found] ? i : found;
        best[row] = (int32_t)found;
    }
}

/* ids [n]: along best [n] the tokens of the units, and before them the k tokens of `fill`, the
 * first of which stands just before what was heard, and the last as often as there are rows left;
 * -1 for a row of which no unit is the best. units and fill hold tokens as whole numbers. nan [1]
 * becomes what its name says. One item, which is all rows: each place depends on how many units
 * come after it. */
void spk_k_spell(const weft_range *range, void *const *args)
{
    int32_t       *ids = SPK_ARG(int32_t *, 0);
    float         *nan = SPK_ARG(float *, 1);
    const int32_t *best = SPK_ARG(const int32_t *, 2);
    const float   *units = SPK_ARG(const float *, 3), *fill = SPK_ARG(const float *, 4);
    const int64_t  n = SPK_ARG(int64_t, 5), k = SPK_ARG(int64_t, 6);
    int64_t        to = n;
    if (range->begin >= range->end)
        return;
    *nan = NAN;
    for (int64_t row = n - 1; row >= 0; row--)
        if (best[row] != 0 && (row == 0 || best[row] != best[row - 1]))
            ids[--to] = best[row] < 0 ? -1 : (int32_t)units[best[row]];
    for (int64_t row = 0; row < to; row++)
        ids[row] = (int32_t)fill[to - 1 - row < k ? to - 1 - row : k - 1];
}
