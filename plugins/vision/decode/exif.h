/* SPDX-License-Identifier: Apache-2.0 */
/* The orientation tag of an EXIF block. */
#ifndef VIS_EXIF_H
#define VIS_EXIF_H

#include <stdint.h>

/* p, n: a TIFF structure ("II*\0..." or "MM\0*..."), with or without the prefix "Exif\0\0" (JPEG
 * has it, PNG should not but may), or any bytes at all. Returns tag 0x0112 of its first directory
 * (the last one where it is there twice, as readers that keep a map see it), 1 to 8; 1 (upright)
 * where there is none or the block is damaged: a bad tag is no reason to refuse a picture. [any] */
int32_t vis_exif_orientation(const uint8_t *p, uint64_t n);

#endif
