/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel that makes tokens of rows of letters. */
#include "kernels.h"
#include "words.h"

#include <math.h>

/* ids [n] and nan [1], which becomes what its name says, of scores [n * places, columns]; tables
 * and work are those of words.h. One item, which is all rows: what a word is depends on all of
 * them. */
void spk_k_spell(const weft_range *range, void *const *args)
{
    if (range->begin >= range->end)
        return;
    *SPK_ARG(float *, 1) = NAN;
    spk_words_spell(SPK_ARG(int32_t *, 0), SPK_ARG(const float *, 2), SPK_ARG(const int32_t *, 3),
                    SPK_ARG(int32_t *, 4), SPK_ARG(int64_t, 5), SPK_ARG(int64_t, 6));
}
