/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of strings that ask what characters they consist of. */
#include "unicode.h"

#include "case.h"
#include "methods_str.h"

/* Whether there are characters and each is of the kind. */
static tpl_value all_are(const tpl_str_call *c, bool (*is)(uint32_t cp))
{
    uint32_t bytes;
    bool     all = c->t->n > 0 && tpl_work(c->s, c->t->n / 8);
    for (uint64_t at = 0; at < c->t->n && all; at += bytes) {
        const uint32_t cp = tpl_char(c->t, at, &bytes);
        all = cp != TXT_NONE && is(cp);
    }
    return tpl_bool(all, TPL_GIVEN);
}

static bool is_digit(uint32_t cp)
{
    return txt_category_of(cp) == TXT_CAT_DIGIT;
}

static bool is_alpha(uint32_t cp)
{
    return txt_class(cp) == TXT_LETTER;
}

static bool is_alnum(uint32_t cp)
{
    return is_alpha(cp) || txt_class(cp) == TXT_NUMBER;
}

tpl_value tpl_str_isdigit(const tpl_str_call *c)
{
    return all_are(c, is_digit);
}

tpl_value tpl_str_isalpha(const tpl_str_call *c)
{
    return all_are(c, is_alpha);
}

tpl_value tpl_str_isalnum(const tpl_str_call *c)
{
    return all_are(c, is_alnum);
}

tpl_value tpl_str_isspace(const tpl_str_call *c)
{
    return all_are(c, tpl_is_space);
}

/* isupper, islower: letters with case are there, and all of them are so. */
static tpl_value case_is(const tpl_str_call *c, bool (*is)(uint32_t cp))
{
    uint32_t bytes;
    bool     any = false, all = tpl_work(c->s, c->t->n / 8);
    for (uint64_t at = 0; at < c->t->n && all; at += bytes) {
        const uint32_t cp = tpl_char(c->t, at, &bytes);
        const bool     cased = tpl_is_cased(cp);
        any |= cased;
        all = !cased || is(cp);
    }
    return tpl_bool(any && all, TPL_GIVEN);
}

tpl_value tpl_str_isupper(const tpl_str_call *c)
{
    return case_is(c, tpl_is_upper);
}

tpl_value tpl_str_islower(const tpl_str_call *c)
{
    return case_is(c, tpl_is_lower);
}
