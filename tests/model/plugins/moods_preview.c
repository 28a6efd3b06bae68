/* SPDX-License-Identifier: Apache-2.0 */
/* The preview of the plugin of moods: two pictures of 2 by 3 pixels, or what the option `shows`
 * says is wrong with them. */
#include "moods_preview.h"

#include <string.h>

/* Spoils what is told of the pictures; whether `how` is such a fault. */
static bool spoil(const char *how, weft_tensor *rgb)
{
    static char elsewhere[64];
    if (strcmp(how, "axes") == 0)
        rgb->ndim = 3;
    else if (strcmp(how, "more axes") == 0)
        rgb->ndim = 1 << 20;
    else if (strcmp(how, "none") == 0)
        rgb->shape[0] = 0;
    else if (strcmp(how, "negative") == 0)
        rgb->shape[1] = -2;
    else if (strcmp(how, "channels") == 0)
        rgb->shape[3] = 4;
    else if (strcmp(how, "huge") == 0)
        rgb->shape[0] = INT64_MAX;
    else if (strcmp(how, "large") == 0)
        rgb->shape[1] = (int64_t)1 << 33;
    else if (strcmp(how, "strides") == 0)
        rgb->stride[1] += 3;
    else if (strcmp(how, "bytes") == 0)
        rgb->bytes += 1;
    else if (strcmp(how, "type") == 0)
        rgb->dtype = WEFT_F32;
    else if (strcmp(how, "device") == 0)
        rgb->device_type = WEFT_DEV_OTHER;
    else if (strcmp(how, "address") == 0)
        rgb->data = elsewhere;
    else
        return false;
    return true;
}

weft_status moods_preview(const char *how, weft_tensor *rgb, weft_error *err)
{
    const bool    later = rgb->data != NULL && strncmp(how, "later ", 6) == 0;
    const int64_t shape[4] = {2, 2, later ? 9 : 3, 3};
    uint8_t      *to = (uint8_t *)rgb->data;
    *rgb = weft_view(NULL, to, WEFT_U8, 4, shape);
    if (strcmp(how, "fails") == 0)
        return weft_fail(err, WEFT_E_CORRUPT, "there is nothing to see");
    if (later ? spoil(how + 6, rgb) : spoil(how, rgb))
        return WEFT_OK;
    for (uint64_t i = 0; to != NULL && strcmp(how, "silent") != 0 && i < rgb->bytes && !later; i++)
        to[i] = (uint8_t)i;
    if (to != NULL && strcmp(how, "behind") == 0)
        to[rgb->bytes] = 1;
    return WEFT_OK;
}
