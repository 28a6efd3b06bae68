/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over a JPEG's segments before libjpeg sees a byte. */
#ifndef VIS_JPEG_SCAN_H
#define VIS_JPEG_SCAN_H

#include "still.h"

#define VIS_JPEG_MAX_SEGMENTS 65536 /* before the first scan */

/* Reads the segments up to the first scan: the size of s from the frame header, checked against the
 * limits, and the orientation of the first EXIF segment. *components: 1, 3 or 4; another number of
 * them, and other than 8 bits a sample, is UNSUPPORTED. [worker] */
weft_status vis_jpeg_scan(vis_still *s, int32_t *components, weft_error *err);

#endif
