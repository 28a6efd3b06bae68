/* SPDX-License-Identifier: Apache-2.0 */
/* Samples without a header (--raw-audio): what the user says of them becomes the header of a WAV,
 * and whoever reads WAVs reads them. */
#ifndef WF_RAW_H
#define WF_RAW_H

#include <stdint.h>

#include "core/base/status.h"

#define WF_RAW_BYTES 44 /* of the header */

/* Turns "FORMAT,RATE,CHANNELS" into the header of a WAV that goes on to the end of the file.
 * FORMAT: u8, s16le, s24le, s32le, f32le, f64le, alaw or mulaw; RATE: 1000 to 384000; CHANNELS: 1
 * to 8. INVALID, of stage USAGE, with what is possible, for anything else. [any] */
weft_status wf_raw_header(const char *text, uint8_t header[WF_RAW_BYTES], weft_error *err);

#endif
