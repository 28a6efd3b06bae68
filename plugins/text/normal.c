/* SPDX-License-Identifier: Apache-2.0 */
/* The normalizers of tokenizer.json. Source: huggingface/tokenizers normalizers/{prepend,replace,
 * unicode}.rs. */
#include "unicode.h"

#include "steps.h"

/* A file may not make a text longer than this. */
#define GROWTH 16u
#define GROWTH_MORE 65536u

static weft_status grown_too_far(weft_error *err)
{
    return weft_fail(err, WEFT_E_LIMIT,
                     "the tokenizer's normalizer makes this text more than %u times as long",
                     GROWTH);
}

static weft_status nfc(const txt_steps *s, const txt_step *step, const txt_buf *from, txt_buf *to,
                       weft_error *err)
{
    (void)s;
    (void)step;
    return txt_nfc(from->p, from->n, to, err);
}

static weft_status prepend_check(txt_steps *s, txt_step *step, weft_error *err)
{
    (void)s;
    return step->content.at != TXT_NONE
               ? WEFT_OK
               : weft_fail(err, WEFT_E_CORRUPT, "tokenizer.json has a Prepend without a text");
}

static weft_status prepend(const txt_steps *s, const txt_step *step, const txt_buf *from,
                           txt_buf *to, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (from->n != 0)
        status = txt_buf_add(to, txt_step_bytes(s, step->content), step->content.n, err);
    return status == WEFT_OK ? txt_buf_add(to, from->p, from->n, err) : status;
}

static weft_status replace_check(txt_steps *s, txt_step *step, weft_error *err)
{
    (void)s;
    if (step->is_regex)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "tokenizer.json has a Replace by an expression, which is not known here");
    if (step->pattern.at == TXT_NONE || step->pattern.n == 0 || step->pattern.n > 64 ||
        step->content.at == TXT_NONE)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "tokenizer.json has a Replace without a pattern of 1 to 64 bytes");
    return WEFT_OK;
}

static weft_status replace(const txt_steps *s, const txt_step *step, const txt_buf *from,
                           txt_buf *to, weft_error *err)
{
    const uint8_t *what = txt_step_bytes(s, step->pattern);
    const uint64_t n = step->pattern.n, most = from->n * GROWTH + GROWTH_MORE;
    weft_status    status = WEFT_OK;
    for (uint64_t at = 0; status == WEFT_OK && at < from->n;) {
        bool is = from->n - at >= n && memcmp(from->p + at, what, n) == 0;
        status = is ? txt_buf_add(to, txt_step_bytes(s, step->content), step->content.n, err)
                    : txt_buf_add(to, from->p + at, 1, err);
        at += is ? n : 1;
        if (to->n > most)
            return grown_too_far(err);
    }
    return status;
}

const txt_step_kind txt_normalizers[] = {
    {"NFC", NULL, nfc, NULL},
    {"Prepend", prepend_check, prepend, NULL},
    {"Replace", replace_check, replace, NULL},
};
const uint32_t txt_n_normalizers = sizeof txt_normalizers / sizeof *txt_normalizers;

weft_status txt_normalise(const txt_steps *s, const uint8_t *text, uint64_t n, txt_buf bufs[2],
                          uint32_t *which, weft_error *err)
{
    /* The text is only read through this. */
    txt_buf  given = {.p = (uint8_t *)(uintptr_t)text, .n = n};
    txt_buf *from = &given;
    *which = 2;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t to = *which == 0 ? 1 : 0;
        bufs[to].n = 0;
        weft_status status = s->at[i].kind->normal(s, &s->at[i], from, &bufs[to], err);
        if (status != WEFT_OK)
            return status;
        if (bufs[to].n > n * GROWTH + GROWTH_MORE)
            return grown_too_far(err);
        from = &bufs[to];
        *which = to;
    }
    return WEFT_OK;
}
