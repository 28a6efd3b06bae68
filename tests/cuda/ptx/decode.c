/* SPDX-License-Identifier: Apache-2.0 */
/* From the name of an instruction to its handler. The tables say which parts of a name a handler
 * honours; a part that nobody honours makes the instruction unknown, so that nothing is run other
 * than it was meant. */
#include <stdlib.h>

#include "body.h"

/* Parts that change nothing of what an instruction computes: hints to caches, and promises of the
 * compiler. */
static const char harmless[] =
    " uni sync aligned nc ca cg cs lu cv wb wt to relaxed acquire release acq_rel cta gpu sys weak "
    "L1::evict_normal L1::evict_unchanged L1::evict_first L1::evict_last L1::no_allocate "
    "L1::allocate L2::64B L2::128B L2::256B L2::evict_first L2::evict_last noftz ";

static bool listed(const char *list, const char *part)
{
    const size_t n = strlen(part);
    for (const char *p = strstr(list, part); p != NULL; p = strstr(p + 1, part))
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
            return true;
    return false;
}

static const pt_row *const tables[] = {
    pt_rows_int,    pt_rows_logic, pt_rows_float, pt_rows_half, pt_rows_cvt, pt_rows_compare,
    pt_rows_memory, pt_rows_atom,  pt_rows_async, pt_rows_warp, pt_rows_mma, pt_rows_flow,
};

static bool honoured(const pt_row *row, const pt_name *n)
{
    for (int k = 1; k < n->n; k++) {
        const char *part = n->part[k];
        if (pt_type_named(part, strlen(part)) == T_NONE && !listed(harmless, part) &&
            !(row->part != NULL && strcmp(row->part, part) == 0) && !listed(row->honours, part))
            return false;
    }
    return true;
}

static bool matches(const pt_row *row, const pt_name *n, uint32_t klass)
{
    return strcmp(row->op, n->part[0]) == 0 && (row->part == NULL || pt_has(n, row->part)) &&
           (row->classes & klass) != 0 && honoured(row, n);
}

static const pt_row *find(const pt_name *n, uint32_t klass)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const pt_row *row = tables[t]; row->op != NULL; row++)
            if (matches(row, n, klass))
                return row;
    return NULL;
}

static void types(pt_insn *i, const pt_name *n)
{
    for (int k = n->n; k-- > 1;) {
        const pt_type t = pt_type_named(n->part[k], strlen(n->part[k]));
        if (t == T_NONE)
            continue;
        if (i->type == T_NONE)
            i->type = (uint8_t)t;
        else if (i->type2 == T_NONE)
            i->type2 = (uint8_t)t;
    }
    i->bits = pt_types[i->type].bits;
    i->bytes = (uint8_t)(i->bits / 8);
    i->mask = i->bits >= 64 ? UINT64_MAX : (1ull << i->bits) - 1;
}

static pt_space space(const pt_name *n)
{
    if (pt_has(n, "param"))
        return S_PARAM;
    if (pt_has(n, "shared") || pt_has(n, "shared::cta"))
        return S_SHARED;
    if (pt_has(n, "local"))
        return S_LOCAL;
    return pt_has(n, "global") || pt_has(n, "const") ? S_GLOBAL : S_GENERIC;
}

static void rounding(pt_insn *i, const pt_name *n)
{
    static const struct {
        const char *part;
        pt_round    round;
        bool        whole;
    } all[] = {{"rn", R_NEAREST, false}, {"rz", R_ZERO, false},    {"rm", R_DOWN, false},
               {"rp", R_UP, false},      {"rni", R_NEAREST, true}, {"rzi", R_ZERO, true},
               {"rmi", R_DOWN, true},    {"rpi", R_UP, true}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        if (pt_has(n, all[k].part)) {
            i->round = (uint8_t)all[k].round;
            i->to_int = all[k].whole;
        }
    }
}

/* Comparisons in the order of their codes: bits 1 less, 2 equal, 4 greater, 8 unordered. */
static int comparison(const pt_name *n)
{
    static const struct {
        const char *part;
        int         code;
    } all[] = {{"eq", 2},  {"ne", 5},   {"lt", 1},   {"le", 3},   {"gt", 4},   {"ge", 6},
               {"lo", 1},  {"ls", 3},   {"hi", 4},   {"hs", 6},   {"equ", 10}, {"neu", 13},
               {"ltu", 9}, {"leu", 11}, {"gtu", 12}, {"geu", 14}, {"num", 7},  {"nan", 8}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (pt_has(n, all[k].part))
            return all[k].code;
    return 0;
}

static int boolean(const pt_name *n)
{
    return pt_has(n, "and") ? 1 : pt_has(n, "or") ? 2 : pt_has(n, "xor") ? 3 : 0;
}

bool pt_decode(ptx_kernel *k, pt_insn *i, const pt_name *n)
{
    (void)k;
    types(i, n);
    const pt_row *row = find(n, i->type == T_NONE ? C_NONE : pt_types[i->type].klass);
    if (row == NULL)
        return false;
    i->run = row->run;
    i->flow = (uint8_t)row->flow;
    i->mode = row->mode;
    i->klass = pt_types[i->type].klass;
    i->space = (uint8_t)space(n);
    i->vec = pt_has(n, "v2") ? 2 : pt_has(n, "v4") ? 4 : pt_has(n, "v8") ? 8 : 1;
    i->ftz = pt_has(n, "ftz");
    i->sat = pt_has(n, "sat") || pt_has(n, "satfinite");
    i->relu = pt_has(n, "relu");
    i->nan = pt_has(n, "NaN");
    i->wide = pt_has(n, "wide");
    i->hi = pt_has(n, "hi");
    i->approx = pt_has(n, "approx");
    i->volatile_ = pt_has(n, "relaxed") || pt_has(n, "acquire") || pt_has(n, "release");
    rounding(i, n);
    if (strcmp(n->part[0], "setp") == 0 || strcmp(n->part[0], "set") == 0) {
        i->mode = (uint8_t)comparison(n);
        i->mode2 = (uint8_t)boolean(n);
    }
    return true;
}

uint32_t pt_immediate_bits(const pt_insn *i, const pt_name *n, int o)
{
    const char *op = n->part[0];
    if (i->bits == 0 || strcmp(op, "cp") == 0)
        return 64;
    if (strcmp(op, "shfl") == 0 || strcmp(op, "vote") == 0 || strcmp(op, "redux") == 0)
        return 32;
    if (o == 2 && (strcmp(op, "shl") == 0 || strcmp(op, "shr") == 0))
        return 32;
    if (o >= 2 && (strcmp(op, "bfe") == 0 || strcmp(op, "bfi") == 0))
        return o == 2 && op[2] == 'i' ? i->bits : 32;
    if (i->wide && (o == 0 || o == 3))
        return i->bits * 2u;
    return i->bits;
}

/* Sources must be registers, predicates where the type says so. */
static bool sources(const ptx_kernel *k, const pt_insn *i)
{
    for (int o = 0; o < i->n_ops; o++) {
        const pt_operand *p = &i->op[o];
        for (int j = 0; j < p->n && p->form != O_LABEL; j++) {
            if (p->reg[j] < 0 && o > 0 && p->form != O_ADDR)
                return false;
            if (p->reg[j] >= 0 && (uint32_t)p->reg[j] >= k->n_regs)
                return false;
        }
    }
    return true;
}

bool pt_finish(pt_parse *b, uint32_t at)
{
    ptx_kernel       *k = b->k;
    pt_insn          *i = &k->code[at];
    const pt_operand *d = &i->op[0];
    if (!sources(k, i))
        return false;
    i->out = UINT64_MAX;
    if (i->n_ops > 0 && (d->form == O_REG || d->form == O_VEC) && d->reg[0] >= 0 &&
        k->bits[d->reg[0]] < 64)
        i->out = (1ull << k->bits[d->reg[0]]) - 1;
    for (int o = 0; o < i->n_ops; o++)
        if (i->op[o].form == O_ADDR && i->use == NULL)
            i->use = calloc(1, sizeof *i->use);
    return true;
}

void pt_label(pt_parse *b, const pt_token *name, int32_t target)
{
    void *labels = b->labels;
    if (!pt_room(&labels, sizeof *b->labels, b->n_labels, &b->room_labels)) {
        pt_wrong(b->r, "no memory");
        return;
    }
    b->labels = labels;
    b->labels[b->n_labels++] = (pt_place){name->at, name->n, target};
}

static bool target_of(const pt_parse *b, const pt_operand *o, int32_t *target)
{
    const char *name = b->r->module->text + o->offset;
    for (uint32_t l = 0; l < b->n_labels; l++) {
        if (b->labels[l].n == (uint32_t)o->n &&
            memcmp(b->labels[l].at, name, b->labels[l].n) == 0) {
            *target = b->labels[l].target;
            return true;
        }
    }
    return false;
}

void pt_link(pt_parse *b)
{
    for (uint32_t k = 0; k < b->k->n_code; k++) {
        pt_insn *i = &b->k->code[k];
        if (i->flow == F_BRANCH && !target_of(b, &i->op[0], &i->target)) {
            pt_wrong(b->r, "a branch of line %u goes to a label that is not there", i->line);
            return;
        }
    }
}
