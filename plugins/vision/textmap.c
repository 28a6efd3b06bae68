/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component: how a directory of MllamaForConditionalGeneration holds a plain Llama.
 *
 * text_config numbers self- and cross-attention layers together; the core is given the numbers of
 * the former. embed_tokens has 8 rows more than the vocabulary: the marker's is asked for by the
 * adapter.
 *
 * A map's layer list must live until deinit, and a plugin holds no state of its own but what the
 * host hands back, which here is nothing: so one record for each engine, found by its weft_host. */
#include "vision.h"

#include <pthread.h>

typedef struct record {
    struct record   *next;
    const weft_host *host;
    int32_t          layers[VIS_MAX_LAYERS];
} record;

/* Engines may be set up on several threads at once; each only ever touches its own record. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static record         *records;

/* MllamaTextConfig's defaults where they differ from Llama's, or where Llama has none. */
static const char defaults[] =
    "{\"vocab_size\": 128256, \"hidden_size\": 4096, \"num_hidden_layers\": 40,"
    " \"num_attention_heads\": 32, \"num_key_value_heads\": 8,"
    " \"intermediate_size\": 14336, \"rope_theta\": 500000.0,"
    " \"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 131072,"
    " \"hidden_act\": \"silu\", \"tie_word_embeddings\": false,"
    " \"bos_token_id\": 128000, \"eos_token_id\": 128001}";

weft_status vis_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", VIS_ID);
    memset(r, 0, sizeof *r);
    r->host = h;
    pthread_mutex_lock(&lock);
    r->next = records;
    records = r;
    pthread_mutex_unlock(&lock);
    return WEFT_OK;
}

/* The engine's record; with take it also leaves the list. */
static record *record_find(const weft_host *h, int take)
{
    pthread_mutex_lock(&lock);
    record **at = &records;
    while (*at != NULL && (*at)->host != h)
        at = &(*at)->next;
    record *found = *at;
    if (found != NULL && take)
        *at = found->next;
    pthread_mutex_unlock(&lock);
    return found;
}

void vis_textmap_deinit(const weft_host *h)
{
    h->free(h, record_find(h, 1));
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const vis_names *names = vis_names_of(h, p);
    record          *r = record_find(h, 0);
    vis_text_config  c;
    weft_status      status = vis_config_read_text(h, p, &c, err);
    if (status != WEFT_OK)
        return status;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", VIS_ID);
    if (c.n_self == 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: text_config has no self-attention layer, all %d are in "
                         "cross_attention_layers",
                         VIS_CONFIG, c.n_layers);
    for (int32_t i = 0, n = 0; i < c.n_layers; i++)
        if (!c.is_cross[i])
            r->layers[n++] = i;
    weft_text_map map = {WEFT_HDR(weft_text_map),
                         "text_config",
                         defaults,
                         names->text,
                         names->head,
                         r->layers,
                         c.n_self,
                         0,
                         NULL,
                         NULL};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint vis_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
