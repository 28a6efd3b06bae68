/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is: under
 * text_config a Llama. Its head and its embedding are one table where text_config says so, and
 * where the directory has no head: releases differ in whose tie_word_embeddings they set.
 *
 * The list of layers of a text map must live until deinit, so it is kept in the plugin's slot of
 * the engine (weft_host.slot). */
#include "idefics3.h"

#define PREFIX "model.text_model."
#define EMBEDDING PREFIX "embed_tokens.weight"
#define HEAD "lm_head.weight"

typedef struct record {
    int32_t layers[VIS_TOWER_MAX_LAYERS];
} record;

/* LlamaConfig's defaults, which the released directories rely on. */
#define LLAMA                                                                                      \
    "\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"                  \
    " \"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"rope_theta\": 10000.0,"            \
    " \"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 2048"

static const char untied[] = "{" LLAMA ", \"tie_word_embeddings\": false}";
static const char tied[] = "{" LLAMA ", \"tie_word_embeddings\": true}";

weft_status id3_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", ID3_ID);
    *h->slot = r;
    return WEFT_OK;
}

void id3_textmap_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    record     *r = *h->slot;
    id3_config  c;
    weft_status status = id3_config_read_text(h, p, &c, err);
    if (status != WEFT_OK)
        return status;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", ID3_ID);
    for (int32_t i = 0; i < c.n_layers; i++)
        r->layers[i] = i;
    const weft_if_weights *w = h->get_interface(h, WEFT_IF_WEIGHTS);
    if (w->has(h, p, EMBEDDING) && !w->has(h, p, HEAD))
        c.tied = 1;
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "text_config",
                         .defaults = c.tied ? tied : untied,
                         .prefix = PREFIX,
                         .head = HEAD,
                         .layers = r->layers,
                         .n_layers = c.n_layers};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint id3_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
