/* SPDX-License-Identifier: Apache-2.0 */
/* A contact sheet: pictures of one size in rows from left to right, on grey, as an RGB PNG (ISO
 * 15948: signature, IHDR, IDAT, IEND; every row filtered by its left neighbour). Written with zlib
 * alone, so that a program without libpng has it too. */
#include "output/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exit.h"
#include "output/say.h"
#include "output/sheet.h"

#define MARGIN 4
#define GREY 96
#define SIDE_MAX 65536 /* of the sheet: beyond it few programs open a PNG */
#define CHUNK_BYTES 65536

typedef struct layout {
    int64_t n, width, height; /* pictures and their size */
    int64_t columns, rows, sheet_width, sheet_height;
} layout;

/* One deflate stream into IDAT chunks. */
typedef struct png {
    cli_sheet *sheet;
    z_stream   z;
    uint8_t    out[CHUNK_BYTES];
} png;

static void put_u32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_chunk(cli_sheet *s, const char *type, const uint8_t *data, uint32_t n)
{
    uint8_t head[8], tail[4];
    put_u32(head, n);
    memcpy(head + 4, type, 4);
    uLong crc = crc32(0, head + 4, 4);
    if (n > 0) /* crc32() of no bytes would begin a new sum */
        crc = crc32(crc, data, n);
    put_u32(tail, (uint32_t)crc);
    cli_sheet_put(s, (const char *)head, sizeof head);
    if (n > 0)
        cli_sheet_put(s, (const char *)data, n);
    cli_sheet_put(s, (const char *)tail, sizeof tail);
}

static void put_start(cli_sheet *s, const layout *l)
{
    uint8_t head[13] = {0};
    put_u32(head, (uint32_t)l->sheet_width);
    put_u32(head + 4, (uint32_t)l->sheet_height);
    head[8] = 8; /* bits of a channel */
    head[9] = 2; /* RGB */
    cli_sheet_put(s, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(s, "IHDR", head, sizeof head);
}

/* False: out of memory, or a write failed. */
static bool png_deflate(png *p, const uint8_t *bytes, size_t n, int flush)
{
    int code = Z_OK;
    p->z.next_in = (Bytef *)(uintptr_t)bytes;
    p->z.avail_in = (uInt)n;
    do {
        p->z.next_out = p->out;
        p->z.avail_out = sizeof p->out;
        code = deflate(&p->z, flush);
        uint32_t made = (uint32_t)(sizeof p->out - p->z.avail_out);
        if (made > 0)
            put_chunk(p->sheet, "IDAT", p->out, made);
    } while (code == Z_OK && (p->z.avail_out == 0 || (flush == Z_FINISH && code != Z_STREAM_END)));
    return (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) &&
           p->sheet->error.code == WEFT_OK;
}

/* Row y of the sheet, RGB. */
static void draw_row(const layout *l, const uint8_t *pictures, int64_t y, uint8_t *row)
{
    const int64_t line = y / (l->height + MARGIN), inner = y % (l->height + MARGIN) - MARGIN;
    memset(row, GREY, (size_t)(3 * l->sheet_width));
    for (int64_t c = 0; inner >= 0 && c < l->columns && line * l->columns + c < l->n; c++)
        memcpy(row + 3 * (MARGIN + c * (l->width + MARGIN)),
               pictures + ((line * l->columns + c) * l->height + inner) * 3 * l->width,
               (size_t)(3 * l->width));
}

static bool put_rows(png *p, const layout *l, const uint8_t *pictures)
{
    const size_t bytes = (size_t)(3 * l->sheet_width);
    uint8_t     *row = malloc(2 * bytes + 1), *filtered = row != NULL ? row + bytes : NULL;
    bool         ok = row != NULL && deflateInit(&p->z, Z_DEFAULT_COMPRESSION) == Z_OK;
    bool         begun = ok;
    for (int64_t y = 0; ok && y < l->sheet_height; y++) {
        draw_row(l, pictures, y, row);
        filtered[0] = 1; /* the difference to the pixel on the left */
        for (size_t i = 0; i < bytes; i++)
            filtered[1 + i] = (uint8_t)(row[i] - (i >= 3 ? row[i - 3] : 0));
        ok = png_deflate(p, filtered, bytes + 1, Z_NO_FLUSH);
    }
    ok = ok && png_deflate(p, NULL, 0, Z_FINISH);
    if (begun)
        (void)deflateEnd(&p->z);
    free(row);
    return ok;
}

/* About as high as wide. */
static layout lay_out(const weft_tensor *t)
{
    layout l = {.n = t->shape[0], .height = t->shape[1], .width = t->shape[2]};
    l.columns = (int64_t)ceil(sqrt((double)l.n * (double)l.height / (double)l.width));
    l.columns = l.columns < 1 ? 1 : l.columns > l.n ? l.n : l.columns;
    l.rows = (l.n + l.columns - 1) / l.columns;
    l.sheet_width = MARGIN + l.columns * (l.width + MARGIN);
    l.sheet_height = MARGIN + l.rows * (l.height + MARGIN);
    return l;
}

static bool open_sheet(cli_sheet *s, const char *path)
{
    enum cli_opened how = cli_sheet_open(s, path, NULL);
    if (how == CLI_OPEN_BUSY)
        cli_say("%.600s: another process is writing it", path);
    return how == CLI_OPENED;
}

static int32_t write_sheet(const weft_tensor *t, const char *path)
{
    const layout l = lay_out(t);
    cli_sheet    sheet;
    if (l.sheet_width > SIDE_MAX || l.sheet_height > SIDE_MAX) {
        cli_say(
            "%.600s: %lld pictures of %lld x %lld pixels are too large for one sheet: take fewer "
            "--frames",
            path, (long long)l.n, (long long)l.width, (long long)l.height);
        return CLI_EXIT_LIMIT;
    }
    png *p = calloc(1, sizeof *p);
    if (p == NULL) {
        cli_say("out of memory: a preview");
        return CLI_EXIT_MEMORY;
    }
    if (!open_sheet(&sheet, path)) {
        free(p);
        return CLI_EXIT_UNEXPECTED;
    }
    p->sheet = &sheet;
    put_start(&sheet, &l);
    bool ok = put_rows(p, &l, t->data);
    if (ok)
        put_chunk(&sheet, "IEND", NULL, 0);
    else if (sheet.error.code == WEFT_OK)
        cli_say("out of memory: a preview");
    int32_t code = cli_sheet_close(&sheet, ok);
    free(p);
    return ok || code != CLI_EXIT_OK ? code : CLI_EXIT_MEMORY;
}

int32_t cli_preview_write(const weft_item *item, const char *path)
{
    weft_error  err = CLI_ERROR_INIT;
    weft_tensor t = {.data = NULL};
    if (weft_item_preview(item, &t, &err) != WEFT_OK)
        return cli_say_error(&err);
    t.data = malloc((size_t)t.bytes);
    if (t.data == NULL) {
        cli_say("out of memory: a preview of %llu bytes", (unsigned long long)t.bytes);
        return CLI_EXIT_MEMORY;
    }
    int32_t code =
        weft_item_preview(item, &t, &err) == WEFT_OK ? write_sheet(&t, path) : cli_say_error(&err);
    free(t.data);
    return code;
}
