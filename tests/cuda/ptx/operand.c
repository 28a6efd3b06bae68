/* SPDX-License-Identifier: Apache-2.0 */
/* Operands: registers, constants, special registers, addresses, vectors and labels. */
#include <ctype.h>
#include <stdlib.h>

#include "body.h"

static int32_t new_register(pt_parse *b, uint8_t bits)
{
    ptx_kernel *k = b->k;
    uint32_t    room = k->room_regs;
    void       *wide = k->bits, *constant = k->constant;
    if (!pt_room(&wide, 1, k->n_regs, &room)) {
        pt_wrong(b->r, "no memory");
        return 0;
    }
    k->bits = wide;
    if (!pt_room(&constant, sizeof(int32_t), k->n_regs, &k->room_regs)) {
        pt_wrong(b->r, "no memory");
        return 0;
    }
    k->constant = constant;
    k->bits[k->n_regs] = bits;
    k->constant[k->n_regs] = -1;
    return (int32_t)k->n_regs++;
}

void pt_declare(pt_parse *b, const char *name, uint32_t n, uint8_t bits)
{
    void *names = b->names;
    if (n > 1u << 16 || !pt_room(&names, sizeof *b->names, b->n_names, &b->room_names)) {
        pt_wrong(b->r, "%s: too many registers", name);
        return;
    }
    b->names = names;
    pt_regs *one = &b->names[b->n_names++];
    memcpy(one->name, name, strlen(name) + 1);
    one->n = n;
    one->first = (int32_t)b->k->n_regs;
    for (uint32_t i = 0; i < (n == 0 ? 1 : n) && !b->r->failed; i++)
        new_register(b, bits);
}

static int32_t constant(pt_parse *b, uint64_t value)
{
    ptx_kernel *k = b->k;
    for (uint32_t i = 0; i < k->n_regs; i++)
        if (k->constant[i] >= 0 && k->constants[k->constant[i]] == value)
            return (int32_t)i;
    void *all = k->constants;
    if (!pt_room(&all, sizeof *k->constants, k->n_constants, &k->room_constants)) {
        pt_wrong(b->r, "no memory");
        return 0;
    }
    k->constants = all;
    const int32_t reg = new_register(b, 64);
    k->constants[k->n_constants] = value;
    k->constant[reg] = (int32_t)k->n_constants++;
    return reg;
}

static int32_t special(pt_parse *b, int which)
{
    if (b->k->special[which] < 0)
        b->k->special[which] = new_register(b, 64);
    return b->k->special[which];
}

/* Specials by name; those of three coordinates without their .x */
static const struct {
    const char *name;
    int         which;
    bool        three;
} specials[] = {
    {"%tid", SR_TID, true},
    {"%ntid", SR_NTID, true},
    {"%ctaid", SR_CTAID, true},
    {"%nctaid", SR_NCTAID, true},
    {"%laneid", SR_LANE, false},
    {"%warpid", SR_WARP, false},
    {"%nwarpid", SR_NWARP, false},
    {"%lanemask_lt", SR_LT, false},
    {"%lanemask_le", SR_LE, false},
    {"%lanemask_gt", SR_GT, false},
    {"%lanemask_ge", SR_GE, false},
    {"%lanemask_eq", SR_EQ, false},
    {"%clock", SR_CLOCK, false},
    {"%clock64", SR_CLOCK, false},
    {"%dynamic_smem_size", SR_TOTAL, false},
};

static int32_t special_named(pt_parse *b, const char *s)
{
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        const size_t n = strlen(specials[i].name);
        if (strncmp(s, specials[i].name, n) != 0)
            continue;
        if (!specials[i].three && s[n] == 0)
            return special(b, specials[i].which);
        if (specials[i].three && s[n] == '.' && s[n + 1] >= 'x' && s[n + 1] <= 'z' && s[n + 2] == 0)
            return special(b, specials[i].which + s[n + 1] - 'x');
    }
    return -1;
}

static int32_t register_named(pt_parse *b, const char *s)
{
    for (size_t i = b->n_names; i-- > 0;) {
        const pt_regs *one = &b->names[i];
        const size_t   n = strlen(one->name);
        if (strncmp(s, one->name, n) != 0)
            continue;
        if (one->n == 0 && s[n] == 0)
            return one->first;
        if (one->n > 0 && isdigit((unsigned char)s[n])) {
            char               *end;
            const unsigned long at = strtoul(s + n, &end, 10);
            if (*end == 0 && at < one->n)
                return one->first + (int32_t)at;
        }
    }
    return special_named(b, s);
}

int32_t pt_register(pt_parse *b)
{
    char s[128];
    pt_word(b->r, s, sizeof s);
    const int32_t reg = b->r->failed ? 0 : register_named(b, s);
    if (reg < 0)
        pt_wrong(b->r, "`%s` is no register", s);
    return reg < 0 ? 0 : reg;
}

/* The value of a variable's name: where it lies. */
static bool symbol(pt_parse *b, const char *s, pt_operand *o)
{
    const pt_symbol *v = pt_symbol_named(&b->k->symbols, s);
    if (v == NULL)
        v = pt_symbol_named(&b->r->module->symbols, s);
    if (v == NULL)
        return false;
    const bool dynamic = v->space == S_SHARED && v->external;
    o->reg[0] = dynamic ? special(b, SR_DYNAMIC) : -1;
    o->offset = (int64_t)v->at;
    return true;
}

static uint64_t cut(uint64_t v, uint32_t bits)
{
    return bits >= 64 ? v : v & ((1ull << bits) - 1);
}

/* A register, a number or a variable. */
static int32_t value(pt_parse *b, uint32_t bits)
{
    char       s[128];
    pt_operand o = {.n = 1};
    if (pt_is(b->r, "-") || (b->r->token.kind == 'w' && isdigit((unsigned char)*b->r->token.at)))
        return constant(b, cut(pt_number(b->r), bits));
    pt_word(b->r, s, sizeof s);
    if (b->r->failed)
        return 0;
    if (strcmp(s, "_") == 0)
        return -1;
    const int32_t reg = register_named(b, s);
    if (reg >= 0)
        return reg;
    if (strcmp(s, "WARP_SZ") == 0)
        return constant(b, PT_LANES);
    if (!symbol(b, s, &o))
        pt_wrong(b->r, "`%s` is no register and no variable", s);
    return o.reg[0] >= 0 ? o.reg[0] : constant(b, (uint64_t)o.offset);
}

static void address(pt_parse *b, pt_operand *o)
{
    char s[128];
    o->form = O_ADDR;
    o->n = 1;
    o->reg[0] = -1;
    if (isdigit((unsigned char)*b->r->token.at)) {
        o->offset = (int64_t)pt_number(b->r);
    } else {
        pt_word(b->r, s, sizeof s);
        const int32_t reg = b->r->failed ? -1 : register_named(b, s);
        if (reg >= 0)
            o->reg[0] = reg;
        else if (!b->r->failed && !symbol(b, s, o))
            pt_wrong(b->r, "`%s` is no register and no variable", s);
    }
    if (pt_take(b->r, "+"))
        o->offset += (int64_t)pt_number(b->r);
    else if (pt_is(b->r, "-"))
        o->offset += (int64_t)pt_number(b->r);
    pt_need(b->r, "]");
}

static void vector(pt_parse *b, pt_operand *o, uint32_t bits)
{
    o->form = O_VEC;
    while (!b->r->failed && !pt_take(b->r, "}")) {
        if (o->n == 8) {
            pt_wrong(b->r, "a vector of more than 8");
            return;
        }
        o->reg[o->n++] = value(b, bits);
        pt_take(b->r, ",");
    }
}

static void operand(pt_parse *b, pt_operand *o, bool branch, uint32_t bits, bool *negated)
{
    if (branch && b->r->token.kind == 'w' && b->r->token.at[0] != '%') {
        const pt_token name = b->r->token;
        o->form = O_LABEL;
        o->offset = name.at - b->r->module->text;
        o->n = (int32_t)name.n;
        pt_next(b->r);
    } else if (pt_take(b->r, "[")) {
        address(b, o);
    } else if (pt_take(b->r, "{")) {
        vector(b, o, bits);
    } else {
        *negated |= pt_take(b->r, "!");
        o->form = O_REG;
        o->n = 1;
        o->reg[0] = value(b, bits);
        if (pt_take(b->r, "|")) {
            o->n = 2;
            o->reg[1] = value(b, bits);
        }
    }
}

void pt_operands(pt_parse *b, uint32_t at, const pt_name *n)
{
    pt_operand o[PT_OPERANDS] = {{0}};
    int        count = 0;
    bool       negated = false;
    const bool branch = b->k->code[at].flow == F_BRANCH;
    while (!b->r->failed && !pt_is(b->r, ";")) {
        if (count == PT_OPERANDS) {
            pt_wrong(b->r, "more than %d operands", PT_OPERANDS);
            return;
        }
        operand(b, &o[count], branch, pt_immediate_bits(&b->k->code[at], n, count), &negated);
        count++;
        if (!pt_take(b->r, ","))
            break;
    }
    pt_insn *i = &b->k->code[at];
    memcpy(i->op, o, sizeof o);
    i->n_ops = (uint8_t)count;
    i->bool_not = negated;
}
