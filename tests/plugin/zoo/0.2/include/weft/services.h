/* SPDX-License-Identifier: Apache-2.0 */
/* weft/services.h: plugin to plugin, always through the host.
 *
 * A service is a table of functions under an id "owner.name/REV"; its struct has a header of its
 * own under include/weft/services/, owned by the plugin that gives it. A descriptor lists what it
 * needs and gives: plugins are initialised in that order and closed in the reverse one; a gap or a
 * cycle is a load error that prints the chain. */
#ifndef WEFT_SERVICES_H
#define WEFT_SERVICES_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_IF_SERVICES "weft.services/1"
typedef struct weft_if_services {
    weft_hdr hdr;
    /* Gives vtable (which starts with a weft_hdr) and self under an id of the descriptor's
     * gives_service; both live until deinit. In init. [setup] */
    weft_status (*publish)(const weft_host *h, const char *id, const void *vtable, void *self,
                           weft_error *err);
    /* NOTFOUND: nobody gives it, or its plugin is not loaded. From init on. [setup] */
    weft_status (*acquire)(const weft_host *h, const char *id, const void **vtable, void **self,
                           weft_error *err);
} weft_if_services;

#ifdef __cplusplus
}
#endif
#endif
