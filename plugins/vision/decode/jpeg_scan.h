/* SPDX-License-Identifier: Apache-2.0 */
/* Reads through a JPEG's segments before libjpeg sees a byte of it. */
#ifndef VIS_JPEG_SCAN_H
#define VIS_JPEG_SCAN_H

#include "still.h"

#define VIS_JPEG_MAX_SEGMENTS 65536 /* before the first scan */

/* Reads the segments up to the first scan. It takes the size of s from the frame header and checks
 * it against the limits, and takes the orientation from the first EXIF segment. *components becomes
 * 1, 3 or 4. Another number of components, or samples of other than 8 bits, is UNSUPPORTED.
 * [worker] */
weft_status vis_jpeg_scan(vis_still *s, int32_t *components, weft_error *err);

#endif
