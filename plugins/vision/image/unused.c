/* SPDX-License-Identifier: Apache-2.0 */
/* Unused tiles that need no work of their own.
 *
 * A row of an unused tile attends to the tokens of used tiles only, and no op mixes rows otherwise.
 * What such a row becomes thus depends on what it begins as alone: its pixels (zero), and the slot
 * of its tile in the position tables. Released checkpoints have zeros there. Where all unused tiles
 * begin with the same bytes, token i of one has the bytes of token i of another in every block. One
 * of them is computed then, and its keys and values are copied to the places of the others, so that
 * used tiles attend to the same keys in the same order as without.
 *
 * The tables are compared for every picture rather than remembered: 24 MB where the encoder goes on
 * to multiply for seconds. On a device whose memory the host does not see, and for several pictures
 * at once, all tiles are computed. */
#include "vision.h"

/* Whether pieces first..n-1 of `bytes` each are equal. */
static int pieces_alike(const void *data, int64_t first, int64_t n, uint64_t bytes)
{
    const char *p = (const char *)data + (uint64_t)first * bytes;
    for (int64_t i = first + 1; i < n; i++)
        if (memcmp(p, (const char *)data + (uint64_t)i * bytes, (size_t)bytes) != 0)
            return 0;
    return 1;
}

/* The same of the slots in a table's row for this grid. */
static int slots_alike(const weft_tensor *table, const vis_batch *b, int32_t max_tiles)
{
    const uint64_t row = (uint64_t)table->shape[1] * sizeof(float);
    return table->device_type == WEFT_DEV_CPU &&
           pieces_alike((const char *)table->data + (uint64_t)b->ratio_id * row, b->num_tiles,
                        max_tiles, row / (uint64_t)max_tiles);
}

int vis_unused_alike(const vis_modality *m, const vis_batch *b)
{
    const vis_config *c = &m->config;
    const uint64_t    tile = (uint64_t)c->n_channels * (uint64_t)c->tile * (uint64_t)c->tile;
    if (b->n != 1 || b->host_pixels == NULL || c->max_tiles - b->num_tiles < 2)
        return 0;
    return pieces_alike(b->host_pixels->data, b->num_tiles, c->max_tiles, tile * sizeof(float)) &&
           slots_alike(&m->weights.pre_tile, b, c->max_tiles) &&
           slots_alike(&m->weights.post_tile, b, c->max_tiles) &&
           slots_alike(&m->weights.tile_pos, b, c->max_tiles);
}
