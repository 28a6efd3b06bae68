/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an item is like what a model was trained on, as far as the model's directory says how
 * that is told: familiar.json beside the encoder's config.json.
 *
 *   {"weights": [w_1, ..., w_d], "limit": L, "beyond": 0.01}
 *
 * The score of an item is the scalar product of the weights with the mean of the rows (of d values)
 * that its encoder made for the text, less L. Above 0 it is unlike: `beyond` is the share of the
 * model's own kind of items that are above it all the same, as it was measured. A directory without
 * the file says nothing, and nothing is told. */
#ifndef WF_FAMILIAR_H
#define WF_FAMILIAR_H

#include "core/media/item.h"

/* Warns of an item that is unlike; after its encode. The score takes one pass over the output and
 * changes nothing. A file that is not as above is told, and is no failure. [engine] */
void wf_familiar_look(const weft_item *item);

#endif
