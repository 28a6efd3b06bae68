/* SPDX-License-Identifier: Apache-2.0 */
/* Takes what an adapter's install gives to the text core. */
#ifndef TEST_HOOKS_H
#define TEST_HOOKS_H

#include "weft/hooks.h"

/* Of each the latest. */
static weft_hook_site hooks_site;
static weft_marker    hooks_marker;

static inline weft_status hooks_take_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    (void)ctx, (void)err;
    hooks_site = *s;
    return WEFT_OK;
}

static inline weft_status hooks_take_marker(void *ctx, const weft_marker *s, weft_error *err)
{
    (void)ctx, (void)err;
    hooks_marker = *s;
    return WEFT_OK;
}

static const weft_hook_sink hooks_sink = {WEFT_HDR(weft_hook_sink), NULL, hooks_take_site,
                                          hooks_take_marker};

#endif
