/* SPDX-License-Identifier: Apache-2.0 */
/* weft.jpeg: the JPEG decoder. It uses libjpeg-turbo with the integer DCT and "fancy upsampling",
 * so that the pixels equal Pillow's.
 *
 * The segments are checked first (jpeg_scan.h), and libjpeg reads the file after that. libjpeg
 * reports errors by longjmp; they all arrive in guarded(). Its warnings that picture data is lost
 * count as errors. */
#include "jpeg_scan.h"
#include "weft/sdk.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#define MAX_SCANS 128         /* of a progressive picture: writers make about 10 */
#define MAX_MEMORY (1L << 30) /* of coefficients: 64 Mpx of 4 components take half */
#define SOURCE_BYTES 16384

typedef struct jpeg_dec {
    vis_still still; /* must come first: vis_still_* take a pointer to the decoder */
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr         errors;
    struct jpeg_source_mgr        source;
    struct jpeg_progress_mgr      progress;
    int32_t                       components;
    vis_canvas                    canvas;
    int                           created, begun;
    int                           in_pixels; /* libjpeg is past the headers */
    int                           no_end;    /* the file ends without its EOI */
    int                           cut_short, cancelled, too_many_scans; /* why a step ended */
    int                           fault;                                /* libjpeg's message code */
    jmp_buf                       out;
    uint8_t                       bytes[SOURCE_BYTES];
} jpeg_dec;

/* ---- libjpeg's callbacks ---- */

static void on_error(j_common_ptr jpeg)
{
    jpeg_dec *d = jpeg->client_data;
    d->fault = jpeg->err->msg_code;
    longjmp(d->out, 1);
}

/* Level -1 is a warning. These four say that a part of the picture is lost; the others (bytes
 * between segments, odd headers) leave the pixels alone. */
static void on_message(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                      code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC))
        on_error(jpeg);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg; /* nothing is ever printed */
}

static void on_source(j_decompress_ptr jpeg)
{
    (void)jpeg; /* nothing to set up or to end */
}

static boolean on_fill(j_decompress_ptr jpeg)
{
    jpeg_dec *d = jpeg->client_data;
    uint64_t  n = vis_stream_read(&d->still.stream, d->bytes, sizeof d->bytes);
    if (n == 0) {
        d->cut_short = d->no_end || !d->in_pixels || d->still.stream.status != WEFT_OK;
        if (d->cut_short)
            on_error((j_common_ptr)jpeg);
        /* The end of the picture (EOI) is all that may be missing; where pixels are, libjpeg warns
         * that it met this end before them (JWRN_HIT_MARKER). */
        d->no_end = 1;
        d->bytes[0] = 0xFF;
        d->bytes[1] = 0xD9;
        n = 2;
    }
    jpeg->src->next_input_byte = d->bytes;
    jpeg->src->bytes_in_buffer = n;
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long n)
{
    jpeg_dec *d = jpeg->client_data;
    size_t    have = jpeg->src->bytes_in_buffer, want = n > 0 ? (size_t)n : 0;
    size_t    now = want < have ? want : have;
    jpeg->src->next_input_byte += now;
    jpeg->src->bytes_in_buffer -= now;
    d->still.stream.at += want - now;
}

/* Called for every row of blocks that is read. It stops a file that asks for too much work. */
static void on_progress(j_common_ptr jpeg)
{
    jpeg_dec        *d = jpeg->client_data;
    const weft_host *h = d->still.host;
    d->too_many_scans = d->jpeg.input_scan_number > MAX_SCANS;
    d->cancelled = h->cancelled != NULL && h->cancelled(h);
    if (d->too_many_scans || d->cancelled)
        on_error(jpeg);
}

/* ---- steps under guard ---- */

static weft_status explain_fault(jpeg_dec *d, weft_error *err)
{
    switch (d->fault) {
    case JERR_OUT_OF_MEMORY:
        return vis_still_nomem(&d->still, err);
    case JERR_NO_BACKING_STORE:
        return weft_fail(err, WEFT_E_LIMIT,
                         "the JPEG takes more than %ld bytes to decode; scale it down", MAX_MEMORY);
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the JPEG uses a kind of coding that is not supported; convert it");
    default:
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the JPEG is damaged near byte %llu; get a complete copy",
                         (unsigned long long)(d->still.stream.at - d->source.bytes_in_buffer));
    }
}

static weft_status explain(jpeg_dec *d, weft_error *err)
{
    if (d->cancelled)
        return weft_fail(err, WEFT_E_CANCELLED, "decoding the JPEG was cancelled");
    if (d->too_many_scans)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the JPEG has more than %d scans; save the picture again", MAX_SCANS);
    if (d->cut_short || d->no_end)
        return vis_still_short(&d->still, err);
    return explain_fault(d, err);
}

/* Runs a step that may end in on_error by longjmp. Everything that a step changes lies in *d, so
 * that no local variable is lost by the jump. */
static weft_status guarded(jpeg_dec *d, void (*step)(jpeg_dec *), weft_error *err)
{
    if (setjmp(d->out) != 0)
        return explain(d, err);
    step(d);
    return WEFT_OK;
}

static void set_up(jpeg_dec *d)
{
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_output;
    d->jpeg.client_data = d;
    d->created = 1; /* set first, so that it is destroyed also where creating it fails half-way */
    jpeg_create_decompress(&d->jpeg);
    d->jpeg.mem->max_memory_to_use = MAX_MEMORY;
    memset(&d->source, 0, sizeof d->source);
    d->source.init_source = on_source;
    d->source.fill_input_buffer = on_fill;
    d->source.skip_input_data = on_skip;
    d->source.resync_to_restart = jpeg_resync_to_restart;
    d->source.term_source = on_source;
    d->jpeg.src = &d->source;
    d->progress.progress_monitor = on_progress;
    d->jpeg.progress = &d->progress;
}

static void read_header(jpeg_dec *d)
{
    set_up(d);
    jpeg_read_header(&d->jpeg, TRUE);
    /* jpeg_scan.c checked the size that it found, so the size that is decoded must be the same. */
    if (d->jpeg.image_width != (JDIMENSION)d->still.width ||
        d->jpeg.image_height != (JDIMENSION)d->still.height ||
        d->jpeg.num_components != d->components)
        ERREXIT(&d->jpeg, JERR_SOF_DUPLICATE);
    d->jpeg.out_color_space = d->components == 4 ? JCS_CMYK : JCS_RGB;
}

/* round(a * b / 255) as Pillow does it. */
static uint32_t muldiv255(uint32_t a, uint32_t b)
{
    uint32_t t = a * b + 128u;
    return ((t >> 8) + t) >> 8;
}

/* Turns CMYK into RGB. JPEG files hold CMYK inverted, as Adobe writes it: the ink is 255 minus the
 * stored value. Pillow assumes this of every CMYK JPEG. Each RGB channel is the light that the
 * black ink lets through, less what the channel's own ink takes. */
static void cmyk_to_rgb(const uint8_t *src, uint8_t *dst, int32_t n)
{
    for (int32_t i = 0; i < n; i++, src += 4, dst += 3) {
        uint32_t light = src[3];
        for (int c = 0; c < 3; c++)
            dst[c] = (uint8_t)(light - muldiv255(255u - src[c], light));
    }
}

static void read_row(jpeg_dec *d, int32_t y)
{
    uint8_t *row = vis_canvas_row(&d->canvas, y);
    uint8_t *line = row != NULL ? row : d->still.line;
    int      cmyk = d->components == 4;
    JSAMPROW out = cmyk ? d->still.raw : line;
    jpeg_read_scanlines(&d->jpeg, &out, 1);
    if (cmyk)
        cmyk_to_rgb(d->still.raw, line, d->still.width);
    if (row == NULL)
        vis_canvas_put(&d->canvas, y, 0, 1, line, d->still.width);
}

/* Whether scans may be missing, each of which adds to the whole picture, where the file ended after
 * one of them. Of a progressive picture coef_bits says how many bits of each coefficient are still
 * to come (-1: all of them). */
static int lacks_scans(jpeg_dec *d)
{
    if (!jpeg_has_multiple_scans(&d->jpeg))
        return 0;
    if (d->jpeg.coef_bits == NULL)
        return 1;
    for (int c = 0; c < d->jpeg.num_components; c++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (d->jpeg.coef_bits[c][k] != 0)
                return 1;
    return 0;
}

static void read_pixels(jpeg_dec *d)
{
    d->in_pixels = 1;
    jpeg_start_decompress(&d->jpeg);
    if (d->no_end && lacks_scans(d))
        on_error((j_common_ptr)&d->jpeg);
    for (int32_t y = 0; y < d->still.height; y++)
        read_row(d, y);
    jpeg_finish_decompress(&d->jpeg);
}

/* ---- the decoder ---- */

static void stop(jpeg_dec *d)
{
    if (d->created)
        jpeg_destroy_decompress(&d->jpeg);
    d->created = d->begun = d->in_pixels = d->no_end = 0;
}

static weft_status start(jpeg_dec *d, weft_error *err)
{
    stop(d);
    d->still.stream.at = 0;
    return guarded(d, read_header, err);
}

static void dec_close(void *dec)
{
    jpeg_dec *d = dec;
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
    jpeg_dec *d = h->alloc(h, sizeof *d, 64);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the JPEG");
    memset(d, 0, sizeof *d);
    vis_still_init(&d->still, h, "JPEG", src, lim);
    weft_status st = vis_jpeg_scan(&d->still, &d->components, err);
    if (st == WEFT_OK)
        st = vis_still_bytes(&d->still, err);
    if (st == WEFT_OK)
        st = start(d, err);
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
    jpeg_dec   *d = dec;
    weft_status st = vis_still_canvas(&d->still, n, dst, at_us, &d->canvas, err);
    (void)time_us; /* a still picture is the same at any time */
    if (st == WEFT_OK)
        st = vis_still_lines(&d->still, err);
    if (st != WEFT_OK)
        return st;
    d->cut_short = d->cancelled = d->too_many_scans = 0;
    if (d->begun || !d->created)
        st = start(d, err);
    d->begun = 1;
    if (st == WEFT_OK)
        st = guarded(d, read_pixels, err);
    if (st == WEFT_OK && d->no_end)
        vis_still_warn_end(&d->still);
    return st;
}

/* A JPEG begins with FF D8 and a marker. The answer is certain where that marker's segment is
 * followed by another marker, or is a frame header. */
static int32_t dec_probe(const weft_probe *in)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".jfif", NULL};
    const uint8_t           *p = in->head;
    if (in->kind == NULL || strcmp(in->kind, "image") != 0)
        return WEFT_PROBE_NO;
    if (in->head_bytes >= 4 && p[0] == 0xFF && p[1] == 0xD8 && p[2] == 0xFF && p[3] >= 0xC0) {
        if (in->head_bytes < 6)
            return WEFT_PROBE_MAGIC;
        uint64_t next = 4u + ((uint64_t)p[4] << 8 | p[5]);
        int      sound = next >= 6 && next < in->head_bytes && p[next] == 0xFF;
        return sound ? WEFT_PROBE_CERTAIN : WEFT_PROBE_MAGIC;
    }
    return plg_name_ends(in->name_hint, endings) ? WEFT_PROBE_HINT : WEFT_PROBE_NO;
}

VIS_STILL_PLUGIN("jpeg", "JPEG decoder", "0:ffd8ff", "libjpeg.so.62")
