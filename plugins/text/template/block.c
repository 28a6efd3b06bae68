/* SPDX-License-Identifier: Apache-2.0 */
/* {% block %}: a body that is written where it stands and wherever `self` calls it. A template here
 * extends no other, so that a block is never replaced. Source: jinja2 parser.py (parse_block),
 * compiler.py (visit_Block), runtime.py (TemplateReference, BlockReference). */
#include "run.h"

/* ---- parsing ---- */

static void check_block(tpl_parser *p, const tpl_node *block)
{
    const int   length = block->text->n < 32 ? (int)block->text->n : 32;
    const char *name = (const char *)block->text->p;
    for (const tpl_node *n = p->blocks; n != NULL && tpl_work(p->s, 1); n = n->e)
        if (tpl_same(n->text, block->text))
            tpl_fail(p->s, WEFT_E_CORRUPT, "the block \"%.*s\" is there twice", length, name);
    if (tpl_at_op(p, '-'))
        tpl_fail(p->s, WEFT_E_CORRUPT, "a block's name has no hyphens");
}

static bool is_blank(const tpl_node *body)
{
    uint64_t n = 0;
    for (; body != NULL; body = body->next, n = 0) {
        if (body->kind != TPL_N_DATA)
            return false;
        for (; n < body->text->n; n++)
            if (!tpl_is_space(body->text->p[n]))
                return false;
    }
    return true;
}

tpl_node *tpl_parse_block(tpl_parser *p)
{
    static const char *const ends[] = {"endblock", NULL};
    const uint32_t           loops = p->loops;
    tpl_special             *around = p->special;
    tpl_node                *n = tpl_node_new(p, TPL_N_BLOCK);
    if (n == NULL)
        return NULL;
    n->text = tpl_expect_name(p);
    if (tpl_failed(p->s))
        return NULL;
    check_block(p, n);
    n->e = p->blocks;
    p->blocks = n;
    n->op |= tpl_skip_name(p, "scoped") ? TPL_BLOCK_SCOPED : 0u;
    n->op |= tpl_skip_name(p, "required") ? TPL_BLOCK_REQUIRED : 0u;
    tpl_end_tag(p);
    p->loops = 0;
    p->special = NULL; /* a block's names are not a macro's around it */
    n->c = tpl_parse_body(p, ends);
    p->special = around;
    p->loops = loops;
    tpl_next(p);
    if (tpl_token_at(p, 0)->type == TPL_T_NAME && tpl_same(tpl_token_at(p, 0)->text, n->text))
        tpl_next(p);
    tpl_end_tag(p);
    if ((n->op & TPL_BLOCK_REQUIRED) != 0 && !tpl_failed(p->s) && !is_blank(n->c))
        tpl_fail(p->s, WEFT_E_CORRUPT, "a required block has a body");
    return n;
}

/* ---- running ---- */

static const uint8_t  self_origin[4] = {TPL_OWN};
static const tpl_text self_name = {(const uint8_t *)"self", self_origin, 4};

void tpl_bind_self(tpl_run *r)
{
    tpl_bind(r, &self_name, (tpl_value){.type = TPL_SELF, .u.self = &r->self});
}

bool tpl_self_attribute(tpl_state *s, const tpl_self *self, const tpl_text *name, tpl_value *out)
{
    for (const tpl_node *n = self->blocks; n != NULL && tpl_work(s, 1); n = n->e) {
        tpl_macro *m = tpl_same(n->text, name) ? tpl_alloc(s, sizeof *m) : NULL;
        if (m == NULL)
            continue;
        *m = (tpl_macro){n, self->scope};
        *out = (tpl_value){.type = TPL_MACRO, .u.macro = m};
        return true;
    }
    return false;
}

/* What the block writes, among the variables of that scope; `self` is always the blocks in it. */
static const tpl_text *block_text(tpl_run *r, const tpl_node *n, tpl_scope *scope)
{
    const int  jump = r->jump;
    tpl_scope *before = tpl_scope_enter(r, scope);
    if ((n->op & TPL_BLOCK_REQUIRED) != 0)
        tpl_fail(&r->s, WEFT_E_INVALID, "the block \"%.*s\" is required, and there is none",
                 n->text->n < 32 ? (int)n->text->n : 32, (const char *)n->text->p);
    tpl_bind_self(r);
    r->jump = TPL_GOES_ON;
    const tpl_text *t = tpl_capture(r, n->c);
    r->jump = jump;
    tpl_scope_leave(r, before);
    return t;
}

tpl_value tpl_call_block(tpl_run *r, const tpl_macro *block, const tpl_args *a)
{
    return tpl_args_fit(r, "a block", "", a) ? tpl_string(block_text(r, block->node, block->scope))
                                             : tpl_undefined();
}

void tpl_execute_block(tpl_run *r, const tpl_node *n)
{
    tpl_scope      *scope = (n->op & TPL_BLOCK_SCOPED) != 0 ? r->scope : r->self.scope;
    const tpl_text *t = block_text(r, n, scope);
    if (!tpl_failed(&r->s))
        tpl_write(r, t);
}
