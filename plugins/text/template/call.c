/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: of macros, functions, methods and loops. */
#include "run.h"

tpl_value tpl_call(tpl_run *r, const tpl_value *callee, const tpl_args *a)
{
    if (tpl_failed(&r->s))
        return tpl_undefined();
    if (a->node != NULL)
        r->s.line = a->node->line;
    switch (callee->type) {
    case TPL_MACRO:
        return tpl_call_macro(r, callee->u.macro, a);
    case TPL_FUNCTION:
        return tpl_function_call(r, callee->number, a);
    case TPL_METHOD:
        return tpl_method_call(r, callee->u.method, a);
    case TPL_LOOP:
        return tpl_loop_call(r, callee->u.loop, a);
    case TPL_UNDEFINED:
        tpl_fail_missing(&r->s, callee);
        break;
    default:
        tpl_fail(&r->s, WEFT_E_INVALID, "a %s cannot be called", tpl_type_name(callee));
    }
    return tpl_undefined();
}
