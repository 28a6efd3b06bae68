/* SPDX-License-Identifier: Apache-2.0 */
/* CLIP and SigLIP; the recipe is in tower.h. */
#include "tower.h"

weft_status vis_tower_init(vis_tower *t, const weft_host *h, const vis_tower_config *c,
                           weft_error *err)
{
    memset(t, 0, sizeof *t);
    t->config = c;
    t->blocks = plg_alloc(h, (uint64_t)c->n_layers * sizeof *t->blocks, "encoder blocks", err);
    if (t->blocks == NULL)
        return WEFT_E_NOMEM;
    for (int32_t i = 0; i < c->n_layers; i++)
        t->blocks[i].gate_attn = t->blocks[i].gate_ffn = 1.0f;
    return WEFT_OK;
}

void vis_tower_free(vis_tower *t, const weft_host *h)
{
    h->free(h, t->blocks);
    memset(t, 0, sizeof *t);
}

static void ask_block(plg_request *r, vis_block *b, const vis_tower_config *c, const char *p)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &b->norm1, p, "layer_norm1", d);
    plg_ask_dense(r, &b->q, p, "self_attn.q_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->k, p, "self_attn.k_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->v, p, "self_attn.v_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->o, p, "self_attn.out_proj", d, d, 0, 1);
    plg_ask_norm(r, &b->norm2, p, "layer_norm2", d);
    plg_ask_dense(r, &b->fc1, p, "mlp.fc1", c->d_ffn, d, 0, 1);
    plg_ask_dense(r, &b->fc2, p, "mlp.fc2", d, c->d_ffn, 0, 1);
}

void vis_tower_ask(plg_request *r, vis_tower *t, const char *prefix)
{
    const vis_tower_config *c = t->config;
    const plg_shape         patch = {4, {c->d, 3, c->patch, c->patch}};
    char                    name[PLG_MAX_NAME];
    plg_ask_pair(r, &t->patch, WEFT_USE_LINEAR, patch, c->has_patch_bias, prefix,
                 "embeddings.patch_embedding");
    if (c->has_class)
        plg_ask(r, &t->class_row, WEFT_USE_PLAIN, plg_shape1(c->d), prefix,
                "embeddings.class_embedding");
    plg_ask(r, &t->pos, WEFT_USE_PLAIN, plg_shape2(c->n, c->d), prefix,
            "embeddings.position_embedding.weight");
    if (c->has_pre)
        plg_ask_norm(r, &t->pre, prefix, "pre_layrnorm", c->d);
    for (int32_t i = 0; i < c->n_layers; i++) {
        snprintf(name, sizeof name, "%sencoder.layers.%d.", prefix, i);
        ask_block(r, &t->blocks[i], c, name);
    }
    if (c->has_post)
        plg_ask_norm(r, &t->post, prefix, "post_layernorm", c->d);
}

typedef struct buffers {
    weft_tensor h;              /* [n, d] */
    weft_tensor wide;           /* [n, vis_block_wide()] */
    weft_tensor seen;           /* [2 n, d]: keys and values of the patches that count */
    weft_tensor bounds, among;  /* i32 [2]: the rows; the keys */
    weft_tensor keys, position; /* i32 [n] */
} buffers;

static uint64_t layout(buffers *b, const vis_tower_config *c, const weft_tensor *scratch)
{
    plg_arena a = {scratch, 0, 0};
    b->h = plg_carve(&a, WEFT_F32, c->n, c->d);
    b->wide = plg_carve(&a, WEFT_F32, c->n, vis_block_wide(c->d, c->d_ffn));
    b->seen = plg_carve(&a, WEFT_F32, 2 * (int64_t)c->n, c->d);
    b->bounds = plg_carve(&a, WEFT_I32, 2, 0);
    b->among = plg_carve(&a, WEFT_I32, 2, 0);
    b->keys = plg_carve(&a, WEFT_I32, c->n, 0);
    b->position = plg_carve(&a, WEFT_I32, c->n, 0);
    return a.used;
}

uint64_t vis_tower_scratch_bytes(const vis_tower_config *c)
{
    buffers b;
    return layout(&b, c, NULL);
}

static void add_positions(plg_run *r, const vis_tower *t, const vis_tower_mask *mask,
                          const weft_tensor *x, const buffers *b)
{
    if (mask == NULL) {
        plg_add(r, x, &t->pos, 1.0f);
        return;
    }
    plg_upload(r, &b->position, mask->positions);
    plg_gather(r, &b->h, &t->pos, &b->position);
    plg_add(r, x, &b->h, 1.0f);
}

/* x = patches with their positions */
static void embed(plg_run *r, const vis_tower *t, const weft_tensor *pixels,
                  const vis_tower_mask *mask, const weft_tensor *x, const buffers *b)
{
    const vis_tower_config *c = t->config;
    const int64_t           n = (int64_t)c->side * c->side;
    const int64_t           in[4] = {1, 3, c->tile, c->tile}, out[3] = {1, n, c->d};
    const int32_t           stride[2] = {c->patch, c->patch}, pad[4] = {0, 0, 0, 0};
    weft_tensor             picture = weft_view(pixels, pixels->data, WEFT_F32, 4, in);
    weft_tensor             rows = plg_rows(x, c->has_class, n, c->d);
    weft_tensor             patches = weft_view(&rows, rows.data, WEFT_F32, 3, out);
    if (c->has_class) {
        weft_tensor first = plg_rows(x, 0, 1, c->d);
        weft_tensor class_row = plg_rows(&t->class_row, 0, 1, c->d);
        plg_copy(r, &first, &class_row);
    }
    if (r->status == WEFT_OK)
        r->status = r->ops->conv(r->host, r->q, &patches, &picture, &t->patch.w,
                                 c->has_patch_bias ? &t->patch.b : NULL, stride, pad, r->err);
    add_positions(r, t, mask, x, b);
    if (c->has_pre)
        plg_layernorm(r, x, x, &t->pre, c->eps);
}

static void blocks(plg_run *r, const vis_tower *t, const vis_tower_tap *tap,
                   const vis_block_rows *rows)
{
    for (int32_t i = 0; i <= t->config->n_layers; i++) {
        if (tap != NULL)
            tap->take(r, tap->ctx, i);
        if (i < t->config->n_layers)
            vis_block_run(r, &t->blocks[i], rows);
    }
}

/* The blocks where only the mask's keys are seen. */
static void masked_blocks(plg_run *r, const vis_tower *t, const vis_tower_mask *mask,
                          const vis_tower_tap *tap, vis_block_rows *rows, const buffers *b)
{
    const int64_t  n = mask->n_keys;
    const int32_t  among[2] = {0, mask->n_keys};
    weft_tensor    keys = weft_view(&b->keys, b->keys.data, WEFT_I32, 1, &n);
    vis_block_seen seen = {&keys, &b->among, &b->seen, mask->n_keys, 0};
    plg_upload(r, &keys, mask->keys);
    plg_upload(r, &b->among, among);
    rows->seen = &seen;
    blocks(r, t, tap, rows);
}

void vis_tower_run(plg_run *r, const vis_tower *t, const weft_tensor *pixels,
                   const vis_tower_mask *mask, const vis_tower_tap *tap, const weft_tensor *x,
                   const weft_tensor *scratch)
{
    const vis_tower_config *c = t->config;
    const int32_t           all[2] = {0, c->n};
    buffers                 b;
    vis_block_rows          rows = {.x = x,
                                    .h = &b.h,
                                    .wide = &b.wide,
                                    .bounds = &b.bounds,
                                    .n_rows = c->n,
                                    .n = 1,
                                    .d = c->d,
                                    .d_ffn = c->d_ffn,
                                    .n_heads = c->n_heads,
                                    .act = c->act,
                                    .eps = c->eps};
    if (r->status == WEFT_OK && layout(&b, c, scratch) > scratch->bytes)
        r->status = weft_fail(r->err, WEFT_E_INVALID,
                              "encoding a picture was given too little scratch memory");
    if (r->status != WEFT_OK)
        return;
    embed(r, t, pixels, mask, x, &b);
    plg_upload(r, &b.bounds, all);
    if (mask != NULL)
        masked_blocks(r, t, mask, tap, &rows, &b);
    else
        blocks(r, t, tap, &rows);
    if (c->has_post)
        plg_layernorm(r, x, x, &t->post, c->eps);
}
