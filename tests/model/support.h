/* SPDX-License-Identifier: Apache-2.0 */
/* Opening engines on fixture directories, for the tests of this folder. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/status.h"
#include "weft/weft.h"

#define FIXTURE(name) WEFT_FIXTURES "/" name

/* Settings from "key=value" strings up to NULL; "@FILE" loads a configuration file. */
static inline weft_settings *settings_of(const char *const *pairs)
{
    weft_settings *s;
    weft_error     err = WF_ERROR_INIT;
    assert_int_equal(weft_settings_create(&s, &err), WEFT_OK);
    for (; *pairs != NULL; pairs++) {
        char        key[64];
        const char *eq = strchr(*pairs, '=');
        if (**pairs == '@') {
            if (weft_settings_load(s, *pairs + 1, &err) != WEFT_OK)
                fail_msg("%s", err.message);
            continue;
        }
        snprintf(key, sizeof key, "%.*s", (int)(eq - *pairs), *pairs);
        if (weft_settings_set(s, key, eq + 1, key, &err) != WEFT_OK)
            fail_msg("%s: %s", *pairs, err.message);
    }
    return s;
}

static inline weft_engine *open_engine(weft_settings *s)
{
    weft_engine *e;
    weft_error   err = WF_ERROR_INIT;
    if (weft_engine_open(s, 0, NULL, &e, &err) != WEFT_OK)
        fail_msg("open: %s", err.message);
    return e;
}

#endif
