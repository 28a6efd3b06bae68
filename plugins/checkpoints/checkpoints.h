/* SPDX-License-Identifier: Apache-2.0 */
/* weft.checkpoints: text models that are a Llama by their tensors and their formulas, and are
 * called something else. Each family is a row of a table (families.c): what its configuration
 * leaves out, what it has beyond a Llama, and what of it cannot be run. */
#ifndef CKP_CHECKPOINTS_H
#define CKP_CHECKPOINTS_H

#include "../common/keys.h"

#define CKP_ID "weft.checkpoints"
#define CKP_VERSION "0.1.0"
#define CKP_CONFIG "config.json"

typedef struct ckp_family {
    const char *architecture; /* as config.json spells it */
    const char *defaults;     /* JSON object: values of keys that config.json may leave out */
    int64_t     layers;       /* num_hidden_layers where config.json leaves it out */
    /* Fills in what the family has beyond a Llama, or refuses what cannot be run, with a sentence.
     * map has all other fields. [setup] */
    weft_status (*more)(const plg_keys *k, weft_text_map *map);
} ckp_family;

/* The row of an architecture; NULL: there is none. [any] */
const ckp_family *ckp_family_of(const char *architecture);

#endif
