/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into a panel of q8 or q4 (layout: quant.h), from plain elements or from groups that are
 * quantised already. Plain C that each instruction set's file compiles for itself. */
#ifndef WF_QUANT_PACK_H
#define WF_QUANT_PACK_H

#include <string.h>

#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant.h"
#include "core/device/cpu/quant_q4.h"

/* The rows of a that lie in a panel: rows first..first+rows-1 of src are its columns from c0 on. */
typedef struct panel_rows {
    int64_t first, rows, c0;
} panel_rows;

static panel_rows rows_in_panel(const wf_pack *a, int64_t p)
{
    int64_t begin = p * WF_Q_PANEL - a->row0, end = begin + WF_Q_PANEL;
    int64_t first = begin > 0 ? begin : 0, last = end < a->rows ? end : a->rows;
    return (panel_rows){first, last - first, first - begin};
}

/* Group g of the rows as floats; zero where there is no row and past k. */
static void load_floats(const wf_pack *a, const panel_rows *r, int64_t g, wf_block_floats w)
{
    int64_t        left = a->w.k - g * WF_GROUP, n = left < WF_GROUP ? left : WF_GROUP;
    int64_t        row = wf_row_bytes(a->src_dtype, a->w.k);
    const uint8_t *src = (const uint8_t *)a->src + r->first * row;
    if (r->rows < WF_Q_PANEL || n < WF_GROUP)
        memset(w, 0, sizeof(wf_block_floats));
    for (int64_t i = 0; i < r->rows; i++, src += row)
        for (int64_t e = 0; e < n; e++)
            w[e][r->c0 + i] = wf_load(src, g * WF_GROUP + e, a->src_dtype);
}

/* Group g of the rows as it stands in the source. */
static void load_groups(const wf_pack *a, const panel_rows *r, int64_t g, wf_quant_block *out)
{
    int64_t row = wf_row_bytes(a->src_dtype, a->w.k), each = row / wf_groups(a->w.k);
    for (int64_t i = 0; i < r->rows; i++) {
        const uint8_t *src = (const uint8_t *)a->src + (r->first + i) * row + g * each;
        int64_t        c = r->c0 + i;
        memcpy(&out->d[c], src, 2);
        if (a->w.format == WF_Q8) {
            for (int e = 0; e < WF_GROUP; e++)
                out->q[e][c] = src[2 + e] == 0x80 ? 0x81 : src[2 + e];
            continue;
        }
        memcpy(&out->m[c], src + 2, 2);
        for (int e = 0; e < WF_GROUP / 2; e++) {
            out->q[e][c] = src[4 + e] & 15;
            out->q[e + WF_GROUP / 2][c] = src[4 + e] >> 4;
        }
    }
}

static inline uint8_t packed_byte(const wf_quant_block *b, int32_t format, int e, int c)
{
    return (uint8_t)(format == WF_Q8 ? b->q[e][c] ^ 0x80
                                     : b->q[e][c] | b->q[e + WF_GROUP / 2][c] << 4);
}

/* Four elements of each column, from e on, as they stand in the panel. */
static inline void weave(const wf_quant_block *b, int32_t format, int e, uint8_t *dst)
{
    for (int c = 0; c < WF_Q_PANEL; c++)
        for (int i = 0; i < 4; i++)
            dst[4 * c + i] = packed_byte(b, format, e + i, c);
}

/* Columns c0..c0+n-1 of a group of the panel. */
static void store_group(const wf_quant_block *b, int32_t format, int64_t c0, int64_t n,
                        uint8_t *dst)
{
    const int quads = format == WF_Q8 ? 8 : 4;
    uint8_t   words[WF_Q_PANEL * 4];
    memcpy(dst + c0 * 2, b->d + c0, (size_t)n * 2);
    if (format == WF_Q4)
        memcpy(dst + 2 * WF_Q_PANEL + c0 * 2, b->m + c0, (size_t)n * 2);
    dst += wf_quant_elements(format);
    for (int j = 0; j < quads; j++, dst += WF_Q_PANEL * 4) {
        weave(b, format, 4 * j, words);
        memcpy(dst + c0 * 4, words + c0 * 4, (size_t)n * 4);
    }
}

/* by: how much each column of the weight counts, or NULL. */
static void quantise_group(const wf_pack *a, const panel_rows *r, int64_t g, const float *by,
                           wf_quant_block *out)
{
    wf_block_floats w;
    load_floats(a, r, g, w);
    if (a->w.format == WF_Q8)
        wf_q8_block(w, out);
    else if (by == NULL)
        wf_q4_block(w, NULL, out);
    else
        wf_q4_block(w, by + g * WF_GROUP, out);
}

static void pack_group(const wf_pack *a, const panel_rows *r, int64_t g, uint8_t *dst)
{
    wf_quant_block block;
    if (a->src_dtype == a->w.format)
        load_groups(a, r, g, &block);
    else
        quantise_group(a, r, g, NULL, &block);
    store_group(&block, a->w.format, r->c0, r->rows, dst);
}

/* Columns of scale 0 behind the last row. */
static void pad_panel(const wf_pack *a, int64_t used, uint8_t *dst)
{
    static const wf_quant_block nothing;
    for (int64_t g = 0; g < wf_groups(a->w.k); g++)
        store_group(&nothing, a->w.format, used, WF_Q_PANEL - used,
                    dst + g * wf_quant_group(a->w.format));
}

static void pack_panel(const wf_pack *a, int64_t p)
{
    panel_rows r = rows_in_panel(a, p);
    int64_t    groups = wf_groups(a->w.k), each = wf_quant_group(a->w.format);
    int64_t    used = a->w.n - p * WF_Q_PANEL;
    uint8_t   *dst = (uint8_t *)a->w.data + p * groups * each;
    for (int64_t g = 0; g < groups; g++)
        pack_group(a, &r, g, dst + g * each);
    if (used < WF_Q_PANEL && a->row0 + a->rows == a->w.n)
        pad_panel(a, used, dst);
}

/* Column c of a block as hosts keep it. */
static void host_group(const wf_quant_block *b, int32_t format, int64_t c, uint8_t *dst)
{
    memcpy(dst, &b->d[c], 2);
    if (format == WF_Q8) {
        for (int e = 0; e < WF_GROUP; e++)
            dst[2 + e] = b->q[e][c];
        return;
    }
    memcpy(dst + 2, &b->m[c], 2);
    for (int e = 0; e < WF_GROUP / 2; e++)
        dst[4 + e] = (uint8_t)(b->q[e][c] | b->q[e + WF_GROUP / 2][c] << 4);
}

static void host_panel(const wf_pack *a, int64_t p, const float *by, uint8_t *dst)
{
    panel_rows r = rows_in_panel(a, p);
    int64_t    row = wf_row_bytes(a->w.format, a->w.k), each = row / wf_groups(a->w.k);
    for (int64_t g = 0; g < wf_groups(a->w.k); g++) {
        wf_quant_block block;
        quantise_group(a, &r, g, by, &block);
        for (int64_t i = 0; i < r.rows; i++)
            host_group(&block, a->w.format, r.c0 + i, dst + (r.first + i) * row + g * each);
    }
}

#endif
