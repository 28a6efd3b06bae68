/* SPDX-License-Identifier: Apache-2.0 */
/* Turns PNG samples into RGB or RGBA, as Pillow does for each colour type except in two points. Of
 * 16-bit grey the high byte is used, as of 16-bit colour, where Pillow clips to 255. And a
 * transparent grey of 2 or 4 bits is compared with samples before they are scaled to 8 bits, where
 * Pillow compares it with the scaled sample.
 *
 *   grey, palette      by table up to 8 bits; tRNS makes them RGBA
 *   grey + alpha       RGBA
 *   RGB                tRNS is ignored
 *   RGBA               as it is
 *   16 bits            the high byte; a transparent grey is compared in all 16 bits
 */
#ifndef VIS_PNG_ROWS_H
#define VIS_PNG_ROWS_H

#include <png.h>
#include <stdint.h>

/* The form of a row as libpng gives it. */
typedef enum vis_png_form {
    VIS_PNG_TABLE,      /* one byte a pixel: an index of the table */
    VIS_PNG_GREY16,     /* two bytes a pixel, the high one first */
    VIS_PNG_GREY_ALPHA, /* two bytes a pixel: grey, alpha */
    VIS_PNG_READY       /* RGB or RGBA: nothing to do */
} vis_png_form;

typedef struct vis_png_rows {
    vis_png_form form;
    int32_t      channels;      /* of the output: 3 or 4 */
    int32_t      row_channels;  /* bytes per pixel of libpng's rows */
    uint8_t      table[256][4]; /* RGBA of each sample, for VIS_PNG_TABLE */
    int32_t      key;           /* the transparent sample, for VIS_PNG_GREY16; -1: none */
} vis_png_rows;

/* Chooses the form, after png_read_info, and tells libpng which transforms it needs. May longjmp as
 * libpng does. */
void vis_png_rows_choose(vis_png_rows *r, png_structp png, png_infop info);

/* Converts n pixels of libpng's row to dst [n, channels]; not for VIS_PNG_READY. */
void vis_png_rows_convert(const vis_png_rows *r, const uint8_t *src, uint8_t *dst, int32_t n);

#endif
