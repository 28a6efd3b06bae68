/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins declare, looked at before it is believed. INVALID, marked as a misuse of the host's
 * tables: the declaration is nonsense whatever the model; INVALID alone: it does not fit the text
 * core; STATE: too late or one too many; CONFLICT: another plugin has it already. */
#ifndef WF_SITES_CHECK_H
#define WF_SITES_CHECK_H

#include "core/model/sites.h"

weft_status wf_site_check(const wf_hooks *h, const char *owner, int32_t n_layers,
                          const weft_hook_site *s, weft_error *err);
weft_status wf_marker_check(const wf_hooks *h, const char *owner, const weft_marker *m,
                            weft_error *err);

#endif
