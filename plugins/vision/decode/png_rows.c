/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion of PNG rows; the rules are in png_rows.h. */
#include "png_rows.h"

#include <string.h>

/* The transparent grey sample of tRNS, or -1. */
static int32_t grey_key(png_structp png, png_infop info)
{
    png_color_16p key = NULL;
    if (png_get_tRNS(png, info, NULL, NULL, &key) == 0 || key == NULL)
        return -1;
    return key->gray;
}

/* Fills the table for grey of up to 8 bits. The transparent key is compared with samples before
 * they are scaled to 8 bits, as the PNG standard says. */
static void grey_table(vis_png_rows *r, int bits, int32_t key)
{
    int32_t top = (1 << bits) - 1;
    for (int32_t i = 0; i <= top; i++) {
        uint8_t v = (uint8_t)(i * 255 / top);
        r->table[i][0] = r->table[i][1] = r->table[i][2] = v;
        r->table[i][3] = i == key ? 0 : 255;
    }
    r->channels = key >= 0 ? 4 : 3;
}

/* Fills the table from the palette. Indices beyond the palette are black, as in Pillow. */
static void palette_table(vis_png_rows *r, png_structp png, png_infop info)
{
    png_colorp colours = NULL;
    png_bytep  alpha = NULL;
    int        n = 0, n_alpha = 0;
    png_get_PLTE(png, info, &colours, &n);
    png_get_tRNS(png, info, &alpha, &n_alpha, NULL);
    for (int i = 0; i < 256; i++)
        r->table[i][3] = 255;
    for (int i = 0; i < n && i < 256; i++) {
        r->table[i][0] = colours[i].red;
        r->table[i][1] = colours[i].green;
        r->table[i][2] = colours[i].blue;
    }
    for (int i = 0; alpha != NULL && i < n_alpha && i < 256; i++)
        r->table[i][3] = alpha[i];
    r->channels = alpha != NULL && n_alpha > 0 ? 4 : 3;
}

static void choose_grey(vis_png_rows *r, png_structp png, png_infop info, int bits)
{
    r->key = grey_key(png, info);
    if (bits == 16) {
        r->form = VIS_PNG_GREY16;
        r->row_channels = 2;
        r->channels = r->key >= 0 ? 4 : 3;
        return;
    }
    r->form = VIS_PNG_TABLE;
    r->row_channels = 1;
    grey_table(r, bits, r->key);
}

void vis_png_rows_choose(vis_png_rows *r, png_structp png, png_infop info)
{
    int type = png_get_color_type(png, info), bits = png_get_bit_depth(png, info);
    memset(r, 0, sizeof *r);
    if (bits < 8)
        png_set_packing(png);
    if (type == PNG_COLOR_TYPE_GRAY) {
        choose_grey(r, png, info, bits);
        return;
    }
    if (bits == 16)
        png_set_strip_16(png);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        r->form = VIS_PNG_TABLE;
        r->row_channels = 1;
        palette_table(r, png, info);
    } else if (type == PNG_COLOR_TYPE_GRAY_ALPHA) {
        r->form = VIS_PNG_GREY_ALPHA;
        r->row_channels = 2;
        r->channels = 4;
    } else {
        r->form = VIS_PNG_READY;
        r->channels = r->row_channels = type == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : 3;
    }
}

static void put(uint8_t *dst, int32_t channels, uint8_t grey, uint8_t alpha)
{
    dst[0] = dst[1] = dst[2] = grey;
    if (channels == 4)
        dst[3] = alpha;
}

void vis_png_rows_convert(const vis_png_rows *r, const uint8_t *src, uint8_t *dst, int32_t n)
{
    size_t c = (size_t)r->channels;
    for (int32_t i = 0; i < n; i++, dst += c) {
        if (r->form == VIS_PNG_TABLE) {
            memcpy(dst, r->table[src[i]], c);
        } else if (r->form == VIS_PNG_GREY_ALPHA) {
            put(dst, r->channels, src[2 * i], src[2 * i + 1]);
        } else {
            int32_t v = src[2 * i] << 8 | src[2 * i + 1];
            put(dst, r->channels, (uint8_t)(v >> 8), v == r->key ? 0 : 255);
        }
    }
}
