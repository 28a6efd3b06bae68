/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest of some names, by the edits that lead from one to the other. */
#include "input/nearest.h"

#include <string.h>

#define NAME_NEAR 40u /* longer words are not compared */

/* Levenshtein distance, one row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_NEAR + 1], nb = strlen(b);
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < nb; j++) {
            size_t cost = diagonal + (a[i] != b[j]);
            size_t gap = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = cost < gap ? cost : gap;
        }
    }
    return row[nb];
}

const char *cli_nearest(const char *word, const char *const *names, uint32_t n)
{
    const char *best = NULL;
    size_t      len = strlen(word), bound = 1 + len / 4; /* more edits than that are another word */
    if (len > NAME_NEAR)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (strlen(names[i]) > NAME_NEAR)
            continue;
        size_t d = len >= 3 && strncmp(names[i], word, len) == 0 ? 1 : distance(word, names[i]);
        if (d <= bound) {
            best = names[i];
            bound = d - (d > 0);
        }
    }
    return best;
}
