/* SPDX-License-Identifier: Apache-2.0 */
/* The orientation that a picture's metadata states: the tag of an EXIF block, or that of XMP. */
#ifndef VIS_EXIF_H
#define VIS_EXIF_H

#include <stdint.h>

/* Returns the EXIF orientation, 1 to 8, that a block of n bytes at p states; 0 where it states none
 * or is damaged, because a bad tag is no reason to refuse a picture.
 *
 * The block should be a TIFF structure ("II*\0..." or "MM\0*..."), with or without the prefix
 * "Exif\0\0" (JPEG has it, PNG should not but may); any bytes are safe. The orientation is tag
 * 0x0112 of the first directory. Where the tag is there twice the last one counts, as in readers
 * that keep tags in a map. [any] */
int32_t vis_exif_orientation(const uint8_t *p, uint64_t n);

/* The same of a block of XMP (XML of Adobe's): the first "tiff:Orientation" that a digit follows,
 * as an attribute or as an element. It is looked for as text and not as XML, as Pillow does. [any]
 */
int32_t vis_xmp_orientation(const uint8_t *p, uint64_t n);

#endif
