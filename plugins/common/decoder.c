/* SPDX-License-Identifier: Apache-2.0 */
/* What our decoder plugins share, whichever format they read. */
#include "decoder.h"

static int ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    if (n < m)
        return 0;
    for (size_t i = 0; i < m; i++) {
        char c = name[n - m + i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != ending[i])
            return 0;
    }
    return 1;
}

int plg_name_ends(const char *name, const char *const *endings)
{
    for (; name != NULL && *endings != NULL; endings++)
        if (ends_in(name, *endings))
            return 1;
    return 0;
}

weft_status plg_info_give(weft_media_info *me, weft_media_info *out, weft_error *err)
{
    if (out->hdr.size < sizeof out->hdr)
        return weft_fail(err, WEFT_E_INVALID, "the media info struct given has no size");
    me->hdr.size = out->hdr.size;
    memcpy(out, me, me->hdr.size < sizeof *me ? me->hdr.size : sizeof *me);
    return WEFT_OK;
}
