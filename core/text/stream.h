/* SPDX-License-Identifier: Apache-2.0 */
/* From tokens to whole characters. */
#ifndef WF_STREAM_H
#define WF_STREAM_H

#include "core/text/text.h"
#include "core/text/text_out.h"
#include "weft/weft.h"

/* All zero but for text: nothing said yet. Freed by wf_text_out_free(&t->out). */
struct weft_text_stream {
    const wf_text *text; /* borrowed; without a tokenizer tokens have no text */
    wf_text_out    out;
};

#endif
