/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the text of an option's value against a type and a range. */
#ifndef WF_VALUE_H
#define WF_VALUE_H

#include "core/settings/settings.h"

/* The end of a range of all 64 bits, whose numbers wf_value_i64() gives modulo 2^64. */
#define WF_U64_MOST "18446744073709551615"

typedef struct wf_value_spec {
    const char *key;
    int32_t     type;  /* WEFT_OPT_* */
    uint32_t    flags; /* WF_OPT_* */
    const char *range; /* "min..max", either side may be empty; "a|b|c" for strings; NULL: any */
} wf_value_spec;

/* INVALID with "ORIGIN: KEY = VALUE: ..." where the text is no value of spec. Else *out is its
 * canonical text ("1048576" for "1M", "true" for "on"), the caller's to wf_free. */
weft_status wf_value_check(const wf_value_spec *spec, const char *text, const char *origin,
                           char **out, weft_error *err);
/* Whether the range itself is well formed for the type. [any] */
bool wf_value_range_ok(int32_t type, const char *range);

/* The number that a checked text stands for; also of "4G", and of "true" as 1. 0 for NULL. [any] */
int64_t wf_value_i64(const char *text);
double  wf_value_f64(const char *text);

#endif
