/* SPDX-License-Identifier: Apache-2.0 */
/* How far two names are from each other. Which of several is the nearest: weft_nearest (weft.h). */
#ifndef WF_DISTANCE_H
#define WF_DISTANCE_H

#include <stddef.h>

#define WF_DISTANCE_MAX 40u /* bytes of the longest name that is compared */

/* The Levenshtein distance of two names: how many bytes must be put in, taken out or replaced to
 * make one the other. '-' and '_' count as the same byte. SIZE_MAX where a name is longer than
 * WF_DISTANCE_MAX, so that a hostile name costs little. Any thread. */
size_t wf_distance(const char *a, const char *b);

#endif
