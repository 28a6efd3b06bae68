/* SPDX-License-Identifier: Apache-2.0 */
/* The tile grid of a picture: how many tiles high and wide, and the size it is resized to.
 *
 * The arithmetic is that of the Mllama image processor (architecture notes, preprocessing steps 2
 * to 4): doubles, compared exactly, so that every picture gets the reference's grid. */
#ifndef VIS_TILES_H
#define VIS_TILES_H

#include <stdint.h>

#define VIS_MAX_SIDE (1 << 20) /* of a picture or a tile, in pixels: products stay within int64 */
#define VIS_MAX_TILES 64

typedef struct vis_grid {
    int32_t rows, cols;            /* tiles high, tiles wide */
    int32_t new_width, new_height; /* the resized picture, at the canvas's top left */
    int32_t aspect_ratio_id;       /* 1 + index among the candidates; 0 is no picture */
    int32_t num_tiles;             /* rows * cols */
} vis_grid;

/* The number of grids that max_tiles (1..VIS_MAX_TILES) allows. aspect_ratio_id is 1 to this
 * number. [any] */
int32_t vis_grid_count(int32_t max_tiles);

/* The grid with this aspect_ratio_id: fills rows, cols, num_tiles and the id; sizes become 0.
 * Returns 0, or -1 where no grid has the id; *out is then untouched. [any] */
int vis_grid_by_id(int32_t id, int32_t max_tiles, vis_grid *out);

/* Chooses the grid for a picture of width x height. Each grid allows the picture to be scaled by
 * some factor until one of its sides fills the grid. Among the factors of at least 1 the smallest
 * wins; where there is none, the largest factor wins. Among grids of equal factor the smallest area
 * wins, and then the first. The picture is then scaled by its limiting side, but never enlarged
 * further than to one tile. Returns 0, or -1 where an argument is out of range (sides and
 * tile 1..VIS_MAX_SIDE, max_tiles 1..VIS_MAX_TILES). [any] */
int vis_grid_choose(int32_t width, int32_t height, int32_t tile, int32_t max_tiles, vis_grid *out);

#endif
