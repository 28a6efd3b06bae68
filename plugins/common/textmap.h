/* SPDX-License-Identifier: Apache-2.0 */
/* What the checkpoint components of our plugins share (weft/checkpoint.h). The list of layers of a
 * text map must live until deinit, so it is kept in the plugin's slot of the engine
 * (weft_host.slot), which a plugin that uses this has for nothing else. */
#ifndef PLG_TEXTMAP_H
#define PLG_TEXTMAP_H

#include "weft/checkpoint.h"
#include "weft/sdk.h"

#define PLG_TEXTMAP_LAYERS 1024 /* of a text model at most */

/* How the tensors of a model are named that holds a Llama beside other parts: as transformers
 * writes them, or as they lie in its memory since 4.52, which is what programs that save by
 * themselves write. root: of the other parts (plg_request.root). */
typedef struct plg_names {
    const char *root, *text, *head;
} plg_names;
/* probe: a tensor of the other parts, without its root. [setup] */
const plg_names *plg_names_of(const weft_host *h, const weft_package *p, const char *probe);

/* A plugin's init and deinit, or a part of them. NOMEM. [setup] */
weft_status plg_textmap_init(const weft_host *h, weft_error *err);
void        plg_textmap_deinit(const weft_host *h);
/* Gives *map, whose layers become the first map->n_layers (at most PLG_TEXTMAP_LAYERS), to the host
 * as far as *out reaches. VERSION: the host is older, and does not know what the map says beyond
 * that; STATE: before init; the messages name the plugin `id`. [setup] */
weft_status plg_textmap_give(const weft_host *h, const char *id, weft_text_map *map,
                             weft_text_map *out, weft_error *err);

#endif
