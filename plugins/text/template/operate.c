/* SPDX-License-Identifier: Apache-2.0 */
/* Python's operators on values. */
#include <math.h>

#include "lexer.h"

bool tpl_truth(const tpl_value *v)
{
    switch (v->type) {
    case TPL_UNDEFINED:
    case TPL_NONE:
        return false;
    case TPL_BOOL:
    case TPL_INT:
        return v->u.i != 0;
    case TPL_FLOAT:
        return v->u.f != 0;
    case TPL_STRING:
        return v->u.text->n != 0;
    case TPL_LIST:
    case TPL_TUPLE:
        return v->u.list->n != 0;
    case TPL_DICT:
        return v->u.dict->n != 0;
    default:
        return true;
    }
}

static bool equal_lists(tpl_state *s, const tpl_list *a, const tpl_list *b)
{
    if (a->n != b->n)
        return false;
    for (uint64_t i = 0; i < a->n; i++)
        if (!tpl_equal(s, &a->at[i], &b->at[i]))
            return false;
    return true;
}

static bool equal_dicts(tpl_state *s, const tpl_dict *a, const tpl_dict *b)
{
    if (a->n != b->n)
        return false;
    for (uint64_t i = 0; i < a->n; i++) {
        const tpl_value *other = tpl_get(s, b, &a->keys[i]);
        if (other == NULL || !tpl_equal(s, &a->values[i], other))
            return false;
    }
    return true;
}

static bool equal_same_type(tpl_state *s, const tpl_value *a, const tpl_value *b)
{
    switch (a->type) {
    case TPL_UNDEFINED:
    case TPL_NONE:
        return true;
    case TPL_STRING:
        return tpl_work(s, a->u.text->n / 64) && tpl_same(a->u.text, b->u.text);
    case TPL_LIST:
    case TPL_TUPLE:
        return equal_lists(s, a->u.list, b->u.list);
    case TPL_DICT:
        return equal_dicts(s, a->u.dict, b->u.dict);
    case TPL_FUNCTION:
        return a->number == b->number;
    default:
        return a->u.list == b->u.list; /* the same object */
    }
}

bool tpl_equal(tpl_state *s, const tpl_value *a, const tpl_value *b)
{
    bool equal = false;
    if (tpl_enter(s) && tpl_work(s, 1)) {
        if (tpl_is_int(a) && tpl_is_int(b))
            equal = a->u.i == b->u.i;
        else if (tpl_is_number(a) && tpl_is_number(b))
            equal = tpl_as_float(a) == tpl_as_float(b);
        else
            equal = a->type == b->type && equal_same_type(s, a, b);
    }
    tpl_leave(s);
    return equal;
}

static int sign(double d)
{
    return d < 0 ? -1 : d > 0;
}

static int order_texts(const tpl_text *a, const tpl_text *b)
{
    const int order = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
    return order != 0 ? order : a->n < b->n ? -1 : a->n > b->n;
}

static int order_lists(tpl_state *s, const tpl_list *a, const tpl_list *b)
{
    for (uint64_t i = 0; i < a->n && i < b->n && !tpl_failed(s); i++)
        if (!tpl_equal(s, &a->at[i], &b->at[i]))
            return tpl_order(s, &a->at[i], &b->at[i]);
    return a->n < b->n ? -1 : a->n > b->n;
}

int tpl_order(tpl_state *s, const tpl_value *a, const tpl_value *b)
{
    int order = 0;
    if (!tpl_enter(s) || !tpl_work(s, 1))
        order = 0;
    else if (tpl_is_int(a) && tpl_is_int(b))
        order = a->u.i < b->u.i ? -1 : a->u.i > b->u.i;
    else if (tpl_is_number(a) && tpl_is_number(b))
        order = sign(tpl_as_float(a) - tpl_as_float(b));
    else if (a->type == TPL_STRING && b->type == TPL_STRING)
        order = tpl_work(s, a->u.text->n / 64) ? order_texts(a->u.text, b->u.text) : 0;
    else if ((a->type == TPL_LIST || a->type == TPL_TUPLE) && a->type == b->type)
        order = order_lists(s, a->u.list, b->u.list);
    else if (a->type == TPL_UNDEFINED || b->type == TPL_UNDEFINED)
        tpl_fail_missing(s, a->type == TPL_UNDEFINED ? a : b);
    else
        tpl_fail(s, WEFT_E_INVALID, "a %s and a %s have no order", tpl_type_name(a),
                 tpl_type_name(b));
    tpl_leave(s);
    return order < 0 ? -1 : order > 0;
}

bool tpl_contains(tpl_state *s, const tpl_value *item, const tpl_value *in)
{
    if (in->type == TPL_DICT)
        return tpl_get(s, in->u.dict, item) != NULL;
    if (in->type == TPL_STRING) {
        if (item->type != TPL_STRING) {
            tpl_fail(s, WEFT_E_INVALID, "a %s cannot be looked for in a str", tpl_type_name(item));
            return false;
        }
        return item->u.text->n == 0 || tpl_find(s, in->u.text, item->u.text, 0) < in->u.text->n;
    }
    const tpl_list *l = tpl_items(s, in);
    for (uint64_t i = 0; i < l->n && !tpl_failed(s); i++)
        if (tpl_equal(s, &l->at[i], item))
            return true;
    return false;
}

static tpl_value overflow(tpl_state *s)
{
    tpl_fail(s, WEFT_E_UNSUPPORTED, "whole numbers of more than 64 bits are not known here");
    return tpl_undefined();
}

static tpl_value no_zero(tpl_state *s)
{
    tpl_fail(s, WEFT_E_INVALID, "division by zero");
    return tpl_undefined();
}

/* By squares: what overflows on the way would overflow in the end. */
static tpl_value int_power(tpl_state *s, int64_t base, int64_t exponent, uint8_t origin)
{
    int64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
            return overflow(s);
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
            return overflow(s);
    }
    return tpl_int(result, origin);
}

/* Division that rounds down, and the remainder that goes with it, as Python has them. */
static tpl_value int_divide(tpl_state *s, uint32_t op, int64_t a, int64_t b, uint8_t origin)
{
    if (b == 0)
        return no_zero(s);
    if (a == INT64_MIN && b == -1)
        return op == '%' ? tpl_int(0, origin) : overflow(s);
    const int64_t rest = a % b;
    const bool    down = rest != 0 && (rest < 0) != (b < 0);
    return tpl_int(op == '%' ? (down ? rest + b : rest) : a / b - down, origin);
}

static tpl_value on_ints(tpl_state *s, uint32_t op, int64_t a, int64_t b, uint8_t origin)
{
    int64_t r = 0;
    switch (op) {
    case '+':
        return __builtin_add_overflow(a, b, &r) ? overflow(s) : tpl_int(r, origin);
    case '-':
        return __builtin_sub_overflow(a, b, &r) ? overflow(s) : tpl_int(r, origin);
    case '*':
        return __builtin_mul_overflow(a, b, &r) ? overflow(s) : tpl_int(r, origin);
    case '/':
        return b == 0 ? no_zero(s) : tpl_float((double)a / (double)b, origin);
    case TPL_OP2('*', '*'):
        return b >= 0   ? int_power(s, a, b, origin)
               : a == 0 ? no_zero(s)
                        : tpl_float(pow((double)a, (double)b), origin);
    default:
        return int_divide(s, op, a, b, origin);
    }
}

static tpl_value on_floats(tpl_state *s, uint32_t op, double a, double b, uint8_t origin)
{
    double rest;
    if (b == 0 && (op == '/' || op == '%' || op == TPL_OP2('/', '/')))
        return no_zero(s);
    switch (op) {
    case '+':
        return tpl_float(a + b, origin);
    case '-':
        return tpl_float(a - b, origin);
    case '*':
        return tpl_float(a * b, origin);
    case '/':
        return tpl_float(a / b, origin);
    case TPL_OP2('*', '*'):
        return tpl_float(pow(a, b), origin);
    default:
        rest = fmod(a, b);
        rest += rest != 0 && (rest < 0) != (b < 0) ? b : 0;
        return tpl_float(op == '%' ? rest : floor((a - rest) / b + 0.5), origin);
    }
}

static bool is_sequence(const tpl_value *v)
{
    return v->type == TPL_STRING || v->type == TPL_LIST || v->type == TPL_TUPLE;
}

tpl_value tpl_arithmetic(tpl_state *s, uint32_t op, const tpl_value *a, const tpl_value *b)
{
    const uint8_t origin = a->origin | b->origin;
    if (tpl_is_int(a) && tpl_is_int(b))
        return on_ints(s, op, a->u.i, b->u.i, origin);
    if (tpl_is_number(a) && tpl_is_number(b))
        return on_floats(s, op, tpl_as_float(a), tpl_as_float(b), origin);
    if (op == '+' && is_sequence(a) && a->type == b->type)
        return tpl_joined(s, a, b);
    if (op == '*' && is_sequence(a) && tpl_is_int(b))
        return tpl_repeated(s, a, b->u.i);
    if (op == '*' && is_sequence(b) && tpl_is_int(a))
        return tpl_repeated(s, b, a->u.i);
    if (op == '%' && a->type == TPL_STRING)
        return tpl_percent(s, a, b);
    if (a->type == TPL_UNDEFINED || b->type == TPL_UNDEFINED)
        tpl_fail_missing(s, a->type == TPL_UNDEFINED ? a : b);
    else if (op > 0xff)
        tpl_fail(s, WEFT_E_INVALID, "%c%c does not go with a %s and a %s", (int)(op >> 8),
                 (int)(op & 0xff), tpl_type_name(a), tpl_type_name(b));
    else
        tpl_fail(s, WEFT_E_INVALID, "%c does not go with a %s and a %s", (int)op, tpl_type_name(a),
                 tpl_type_name(b));
    return tpl_undefined();
}

tpl_value tpl_negate(tpl_state *s, const tpl_value *v)
{
    if (v->type == TPL_FLOAT)
        return tpl_float(-v->u.f, v->origin);
    const tpl_value zero = tpl_int(0, TPL_OWN);
    return tpl_arithmetic(s, '-', &zero, v);
}
