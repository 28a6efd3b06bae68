/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the text of an option's value against a type and a range. Numbers are read by the rules of
 * the "C" locale, so that a program's setlocale() cannot change the decimal point. */
#include "core/settings/value.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Reads a whole number with an optional minus sign. With `bytes` it may end in K, M or G. */
static bool read_i64(const char *text, bool bytes, int64_t *out)
{
    char     *end;
    long long v;
    size_t    digits = strspn(text[0] == '-' ? text + 1 : text, "0123456789");
    if (digits == 0)
        return false;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno != 0)
        return false;
    if (bytes && *end != '\0') {
        const char *units = "KMG", *u = strchr(units, *end);
        if (u == NULL || end[1] != '\0')
            return false;
        *out = v;
        return !__builtin_mul_overflow(*out, (int64_t)1 << (10 * (u - units + 1)), out);
    }
    *out = v;
    return *end == '\0';
}

static bool read_u64(const char *text, uint64_t *out)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0;
}

static bool takes_u64(const char *range)
{
    const char *dots = range != NULL ? strstr(range, "..") : NULL;
    return dots != NULL && strcmp(dots + 2, WF_U64_MOST) == 0;
}

static bool read_f64(const char *text, double *out)
{
    char    *end;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0 || text[strspn(text, "+-0123456789.eE")] != '\0' || *text == '\0') {
        if (c != (locale_t)0)
            freelocale(c);
        return false;
    }
    *out = strtod_l(text, &end, c);
    freelocale(c);
    return *end == '\0' && isfinite(*out);
}

/* Splits "min..max" into two texts, either of which may be empty. */
static bool split_range(const char *range, char lo[32], char hi[32])
{
    const char *dots = strstr(range, "..");
    if (dots == NULL || dots - range >= 32 || strlen(dots + 2) >= 32)
        return false;
    memcpy(lo, range, (size_t)(dots - range));
    lo[dots - range] = '\0';
    memcpy(hi, dots + 2, strlen(dots + 2) + 1);
    return true;
}

static bool number_in_range(double v, const char *range)
{
    char   lo[32], hi[32];
    double bound;
    if (range == NULL || !split_range(range, lo, hi))
        return true;
    if (lo[0] != '\0' && read_f64(lo, &bound) && v < bound)
        return false;
    return !(hi[0] != '\0' && read_f64(hi, &bound) && v > bound);
}

static bool word_in_range(const char *word, const char *range)
{
    size_t n = strlen(word);
    for (const char *p = range; p != NULL;) {
        const char *bar = strchr(p, '|');
        size_t      len = bar != NULL ? (size_t)(bar - p) : strlen(p);
        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p = bar != NULL ? bar + 1 : NULL;
    }
    return range == NULL;
}

bool wf_value_range_ok(int32_t type, const char *range)
{
    char   lo[32], hi[32];
    double v;
    if (range == NULL)
        return true;
    if (type == WEFT_OPT_STR)
        return range[0] != '\0';
    return (type == WEFT_OPT_I64 || type == WEFT_OPT_F64) && split_range(range, lo, hi) &&
           (lo[0] == '\0' || read_f64(lo, &v)) && (hi[0] == '\0' || read_f64(hi, &v));
}

static int read_bool(const char *text)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++)
        if (strcmp(text, words[i]) == 0)
            return i & 1;
    return -1;
}

/* The canonical text of a value: in buf for whole numbers, else a constant or `text` itself. NULL:
 * the value does not fit. */
static const char *canonical(const wf_value_spec *spec, const char *text, char *buf, size_t cap)
{
    int64_t  i;
    uint64_t u;
    double   f;
    int      b;
    switch (spec->type) {
    case WEFT_OPT_I64:
        if (takes_u64(spec->range)) {
            if (!read_u64(text, &u))
                return NULL;
            snprintf(buf, cap, "%llu", (unsigned long long)u);
            return buf;
        }
        if (!read_i64(text, (spec->flags & WF_OPT_BYTES) != 0, &i) ||
            !number_in_range((double)i, spec->range))
            return NULL;
        snprintf(buf, cap, "%lld", (long long)i);
        return buf;
    case WEFT_OPT_F64:
        return read_f64(text, &f) && number_in_range(f, spec->range) ? text : NULL;
    case WEFT_OPT_BOOL:
        b = read_bool(text);
        return b < 0 ? NULL : b == 1 ? "true" : "false";
    default:
        return word_in_range(text, spec->range) ? text : NULL;
    }
}

static const char *wanted(const wf_value_spec *spec)
{
    if (spec->type == WEFT_OPT_I64)
        return (spec->flags & WF_OPT_BYTES) != 0 ? "a number of bytes (K, M, G allowed)"
                                                 : "a whole number";
    return spec->type == WEFT_OPT_F64    ? "a number"
           : spec->type == WEFT_OPT_BOOL ? "true or false"
                                         : "one";
}

weft_status wf_value_check(const wf_value_spec *spec, const char *text, const char *origin,
                           char **out, weft_error *err)
{
    char        buf[32];
    const char *ok = canonical(spec, text, buf, sizeof buf);
    *out = NULL;
    if (ok == NULL)
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INVALID, "%s: %s = %.80s: give %s%s%s", origin,
                                     spec->key, text, wanted(spec),
                                     spec->range != NULL ? " of " : "",
                                     spec->range != NULL ? spec->range : ""),
                             WEFT_STAGE_USAGE);
    *out = wf_strdup(ok);
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, strlen(ok) + 1, "an option's value");
}

int64_t wf_value_i64(const char *text)
{
    int64_t  v = 0;
    uint64_t u;
    if (text == NULL)
        return 0;
    if (read_i64(text, true, &v))
        return v;
    return read_u64(text, &u) ? (int64_t)u : read_bool(text) == 1;
}

double wf_value_f64(const char *text)
{
    double v = 0;
    return text != NULL && read_f64(text, &v) ? v : 0.0;
}
