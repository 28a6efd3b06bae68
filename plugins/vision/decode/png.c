/* SPDX-License-Identifier: Apache-2.0 */
/* weft.png: the PNG decoder, which uses libpng's low-level reader.
 *
 * The chunks are checked first (png_scan.h), then libpng's limits are set, and then libpng reads
 * the file. libpng reports errors by longjmp; they all arrive in guarded(). libpng gives an
 * interlaced picture as seven small ones, whose pixels are written to their places one after
 * another, so that no second copy of the picture is needed. */
#include "png_rows.h"
#include "png_scan.h"
#include "weft/sdk.h"

#include <setjmp.h>

#define ROWS_BETWEEN_POLLS 64

typedef struct png_dec {
    vis_still    still; /* must come first: vis_still_* take a pointer to the decoder */
    png_structp  png;
    png_infop    info;
    vis_png_rows rows;
    vis_canvas   canvas;
    int          no_end; /* the file ends before its IEND */
    int          begun;  /* rows have been read: to read again it must be opened again */
    int          cut_short, no_memory, cancelled; /* why a step ended */
    jmp_buf      out;
} png_dec;

/* ---- libpng's callbacks ---- */

static void on_error(png_structp png, png_const_charp text)
{
    png_dec *d = png_get_error_ptr(png);
    (void)text; /* the sentence is ours: guarded() says it */
    longjmp(d->out, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep dst, size_t n)
{
    png_dec *d = png_get_io_ptr(png);
    d->cut_short = vis_stream_read(&d->still.stream, dst, n) != n;
    if (d->cut_short)
        png_error(png, "short");
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t n)
{
    png_dec *d = png_get_mem_ptr(png);
    void    *p = d->still.host->alloc(d->still.host, n, 16);
    d->no_memory |= p == NULL;
    return p;
}

static void on_free(png_structp png, png_voidp p)
{
    png_dec *d = png_get_mem_ptr(png);
    d->still.host->free(d->still.host, p);
}

/* ---- steps under guard ---- */

static weft_status explain(png_dec *d, weft_error *err)
{
    if (d->cancelled)
        return weft_fail(err, WEFT_E_CANCELLED, "decoding the PNG was cancelled");
    if (d->no_memory)
        return vis_still_nomem(&d->still, err);
    if (d->cut_short)
        return vis_still_short(&d->still, err);
    return weft_fail(err, WEFT_E_CORRUPT, "the PNG is damaged near byte %llu; get a complete copy",
                     (unsigned long long)d->still.stream.at);
}

/* Runs a step that may end in on_error by longjmp. Everything that a step changes lies in *d, so
 * that no local variable is lost by the jump. */
static weft_status guarded(png_dec *d, void (*step)(png_dec *), weft_error *err)
{
    if (setjmp(d->out) != 0)
        return explain(d, err);
    step(d);
    return WEFT_OK;
}

static void read_header(png_dec *d)
{
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, on_error, on_warning, d, on_alloc,
                                      on_free);
    if (d->png != NULL)
        d->info = png_create_info_struct(d->png);
    if (d->info == NULL) {
        d->no_memory = 1;
        longjmp(d->out, 1);
    }
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, (png_uint_32)d->still.width, (png_uint_32)d->still.height);
    png_set_chunk_malloc_max(d->png, VIS_PNG_MAX_CHUNK_BYTES);
    png_set_chunk_cache_max(d->png, VIS_PNG_MAX_CHUNKS);
    png_set_benign_errors(d->png, 1);
    /* -1 stands for every chunk that is not needed for pixels: they are skipped. */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    vis_png_rows_choose(&d->rows, d->png, d->info);
}

static void poll_cancel(png_dec *d)
{
    if (d->still.host->cancelled != NULL && d->still.host->cancelled(d->still.host)) {
        d->cancelled = 1;
        longjmp(d->out, 1);
    }
}

/* Reads one row of n pixels, which go to x = first, first + every, and so on in row y. */
static void read_row(png_dec *d, int32_t y, int32_t first, int32_t every, int32_t n)
{
    uint8_t *line = every == 1 ? vis_canvas_row(&d->canvas, y) : NULL;
    int      scatter = line == NULL;
    if (scatter)
        line = d->still.line;
    if (d->rows.form == VIS_PNG_READY) {
        png_read_row(d->png, line, NULL);
    } else {
        png_read_row(d->png, d->still.raw, NULL);
        vis_png_rows_convert(&d->rows, d->still.raw, line, n);
    }
    if (scatter)
        vis_canvas_put(&d->canvas, y, first, every, line, n);
}

/* Reads pass 0 to 6 of an interlaced picture, or with pass 7 all of a picture that is not. */
static void read_pass(png_dec *d, int pass)
{
    int     whole = pass == 7;
    int32_t first_x = whole ? 0 : (int32_t)PNG_PASS_START_COL(pass);
    int32_t first_y = whole ? 0 : (int32_t)PNG_PASS_START_ROW(pass);
    int32_t step_x = whole ? 1 : 1 << PNG_PASS_COL_SHIFT(pass);
    int32_t step_y = whole ? 1 : 1 << PNG_PASS_ROW_SHIFT(pass);
    int32_t n = (d->still.width - first_x + step_x - 1) / step_x;
    if (first_x >= d->still.width)
        return;
    for (int32_t y = first_y, i = 0; y < d->still.height; y += step_y, i++) {
        if (i % ROWS_BETWEEN_POLLS == 0)
            poll_cancel(d);
        read_row(d, y, first_x, step_x, n);
    }
}

static void read_pixels(png_dec *d)
{
    int interlaced = png_get_interlace_type(d->png, d->info) != PNG_INTERLACE_NONE;
    png_read_update_info(d->png, d->info);
    for (int pass = interlaced ? 0 : 7; pass < (interlaced ? 7 : 8); pass++)
        read_pass(d, pass);
}

/* What follows the pixels is read for its checksums. */
static void read_rest(png_dec *d)
{
    png_read_end(d->png, NULL);
}

/* ---- the decoder ---- */

static void stop(png_dec *d)
{
    png_destroy_read_struct(&d->png, &d->info, NULL);
    d->png = NULL;
    d->info = NULL;
    d->begun = 0;
}

static weft_status start(png_dec *d, weft_error *err)
{
    stop(d);
    d->still.stream.at = 0;
    weft_status st = guarded(d, read_header, err);
    if (st == WEFT_OK)
        d->still.channels = d->rows.channels;
    return st;
}

static void dec_close(void *dec)
{
    png_dec *d = dec;
    if (d == NULL)
        return;
    stop(d);
    vis_still_free(&d->still);
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    (void)kind; /* this decoder has one kind only */
    *dec = NULL;
    png_dec *d = h->alloc(h, sizeof *d, 64);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the PNG");
    memset(d, 0, sizeof *d);
    vis_still_init(&d->still, h, "PNG", src, lim);
    weft_status st = vis_png_scan(&d->still, &d->no_end, err);
    if (st == WEFT_OK)
        st = start(d, err);
    if (st == WEFT_OK)
        st = vis_still_bytes(&d->still, err);
    if (st != WEFT_OK) {
        dec_close(d);
        return st;
    }
    *dec = d;
    return WEFT_OK;
}

static weft_status dec_read_frames(void *dec, const int64_t *time_us, uint32_t n,
                                   const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    png_dec    *d = dec;
    weft_status st = vis_still_canvas(&d->still, n, dst, at_us, &d->canvas, err);
    (void)time_us; /* a still picture is the same at any time */
    if (st == WEFT_OK)
        st = vis_still_lines(&d->still, err);
    d->cut_short = d->no_memory = d->cancelled = 0;
    if (st == WEFT_OK && (d->begun || d->png == NULL))
        st = start(d, err);
    d->begun = 1;
    if (st == WEFT_OK)
        st = guarded(d, read_pixels, err);
    if (st != WEFT_OK)
        return st;
    st = guarded(d, read_rest, err);
    if (st == WEFT_OK || !d->no_end || !d->cut_short || d->still.stream.status != WEFT_OK)
        return st;
    vis_still_warn_end(&d->still);
    return WEFT_OK;
}

static int32_t dec_probe(const weft_probe *in)
{
    static const uint8_t     magic[16] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                          0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    static const char *const endings[] = {".png", ".apng", NULL};
    if (in->kind == NULL || strcmp(in->kind, "image") != 0)
        return WEFT_PROBE_NO;
    if (in->head_bytes >= 16 && memcmp(in->head, magic, 16) == 0)
        return WEFT_PROBE_CERTAIN;
    if (in->head_bytes >= 8 && memcmp(in->head, magic, 8) == 0)
        return WEFT_PROBE_MAGIC;
    return plg_name_ends(in->name_hint, endings) ? WEFT_PROBE_HINT : WEFT_PROBE_NO;
}

VIS_STILL_PLUGIN("png", "PNG decoder", "0:89504e470d0a1a0a", "libpng16.so.16,libz.so.1")
