/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes of a normalised text are given. The normalizers do not tell where a byte of theirs
 * came from, so each stretch that ends where given text begins or ends is normalised too: where
 * that gives a beginning of the whole, its length is the place of that border in it. */
#include "text.h"

#define WORK_MAX ((uint64_t)64 << 20) /* bytes normalised in all for one text */

static uint64_t borders(const uint8_t *given, uint64_t n)
{
    uint64_t count = 1;
    for (uint64_t i = 1; i < n; i++)
        count += given[i] != given[i - 1];
    return count;
}

/* The length of text[0..n) in `whole`; TXT_GIVEN_UNKNOWN: it is no beginning of it. */
static weft_status length_in(const txt_steps *s, const uint8_t *text, uint64_t n,
                             txt_text_bytes whole, txt_scratch *scratch, uint64_t *length,
                             weft_error *err)
{
    uint32_t    which;
    weft_status status = txt_normalise(s, text, n, scratch->prefix, &which, err);
    if (status != WEFT_OK)
        return status;
    const uint8_t *p = which == 2 ? text : scratch->prefix[which].p;
    *length = which == 2 ? n : scratch->prefix[which].n;
    if (*length > whole.n || (*length != 0 && memcmp(p, whole.p, *length) != 0))
        *length = TXT_GIVEN_UNKNOWN;
    return WEFT_OK;
}

weft_status txt_given_normalised(const txt_steps *s, const uint8_t *text, const uint8_t *given,
                                 uint64_t n, txt_text_bytes whole, txt_scratch *scratch,
                                 const uint8_t **out, weft_error *err)
{
    uint64_t done = 0, length = 0;
    *out = NULL;
    if (whole.n == n && memcmp(whole.p, text, n) == 0) {
        *out = given;
        return WEFT_OK;
    }
    if (borders(given, n) > WORK_MAX / (n + 1))
        return WEFT_OK;
    scratch->given.n = 0;
    weft_status status = txt_buf_reserve(&scratch->given, whole.n + 1, err);
    for (uint64_t i = 1; status == WEFT_OK && i <= n; i++) {
        if (i < n && given[i] == given[i - 1])
            continue;
        status = length_in(s, text, i, whole, scratch, &length, err);
        if (status != WEFT_OK || length == TXT_GIVEN_UNKNOWN || length < done)
            return status;
        memset(scratch->given.p + done, given[i - 1], length - done);
        done = length;
    }
    if (status == WEFT_OK && done == whole.n)
        *out = scratch->given.p;
    return status;
}
