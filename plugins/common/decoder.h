/* SPDX-License-Identifier: Apache-2.0 */
/* What our decoder plugins share, whichever format they read: a check of file names, and handing
 * out what is known of a medium. */
#ifndef PLG_DECODER_H
#define PLG_DECODER_H

#include "weft/sdk.h"

/* 1 where name ends in one of the endings (lower case, with the dot, NULL-terminated); ASCII case
 * is ignored. name may be NULL. [any] */
int plg_name_ends(const char *name, const char *const *endings);

/* Copies *me to *out, but no more bytes than out->hdr.size says that the caller's struct has;
 * that size stays. INVALID where out->hdr.size is too small to be a size.
 * [worker] */
weft_status plg_info_give(weft_media_info *me, weft_media_info *out, weft_error *err);

#endif
