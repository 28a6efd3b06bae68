/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels that make tokens of rows of letters. Both have one item, which is all rows: what a
 * word is depends on all of them. tables and work are those of search.h. */
#include "kernels.h"
#include "search.h"

#include <math.h>

/* Hears scores [frames, columns]; where they stand is SPK_FIRST, SPK_JOIN or SPK_GO_ON. */
void spk_k_hear(const weft_range *range, void *const *args)
{
    if (range->begin < range->end)
        spk_words_hear(SPK_ARG(const float *, 0), SPK_ARG(const int32_t *, 1),
                       SPK_ARG(int32_t *, 2), SPK_ARG(int64_t, 3), SPK_ARG(int64_t, 4));
}

/* ids [n] of what was heard, and nan [1], which becomes what its name says. */
void spk_k_spell(const weft_range *range, void *const *args)
{
    if (range->begin >= range->end)
        return;
    *SPK_ARG(float *, 1) = NAN;
    spk_words_spell(SPK_ARG(int32_t *, 0), SPK_ARG(const int32_t *, 2), SPK_ARG(int32_t *, 3),
                    SPK_ARG(int64_t, 4));
}
