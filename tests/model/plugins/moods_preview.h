/* SPDX-License-Identifier: Apache-2.0 */
/* The preview of the plugin of moods. */
#ifndef TEST_MOODS_PREVIEW_H
#define TEST_MOODS_PREVIEW_H

#include <stdbool.h>

#include <weft/sdk.h>

/* As weft_modality.preview, gone wrong as `how` says: "well", or a fault of what it tells ("axes",
 * "more axes", "none", "negative", "channels", "huge", "large", "strides", "bytes", "type",
 * "device", "address", all the same with "later " before it: only when it is to fill them), "later
 * size" (then they are larger), "fails", "silent" (nothing is written), "behind" (a byte behind
 * them is). */
weft_status moods_preview(const char *how, weft_tensor *rgb, weft_error *err);

#endif
