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

/* Rows that a verify compared: of encoders and adapters ("vision.output"), and of the core. */
typedef struct verified {
    int32_t stages, core;
} verified;

static inline void verify_row(void *ctx, const weft_verify_row *row)
{
    verified *v = ctx;
    if (strchr(row->name, '.') != NULL && strncmp(row->name, "hidden.", 7) != 0)
        v->stages++;
    else
        v->core++;
    if (!row->passed)
        print_message(
            "%s: max abs %g, relative %g, cosine %g, ids %lld of %lld, first argmax %lld\n",
            row->name, row->max_abs, row->relative, row->cosine, (long long)row->n_equal,
            (long long)row->n_compared, (long long)row->first_argmax);
}

/* Every row must pass. bf16: judged by cosine. Closes both. */
static inline verified verify_passes(weft_engine *e, weft_settings *s, const char *parity,
                                     int32_t bf16)
{
    verified            v = {0, 0};
    weft_error          err = WF_ERROR_INIT;
    weft_verify_request rq = {.hdr = WEFT_HDR(weft_verify_request),
                              .parity = parity,
                              .bf16 = bf16,
                              .on_row = verify_row,
                              .ctx = &v};
    int32_t             passed = 0;
    if (weft_verify(e, &rq, &passed, &err) != WEFT_OK)
        fail_msg("verify: %s", err.message);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    assert_int_equal(passed, 1);
    return v;
}

#endif
