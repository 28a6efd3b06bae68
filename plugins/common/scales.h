/* SPDX-License-Identifier: Apache-2.0 */
/* The four numbers that a Granite text model has and a Llama has not. */
#ifndef PLG_SCALES_H
#define PLG_SCALES_H

#include "weft/checkpoint.h"

#include "keys.h"

/* What a Granite's configuration may leave out, as weft_text_map.defaults (transformers
 * GraniteConfig), and its num_hidden_layers, which a plugin reads itself. */
extern const char plg_granite_defaults[];
#define PLG_GRANITE_LAYERS 32

/* Reads embedding_multiplier, attention_multiplier, residual_multiplier and logits_scaling under
 * k's prefix into *map, each 1 where the file does not say (transformers GraniteConfig). INVALID
 * or CORRUPT with the key and the range. [setup] */
weft_status plg_scales_read(const plg_keys *k, weft_text_map *map);

#endif
