/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which claims the architectures of these directories. It tells the host
 * that they hold no text core. */
#include "speech.h"

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    (void)h;
    (void)p;
    (void)out;
    return weft_fail(err, WEFT_E_NOTFOUND,
                     "a speech directory has no text core: open a text model and name this "
                     "directory as the weights of %s",
                     SPK_ID);
}

const weft_checkpoint spk_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
