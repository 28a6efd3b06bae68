/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting expressions that are not written as functions, by PCRE2. The reference has Oniguruma.
 * Where the two read the same characters otherwise, the expression is refused. A file may bring an
 * expression that takes forever on some text, so the steps of one match are limited. */
#include "steps.h"

#ifdef WEFT_TEXT_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_STEPS 2000000u
#define HEAP_KIB 65536u

struct txt_regex {
    pcre2_code          *code;
    pcre2_match_context *limits;
};

/* In Oniguruma \h is a hexadecimal digit, and (?m) lets a point match a line feed. */
static bool reads_otherwise(const uint8_t *pattern, uint64_t n)
{
    for (uint64_t i = 0; i + 1 < n; i++) {
        if (pattern[i] == '\\') {
            i++;
            if (strchr("hHRXKGQEgk", pattern[i]) != NULL)
                return true;
        } else if (i + 2 < n && memcmp(pattern + i, "(?m", 3) == 0)
            return true;
    }
    return n > 0 && memchr(pattern, '\0', n) != NULL;
}

static weft_status refused(const uint8_t *pattern, uint64_t n, const char *why, weft_error *err)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "tokenizer.json: the splitting expression %.*s cannot be used: %s",
                     (int)(n < 80 ? n : 80), (const char *)pattern, why);
}

weft_status txt_regex_make(const uint8_t *pattern, uint64_t n, txt_regex **out, weft_error *err)
{
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    int            code = 0;
    size_t         at = 0;
    PCRE2_UCHAR    why[120];
    *out = NULL;
    if (reads_otherwise(pattern, n))
        return refused(pattern, n, "PCRE2 reads it otherwise than the reference does", err);
    txt_regex *r = calloc(1, sizeof *r);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory for a splitting expression");
    r->code = pcre2_compile(pattern, n, options, &code, &at, NULL);
    r->limits = r->code != NULL ? pcre2_match_context_create(NULL) : NULL;
    if (r->limits == NULL) {
        weft_status s = WEFT_E_NOMEM;
        if (r->code == NULL && pcre2_get_error_message(code, why, sizeof why) >= 0)
            s = refused(pattern, n, (const char *)why, err);
        else
            (void)weft_fail(err, s, "no memory for a splitting expression");
        txt_regex_free(r);
        return s;
    }
    pcre2_set_match_limit(r->limits, MATCH_STEPS);
    pcre2_set_heap_limit(r->limits, HEAP_KIB);
    *out = r;
    return WEFT_OK;
}

void txt_regex_free(txt_regex *r)
{
    if (r == NULL)
        return;
    pcre2_match_context_free(r->limits);
    pcre2_code_free(r->code);
    free(r);
}

weft_status txt_regex_find(const txt_regex *r, const uint8_t *text, uint64_t n, uint64_t at,
                           uint64_t *from, uint64_t *to, weft_error *err)
{
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    if (found == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory for a splitting expression");
    int rc = pcre2_match(r->code, text, n, at, PCRE2_NO_UTF_CHECK, found, r->limits);
    *from = *to = n;
    if (rc >= 0) {
        *from = pcre2_get_ovector_pointer(found)[0];
        *to = pcre2_get_ovector_pointer(found)[1];
    }
    pcre2_match_data_free(found);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_LIMIT,
                     "the tokenizer's splitting expression takes too many steps on this text");
}

#else

weft_status txt_regex_make(const uint8_t *pattern, uint64_t n, txt_regex **out, weft_error *err)
{
    *out = NULL;
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "tokenizer.json has the splitting expression %.*s, and weft was built without "
                     "PCRE2, which it needs",
                     (int)(n < 80 ? n : 80), (const char *)pattern);
}

void txt_regex_free(txt_regex *r)
{
    (void)r; /* none is ever made */
}

weft_status txt_regex_find(const txt_regex *r, const uint8_t *text, uint64_t n, uint64_t at,
                           uint64_t *from, uint64_t *to, weft_error *err)
{
    (void)r;
    (void)text;
    (void)at;
    *from = *to = n;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "weft was built without PCRE2");
}

#endif
