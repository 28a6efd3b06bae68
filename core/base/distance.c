/* SPDX-License-Identifier: Apache-2.0 */
/* Levenshtein distance by one row of the matrix, and the nearest of several names. */
#include "core/base/distance.h"

#include <string.h>

#include "weft/weft.h"

static char folded(char c)
{
    return c == '-' ? '_' : c;
}

size_t wf_distance(const char *a, const char *b)
{
    size_t row[WF_DISTANCE_MAX + 1]; /* row[j]: of the first i bytes of a and the first j of b */
    size_t na = strlen(a), nb = strlen(b);
    if (na > WF_DISTANCE_MAX || nb > WF_DISTANCE_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 0; i < na; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < nb; j++) {
            size_t swap = diagonal + (folded(a[i]) != folded(b[j]));
            size_t gap = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = swap < gap ? swap : gap;
        }
    }
    return row[nb];
}

/* Whoever types the beginning of a name means it. */
static size_t edits(const char *name, const char *known)
{
    size_t n = strlen(name);
    return n >= 3 && strncmp(known, name, n) == 0 ? 1 : wf_distance(name, known);
}

const char *weft_nearest(const char *name, const char *const *known, uint32_t n)
{
    const char *best = NULL;
    size_t      bound = 1 + strlen(name) / 4; /* more edits than that are another word */
    for (uint32_t i = 0; i < n; i++) {
        size_t d = edits(name, known[i]);
        if (d <= bound) {
            best = known[i];
            bound = d - (d > 0);
        }
    }
    return best;
}
