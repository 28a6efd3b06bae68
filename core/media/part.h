/* SPDX-License-Identifier: Apache-2.0 */
/* The host between a part of a recording, whose samples a segmenter gives, and the modality that
 * reads it: the same checks as before a decoder's. */
#ifndef WF_PART_H
#define WF_PART_H

#include "core/plugin/registry.h"
#include "weft/modality.h"

typedef struct wf_part {
    const weft_media *of; /* the segmenter's; borrowed, valid during push */
    wf_plugin        *segmenter;
    const char       *file; /* for messages; borrowed */
    int32_t           validate, reserved;
    weft_media_info   info;
    weft_media        pub; /* what a modality is given */
} wf_part;

/* out->pub over media, of the kind given. INTERNAL at stage PLUGIN where media is none or says what
 * cannot be. *out must not move. */
weft_status wf_part_open(wf_plugin *segmenter, const char *file, const char *kind,
                         const weft_media *media, bool validate, wf_part *out, weft_error *err);

#endif
