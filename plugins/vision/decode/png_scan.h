/* SPDX-License-Identifier: Apache-2.0 */
/* Reads through a PNG's chunks before libpng sees a byte of it. */
#ifndef VIS_PNG_SCAN_H
#define VIS_PNG_SCAN_H

#include "still.h"

/* Limits: how many chunks there may be that do not hold pixels; how many bytes one of these may
 * have, and how many all texts and colour profiles may have when unpacked; how many chunks may hold
 * pixels (IDAT and the frames of an animation). */
#define VIS_PNG_MAX_CHUNKS 128
#define VIS_PNG_MAX_CHUNK_BYTES 8000000
#define VIS_PNG_MAX_DATA_CHUNKS 65536

/* Reads the chunk headers up to IEND and fills in the size and the orientation of s: of a chunk
 * eXIf, else of a text "Raw profile type exif", else of XMP, wherever in the file these stand. Of a
 * pipe no more is read than the host keeps. A file that ends between its pixels and IEND is
 * complete as far as this goes; *no_end gets 1. Files made to exhaust memory are refused: those
 * with too many or too large chunks, or with text that unpacks to too much. CORRUPT where a chunk
 * before the pixels or with pixels reaches past the end of the file. [worker] */
weft_status vis_png_scan(vis_still *s, int *no_end, weft_error *err);

#endif
