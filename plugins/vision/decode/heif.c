/* SPDX-License-Identifier: Apache-2.0 */
/* weft.heif: HEIC, HEIF and AVIF pictures, on libheif.
 *
 * libheif puts tiles together, and applies the crops, turns and mirrors that the file states, in
 * their order; EXIF's orientation is not applied, as the format wants it (ISO/IEC 23008-12). A
 * plain AVIF, which has none of these and no opacity, is left to weft.ffmpeg where that is there.
 *
 * libheif wants the whole file in memory. The size in its headers is held against the limits before
 * anything is decoded. */
#include "still.h"
#include "weft/sdk.h"

#include <libheif/heif.h>

#define FILE_BYTES ((uint64_t)256 << 20) /* of a picture; phones make some 5 MB */
#define HELD_FIRST ((uint64_t)1 << 20)   /* of a pipe */
#define FINE 90                          /* scores: nobody reads it better */
#define LESS 60                          /* others may read it as well */

typedef struct heif_dec {
    vis_still            still; /* must come first: vis_still_* take a pointer to the decoder */
    uint8_t             *file;
    uint64_t             n;
    struct heif_context *context;
    struct heif_image_handle *picture;
} heif_dec;

/* ---- failures ---- */

static weft_status explain(const heif_dec *d, struct heif_error e, weft_error *err)
{
    switch (e.code) {
    case heif_error_Memory_allocation_error:
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s asks for more memory than libheif allows, or memory ran out; "
                         "convert it to JPEG",
                         d->still.format);
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
    case heif_error_Plugin_loading_error:
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the %s uses a codec or feature that this libheif does not read; convert "
                         "it to JPEG, or install libheif's codecs",
                         d->still.format);
    default:
        return weft_fail(err, WEFT_E_CORRUPT, "the %s is damaged or cut short; get a complete copy",
                         d->still.format);
    }
}

/* ---- the file ---- */

static weft_status too_large(const heif_dec *d, weft_error *err)
{
    return weft_fail(err, WEFT_E_LIMIT, "the %s has more than %llu MiB; convert it to JPEG",
                     d->still.format, (unsigned long long)(FILE_BYTES >> 20));
}

/* Makes room for `room` bytes of the file, and keeps what is there. */
static weft_status make_room(heif_dec *d, uint64_t room, weft_error *err)
{
    const weft_host *h = d->still.host;
    uint8_t         *p = h->alloc(h, room, 64);
    if (p == NULL)
        return vis_still_nomem(&d->still, err);
    if (d->n > 0)
        memcpy(p, d->file, d->n);
    h->free(h, d->file);
    d->file = p;
    return WEFT_OK;
}

/* Reads up to `room` bytes of the file in all. *more: there may be others behind them. */
static weft_status read_to(heif_dec *d, uint64_t room, int *more, weft_error *err)
{
    weft_status st = make_room(d, room, err);
    if (st != WEFT_OK)
        return st;
    d->n += vis_stream_read(&d->still.stream, d->file + d->n, room - d->n);
    *more = d->n == room;
    return d->still.stream.status != WEFT_OK ? vis_still_short(&d->still, err) : WEFT_OK;
}

static weft_status read_file(heif_dec *d, weft_error *err)
{
    int64_t     length = vis_stream_length(&d->still.stream);
    int         more = 1;
    weft_status st = WEFT_OK;
    if (length > (int64_t)FILE_BYTES)
        return too_large(d, err);
    if (length >= 0)
        return read_to(d, (uint64_t)length + 1, &more, err);
    for (uint64_t room = HELD_FIRST; st == WEFT_OK && more && room <= FILE_BYTES; room *= 2)
        st = read_to(d, room, &more, err);
    return st == WEFT_OK && more ? too_large(d, err) : st;
}

static weft_status open_picture(heif_dec *d, weft_error *err)
{
    d->context = heif_context_alloc();
    if (d->context == NULL)
        return vis_still_nomem(&d->still, err);
#if LIBHEIF_NUMERIC_VERSION >= 0x010d0000
    heif_context_set_max_decoding_threads(d->context, 0); /* decode in the calling thread */
#endif
    struct heif_error e =
        heif_context_read_from_memory_without_copy(d->context, d->file, d->n, NULL);
    if (e.code == heif_error_Ok)
        e = heif_context_get_primary_image_handle(d->context, &d->picture);
    if (e.code != heif_error_Ok)
        return explain(d, e, err);
    int width = heif_image_handle_get_width(d->picture);
    int height = heif_image_handle_get_height(d->picture);
    d->still.channels = heif_image_handle_has_alpha_channel(d->picture) ? 4 : 3;
    weft_status st = vis_still_size(&d->still, width > 0 ? (uint64_t)width : 0,
                                    height > 0 ? (uint64_t)height : 0, err);
    return st == WEFT_OK ? vis_still_bytes(&d->still, err) : st;
}

/* ---- pixels ---- */

static struct heif_error decode(const heif_dec *d, struct heif_image **out)
{
    struct heif_decoding_options *o = heif_decoding_options_alloc();
    struct heif_error             e = {heif_error_Memory_allocation_error, 0, ""};
    if (o == NULL)
        return e;
    o->convert_hdr_to_8bit = 1;
#if LIBHEIF_NUMERIC_VERSION >= 0x010f0000
    o->strict_decoding = 1;
#endif
    e = heif_decode_image(
        d->picture, out, heif_colorspace_RGB,
        d->still.channels == 4 ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, o);
    heif_decoding_options_free(o);
    return e;
}

/* Divides colours by the opacity that they were multiplied with. */
static void undo_alpha(uint8_t *px, int32_t n)
{
    for (int32_t i = 0; i < n; i++, px += 4)
        for (int c = 0; c < 3 && px[3] != 0; c++) {
            uint32_t v = (px[c] * 255u + px[3] / 2u) / px[3];
            px[c] = (uint8_t)(v < 255 ? v : 255);
        }
}

static weft_status copy_rows(const heif_dec *d, const struct heif_image *image,
                             const vis_canvas *canvas, weft_error *err)
{
    int stride = 0, premultiplied = d->still.channels == 4 &&
                                    heif_image_handle_is_premultiplied_alpha(d->picture);
    const uint8_t *px = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    if (px == NULL || heif_image_get_primary_width(image) != d->still.width ||
        heif_image_get_primary_height(image) != d->still.height)
        return weft_fail(
            err, WEFT_E_CORRUPT,
            "the %s decodes to another size than its header gives; the file is damaged",
            d->still.format);
    for (int32_t y = 0; y < d->still.height; y++) {
        uint8_t *row = vis_canvas_row(canvas, y);
        memcpy(row, px + (int64_t)y * stride, (size_t)d->still.width * (size_t)d->still.channels);
        if (premultiplied)
            undo_alpha(row, d->still.width);
    }
    return WEFT_OK;
}

/* ---- the decoder ---- */

static void dec_close(void *dec)
{
    heif_dec *d = dec;
    if (d == NULL)
        return;
    heif_image_handle_release(d->picture);
    heif_context_free(d->context);
    d->still.host->free(d->still.host, d->file);
    vis_still_free(&d->still);
}

static int is_avif(const uint8_t *p, uint64_t n)
{
    return n >= 12 && memcmp(p + 4, "ftypavif", 8) == 0;
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    (void)kind; /* this decoder has one kind only */
    *dec = NULL;
    heif_dec *d = h->alloc(h, sizeof *d, 64);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the picture");
    memset(d, 0, sizeof *d);
    vis_still_init(&d->still, h, "HEIC", src, lim);
    weft_status st = read_file(d, err);
    if (is_avif(d->file, d->n))
        d->still.format = "AVIF";
    if (st == WEFT_OK)
        st = open_picture(d, err);
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
    heif_dec          *d = dec;
    const weft_host   *h = d->still.host;
    struct heif_image *image = NULL;
    vis_canvas         canvas;
    weft_status        st = vis_still_canvas(&d->still, n, dst, at_us, &canvas, err);
    (void)time_us; /* a still picture is the same at any time */
    if (st == WEFT_OK && h->cancelled != NULL && h->cancelled(h))
        st = weft_fail(err, WEFT_E_CANCELLED, "decoding the %s was cancelled", d->still.format);
    if (st != WEFT_OK)
        return st;
    struct heif_error e = decode(d, &image);
    if (e.code != heif_error_Ok)
        return explain(d, e, err);
    st = copy_rows(d, image, &canvas, err);
    heif_image_release(image);
    return st;
}

/* Whether the first n bytes name one of the properties that make a picture more than its coded
 * frame: turns, mirrors, crops, an opacity beside it, tiles. */
static int is_composed(const uint8_t *p, uint64_t n)
{
    static const char names[][5] = {"irot", "imir", "clap", "auxC", "grid", "iovl"};
    for (uint64_t i = 0; i + 4 <= n; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            if (p[i] == (uint8_t)names[k][0] && memcmp(p + i, names[k], 4) == 0)
                return 1;
    return 0;
}

static int32_t dec_probe(const weft_probe *in)
{
    static const char        brands[][5] = {"heic", "heix", "heim", "heis", "mif1", "mif2"};
    static const char *const endings[] = {".heic", ".heif", ".hif", ".avif", NULL};
    const uint8_t           *p = in->head;
    if (in->kind == NULL || strcmp(in->kind, "image") != 0)
        return WEFT_PROBE_NO;
    if (is_avif(p, in->head_bytes))
        return is_composed(p, in->head_bytes) ? FINE : LESS;
    if (in->head_bytes >= 12 && memcmp(p + 4, "ftyp", 4) == 0)
        for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++)
            if (memcmp(p + 8, brands[i], 4) == 0)
                return FINE;
    return plg_name_ends(in->name_hint, endings) ? WEFT_PROBE_HINT : WEFT_PROBE_NO;
}

/* "ftyp" and each of the brands. */
#define FTYP "4:66747970"
#define MAGIC                                                                                      \
    FTYP "68656963," FTYP "68656978," FTYP "6865696d," FTYP "68656973," FTYP "6d696631," FTYP      \
         "6d696632," FTYP "61766966"

VIS_STILL_PLUGIN("heif", "HEIC, HEIF and AVIF decoder", MAGIC, "libheif.so.1")
