/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of strings that fill them up to a width. */
#include "methods_str.h"
#include "strings.h"

/* The one character that a text is filled up with. */
static const tpl_text *filling(const tpl_str_call *c)
{
    const tpl_value *given = tpl_arg(c->r, c->a, 1, NULL);
    const tpl_text  *fill = tpl_arg_text(c->r, c->a, 1, NULL, " ");
    if (given != NULL)
        fill = tpl_inserted(c->s, given, c->markup);
    if (tpl_length(fill) != 1)
        tpl_fail(c->s, WEFT_E_INVALID, "a text is filled up with what is not one character");
    return fill;
}

/* Fills up to a width in characters, with `left` of the filling in front. */
static tpl_value justified(const tpl_str_call *c, int side)
{
    const int64_t   width = tpl_arg_int(c->r, c->a, 0, NULL, 0), n = (int64_t)tpl_length(c->t);
    const tpl_text *fill = filling(c);
    const int64_t   more = width > n ? width - n : 0;
    const int64_t   left = side == TPL_LEFT    ? 0
                           : side == TPL_RIGHT ? more
                                               : more / 2 + (more & width & 1);
    tpl_build       b = {.s = c->s};
    (void)tpl_work(c->s, c->t->n / 8);
    if ((uint64_t)more > TPL_MAX_MEMORY)
        tpl_fail(c->s, WEFT_E_LIMIT, "a text is made more than %llu MB long",
                 (unsigned long long)(TPL_MAX_MEMORY >> 20));
    for (int64_t i = 0; i < more && tpl_work(c->s, 1); i++) {
        if (i == left)
            tpl_add_text(&b, c->t);
        tpl_add_text(&b, fill);
    }
    if (left == more)
        tpl_add_text(&b, c->t);
    return tpl_markup(tpl_built(&b), c->markup);
}

tpl_value tpl_str_ljust(const tpl_str_call *c)
{
    return justified(c, TPL_LEFT);
}

tpl_value tpl_str_rjust(const tpl_str_call *c)
{
    return justified(c, TPL_RIGHT);
}

tpl_value tpl_str_center(const tpl_str_call *c)
{
    return justified(c, TPL_LEFT | TPL_RIGHT);
}
