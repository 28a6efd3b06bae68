/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes what a plugin holds of the program: the one thing that the room which finds plugins and
 * the room which lends to them know of each other. */
#ifndef WF_HOST_MAKER_H
#define WF_HOST_MAKER_H

#include <stdbool.h>

#include "weft/plugin.h"

typedef struct wf_host_maker {
    void *ctx;
    /* A host for the plugin of this id and descriptor, which outlive it. On failure *out is NULL.
     */
    weft_status (*make)(void *ctx, const char *id, const weft_descriptor *d, weft_host **out,
                        weft_error *err);
    /* Is there an interface of this id? */
    bool (*serves)(const char *interface_id);
    /* Takes back everything that was lent, after deinit or a failed init; path is for messages. */
    void (*clear)(void *ctx, weft_host *h, const char *path);
} wf_host_maker;

#endif
