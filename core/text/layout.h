/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of items (weft_plan.layout) as ids. */
#ifndef WF_LAYOUT_H
#define WF_LAYOUT_H

#include "core/media/item.h"
#include "core/text/text.h"

/* Fills item->layout where the item's plan has a layout and that has not been done. t is open. The
 * text between the runs is the plugin's own, so special tokens in it are special. [setup] */
weft_status wf_text_lay_out(const wf_text *t, weft_item *item, weft_error *err);

#endif
