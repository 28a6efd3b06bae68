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

/* Reads the chunk headers and fills in the size and the orientation of s. It reads up to IEND, or
 * only up to the first IDAT where the length of the file is unknown, so that a pipe is not read
 * ahead. Files made to exhaust memory are refused: those with too many or too large chunks, or with
 * text that unpacks to too much. CORRUPT where a chunk reaches past the end of the file. [worker]
 */
weft_status vis_png_scan(vis_still *s, weft_error *err);

#endif
