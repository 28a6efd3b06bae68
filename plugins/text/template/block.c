/* SPDX-License-Identifier: Apache-2.0 */
/* {% block %}: a body that is written where it stands and wherever `self` calls it. A template here
 * extends no other, so that a block is never replaced. Source: jinja2 compiler.py (visit_Block),
 * runtime.py (TemplateReference). */
#include "run.h"

const tpl_text *tpl_block_text(tpl_run *r, const tpl_node *n, tpl_scope *scope)
{
    const int  jump = r->jump;
    tpl_scope *before = tpl_scope_enter(r, scope);
    if ((n->op & TPL_BLOCK_REQUIRED) != 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "the block \"%.*s\" is required, and there is none",
                 n->text->n < 32 ? (int)n->text->n : 32, (const char *)n->text->p);
    r->jump = TPL_GOES_ON;
    const tpl_text *t = tpl_capture(r, n->c);
    r->jump = jump;
    tpl_scope_leave(r, before);
    return t;
}

void tpl_execute_block(tpl_run *r, const tpl_node *n)
{
    tpl_scope      *scope = (n->op & TPL_BLOCK_SCOPED) != 0 ? r->scope : r->top;
    const tpl_text *t = tpl_block_text(r, n, scope);
    if (!tpl_failed(&r->s))
        tpl_write(r, t);
}

void tpl_bind_self(tpl_run *r, const tpl_node *blocks)
{
    tpl_dict *d = blocks != NULL ? tpl_dict_new(&r->s) : NULL;
    for (const tpl_node *n = blocks; n != NULL && !tpl_failed(&r->s); n = n->e) {
        tpl_macro *m = tpl_alloc(&r->s, sizeof *m);
        if (m == NULL)
            return;
        *m = (tpl_macro){n, r->top};
        tpl_set(&r->s, d, tpl_string(n->text), (tpl_value){.type = TPL_MACRO, .u.macro = m});
    }
    if (d != NULL && !tpl_failed(&r->s))
        tpl_bind_str(r, "self", (tpl_value){.type = TPL_NAMESPACE, .u.dict = d});
}
