/* SPDX-License-Identifier: Apache-2.0 */
/* The list of layers, how tensors are named, and how a text map gets to a host of another size. */
#include "textmap.h"

#include <stdio.h>

typedef struct record {
    int32_t layers[PLG_TEXTMAP_LAYERS];
} record;

const plg_names *plg_names_of(const weft_host *h, const weft_package *p, const char *probe)
{
    static const plg_names saved = {"", "language_model.model.", "language_model.lm_head.weight"};
    static const plg_names memory = {"model.", "model.language_model.", "lm_head.weight"};
    const weft_if_weights *w = h->get_interface(h, WEFT_IF_WEIGHTS);
    char                   name[160];
    snprintf(name, sizeof name, "%s%s", memory.root, probe);
    return w->has(h, p, name) ? &memory : &saved;
}

weft_status plg_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a list of layers");
    for (int32_t i = 0; i < PLG_TEXTMAP_LAYERS; i++)
        r->layers[i] = i;
    *h->slot = r;
    return WEFT_OK;
}

void plg_textmap_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

/* Whether the map says nothing beyond the first `bytes` of it: 0 is a Llama everywhere. */
static int says_nothing_beyond(const weft_text_map *map, uint32_t bytes)
{
    for (size_t i = bytes; i < sizeof *map; i++)
        if (((const char *)map)[i] != 0)
            return 0;
    return 1;
}

weft_status plg_textmap_give(const weft_host *h, const char *id, weft_text_map *map,
                             weft_text_map *out, weft_error *err)
{
    const record *r = *h->slot;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", id);
    map->layers = r->layers;
    map->hdr.size = sizeof *map;
    if (out->hdr.size < map->hdr.size) {
        if (!says_nothing_beyond(map, out->hdr.size))
            return weft_fail(err, WEFT_E_VERSION, "%s needs a host that knows other text models",
                             id);
        map->hdr.size = out->hdr.size;
    }
    memcpy(out, map, map->hdr.size);
    return WEFT_OK;
}
