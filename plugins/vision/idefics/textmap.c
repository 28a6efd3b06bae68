/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is. A
 * directory of IdeficsForVisionText2Text holds a Llama of the first generation (as many key/value
 * heads as heads, rotary base 10000) under its usual names. Its embedding and its head have a
 * second table each, for the tokens behind the vocabulary.
 *
 * The list of layers of a text map must live until deinit, so it is kept in the plugin's slot of
 * the engine (weft_host.slot). */
#include "idefics.h"

typedef struct record {
    int32_t layers[IDF_MAX_LAYERS];
} record;

/* IdeficsConfig's defaults where Llama has none. */
static const char defaults[] =
    "{\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"
    " \"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"rope_theta\": 10000.0,"
    " \"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 2048}";

weft_status idf_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", IDF_ID);
    *h->slot = r;
    return WEFT_OK;
}

void idf_textmap_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    record     *r = *h->slot;
    idf_text    c;
    weft_status status = idf_config_read_text(h, p, &c, err);
    if (status != WEFT_OK)
        return status;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", IDF_ID);
    for (int32_t i = 0; i < c.n_layers; i++)
        r->layers[i] = i;
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "",
                         .defaults = defaults,
                         .prefix = "model.",
                         .head = "lm_head.weight",
                         .layers = r->layers,
                         .n_layers = c.n_layers,
                         .extra_rows = c.extra,
                         .extra_embedding = IDF_EXTRA_EMBEDDING,
                         .extra_head = IDF_EXTRA_HEAD};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint idf_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
