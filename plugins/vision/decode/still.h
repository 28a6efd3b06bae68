/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoders of still pictures share: limits, the facts about a picture, and the checks of
 * the buffer that pixels go to. */
#ifndef VIS_STILL_H
#define VIS_STILL_H

#include "canvas.h"
#include "stream.h"
#include "../../common/decoder.h"

/* Limits where the caller gives none: 64 Mpx, and sides that keep every product within 32 bits. */
#define VIS_STILL_MAX_PIXELS 67108864u
#define VIS_STILL_MAX_SIDE 32768u

/* Where an orientation comes from. Of several that a file states the one of the highest origin
 * counts. */
typedef enum vis_origin {
    VIS_FROM_NOWHERE,
    VIS_FROM_XMP,
    VIS_FROM_PROFILE, /* EXIF as a text of PNG, "Raw profile type exif", which ImageMagick writes */
    VIS_FROM_EXIF,
} vis_origin;

typedef struct vis_still {
    const weft_host *host;
    const char      *format; /* "PNG": the format's name in messages */
    vis_stream       stream;
    int32_t          width, height;         /* as stored */
    int32_t          channels, orientation; /* 3 or 4; EXIF, 1 to 8 */
    vis_origin       origin;                /* of the orientation */
    uint8_t         *raw, *line;            /* a row as the library gives it, and as pixels */
    uint64_t         max_pixels, max_side, max_decoded_bytes;
} vis_still;

/* lim may be NULL, or end before a field: the defaults above then hold, and none for bytes. */
void vis_still_init(vis_still *s, const weft_host *host, const char *format,
                    const weft_source *source, const weft_limits *lim);

/* Sets the stored size that a header gave. CORRUPT for an empty picture; LIMIT, with the name of
 * the option, for one that is over a limit. Must be called before anything is allocated for the
 * picture. */
weft_status vis_still_size(vis_still *s, uint64_t width, uint64_t height, weft_error *err);

/* To be called once the channels are known: LIMIT where the pixels have more than
 * max_decoded_bytes. */
weft_status vis_still_bytes(const vis_still *s, weft_error *err);

/* Takes the orientation that n bytes of metadata from that origin state, unless one of a higher
 * origin is known. */
void vis_still_orient(vis_still *s, vis_origin from, const uint8_t *p, uint64_t n);
/* Reads the block of n bytes of EXIF or XMP at `offset` and takes its orientation. It moves the
 * stream. Of a large block only the first 64 KiB are read: EXIF's directories come first. */
weft_status vis_still_metadata(vis_still *s, vis_origin from, uint64_t offset, uint64_t n,
                               weft_error *err);
/* Logs a warning that the file ends behind its pixels, before its format's own end. */
void vis_still_warn_end(const vis_still *s);

/* weft_decoder's info. still: a decoder, which begins with a vis_still. Fills *out as far as its
 * size reaches. */
weft_status vis_still_info(void *still, weft_media_info *out, weft_error *err);

/* Allocates a row in raw and one in line, of 4 bytes a pixel each. */
weft_status vis_still_lines(vis_still *s, weft_error *err);
/* Frees both rows and then the decoder that begins with s. */
void vis_still_free(vis_still *s);

/* Checks the arguments of read_frames and makes the canvas over dst; at_us[0] becomes 0. */
weft_status vis_still_canvas(const vis_still *s, uint32_t n, const weft_tensor *dst, int64_t *at_us,
                             vis_canvas *out, weft_error *err);

/* Fills *err with the message for a file that ends before its picture is complete, or for a source
 * that failed. */
weft_status vis_still_short(const vis_still *s, weft_error *err);
weft_status vis_still_nomem(const vis_still *s, weft_error *err);

/* Defines the tables of a plugin that reads one format. NAME is the format ("png"; the plugin's id
 * is then weft.png), MAGIC the first bytes of its files as a manifest says them. The file that uses
 * this macro must have dec_probe, dec_open, dec_read_frames and dec_close. */
#define VIS_STILL_PLUGIN(NAME, TITLE, MAGIC, LINKS)                                                \
    static const char *const  kinds[] = {"image", NULL};                                           \
    static const weft_decoder decoder = {                                                          \
        .hdr = WEFT_HDR(weft_decoder),                                                             \
        .kinds = kinds,                                                                            \
        .probe = dec_probe,                                                                        \
        .open = dec_open,                                                                          \
        .info = vis_still_info,                                                                    \
        .read_frames = dec_read_frames,                                                            \
        .close = dec_close,                                                                        \
    };                                                                                             \
    static const char *const    needs[] = {NULL};                                                  \
    static const weft_component components[] = {                                                   \
        {WEFT_HDR(weft_component), WEFT_C_DECODER, NAME, &decoder}};                               \
    static const weft_descriptor descriptor = {                                                    \
        .hdr = WEFT_HDR(weft_descriptor),                                                          \
        .id = "weft." NAME,                                                                        \
        .name = TITLE,                                                                             \
        .version = "0.1.0",                                                                        \
        .vendor = "weft",                                                                          \
        .license_spdx = "Apache-2.0",                                                              \
        .needs_host = needs,                                                                       \
        .components = components,                                                                  \
        .n_components = 1,                                                                         \
    };                                                                                             \
    WEFT_PLUGIN("weft." NAME, "0.1.0",                                                             \
                "components=decoder:" NAME "\nkinds=image\nmagic=" MAGIC "\nlinks=" LINKS "\n",    \
                &descriptor, NULL, NULL)

#endif
