/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over a PNG's chunks before libpng sees a byte. */
#ifndef VIS_PNG_SCAN_H
#define VIS_PNG_SCAN_H

#include "still.h"

#define VIS_PNG_MAX_CHUNKS 128          /* beside those that hold pixels */
#define VIS_PNG_MAX_CHUNK_BYTES 8000000 /* of one such; also of all texts and profiles unpacked */
#define VIS_PNG_MAX_DATA_CHUNKS 65536   /* of pixels: IDAT and the frames of an animation */

/* Reads the chunk headers up to IEND (up to the first IDAT where the length of the file is unknown:
 * a pipe is not read ahead) and fills the size and the orientation of s. Refuses bombs: too many or
 * too large chunks, text that unpacks to too much. CORRUPT where a chunk leaves the file.
 * [worker] */
weft_status vis_png_scan(vis_still *s, weft_error *err);

#endif
