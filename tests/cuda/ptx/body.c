/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a kernel: declarations, labels, and statements with their operands. */
#include <stdio.h>
#include <stdlib.h>

#include "body.h"

/* .reg .b32 %r<4>, x; */
static void registers(pt_parse *b)
{
    char     word[64];
    pt_type  t = T_NONE;
    uint64_t vec = 0;
    while (!b->r->failed && b->r->token.kind == 'w' && b->r->token.at[0] == '.') {
        pt_word(b->r, word, sizeof word);
        t = pt_type_named(word + 1, strlen(word) - 1);
        vec += word[1] == 'v';
    }
    if (t == T_NONE || vec != 0)
        pt_wrong(b->r, "registers of this type are not known");
    while (!b->r->failed && !pt_take(b->r, ";")) {
        uint32_t n = 0;
        pt_word(b->r, word, sizeof word);
        if (pt_take(b->r, "<")) {
            n = (uint32_t)pt_number(b->r);
            pt_need(b->r, ">");
        }
        pt_declare(b, word, n, pt_types[t].bits);
        pt_take(b->r, ",");
    }
}

static void variable(pt_parse *b, pt_space space)
{
    uint64_t shared = b->k->facts.shared_bytes, local = b->k->facts.local_bytes;
    pt_variable(b->r, &b->k->symbols, space, space == S_SHARED ? &shared : &local, false);
    pt_need(b->r, ";");
    if (shared > 1u << 20 || local > 1u << 20)
        pt_wrong(b->r, "more than a MiB of shared or local memory");
    b->k->facts.shared_bytes = (uint32_t)shared;
    b->k->facts.local_bytes = (uint32_t)local;
}

static void skip_line(pt_parse *b)
{
    const uint32_t line = b->r->token.line;
    while (b->r->token.kind != 0 && b->r->token.line == line)
        pt_next(b->r);
}

static void skip_statement(pt_parse *b)
{
    while (b->r->token.kind != 0 && !pt_is(b->r, ";"))
        pt_next(b->r);
    pt_need(b->r, ";");
}

static pt_insn *new_insn(pt_parse *b)
{
    ptx_kernel *k = b->k;
    void       *code = k->code;
    if (!pt_room(&code, sizeof *k->code, k->n_code, &k->room_code)) {
        pt_wrong(b->r, "no memory");
        return NULL;
    }
    k->code = code;
    pt_insn *i = &k->code[k->n_code++];
    *i = (pt_insn){.line = b->r->token.line, .guard = -1, .target = -1};
    return i;
}

/* ld.global.nc.v4.f32 in its parts */
static bool split(const char *word, pt_name *n)
{
    *n = (pt_name){.n = 0};
    for (const char *p = word; *p != 0;) {
        const size_t one = strcspn(p, ".");
        if (n->n == PT_PARTS || one >= sizeof n->part[0])
            return false;
        memcpy(n->part[n->n++], p, one);
        p += one + (p[one] == '.');
    }
    return n->n > 0;
}

static void unsupported(pt_parse *b, const pt_insn *i)
{
    if (b->k->unsupported[0] == 0)
        snprintf(b->k->unsupported, sizeof b->k->unsupported,
                 "%.80s: line %u: the instruction `%.80s` is not known", b->k->name, i->line,
                 i->name);
}

static void statement(pt_parse *b)
{
    char     word[128];
    pt_name  n;
    pt_insn *i = new_insn(b);
    if (i == NULL)
        return;
    if (pt_take(b->r, "@")) {
        i->guard_not = pt_take(b->r, "!");
        i->guard = pt_register(b);
    }
    i->line = b->r->token.line;
    pt_word(b->r, word, sizeof word);
    i->name = strdup(word);
    if (b->r->failed || i->name == NULL)
        return;
    if (!split(word, &n) || !pt_decode(b->k, i, &n)) {
        unsupported(b, i);
        skip_statement(b);
        return;
    }
    const uint32_t at = b->k->n_code - 1; /* operands may move the code */
    pt_operands(b, at, &n);
    pt_need(b->r, ";");
    if (!b->r->failed && !pt_finish(b, at))
        unsupported(b, &b->k->code[at]);
}

static void directive(pt_parse *b)
{
    if (pt_take(b->r, ".reg"))
        registers(b);
    else if (pt_take(b->r, ".shared"))
        variable(b, S_SHARED);
    else if (pt_take(b->r, ".local"))
        variable(b, S_LOCAL);
    else if (pt_is(b->r, ".loc"))
        skip_line(b);
    else if (pt_is(b->r, ".pragma"))
        skip_statement(b);
    else
        pt_wrong(b->r, "`%.*s` is not known in a kernel", (int)b->r->token.n, b->r->token.at);
}

/* A word is a label where a colon follows it. */
static bool label(pt_parse *b)
{
    const pt_token name = b->r->token;
    pt_reader      look = *b->r;
    pt_next(&look);
    if (!pt_is(&look, ":"))
        return false;
    pt_next(b->r);
    pt_need(b->r, ":");
    pt_label(b, &name, (int32_t)b->k->n_code);
    if (pt_is(b->r, ".branchtargets") || pt_is(b->r, ".calltargets") ||
        pt_is(b->r, ".callprototype")) {
        skip_statement(b);
    }
    return true;
}

static void block(pt_parse *b)
{
    size_t open[64];
    int    depth = 0;
    while (!b->r->failed) {
        if (pt_take(b->r, "{")) {
            if (depth == 64)
                pt_wrong(b->r, "more than 64 blocks in each other");
            else
                open[depth++] = b->n_names;
        } else if (pt_take(b->r, "}")) {
            if (depth == 0)
                return;
            b->n_names = open[--depth];
        } else if (pt_take(b->r, ";")) {
            continue;
        } else if (b->r->token.kind == 'w' && b->r->token.at[0] == '.') {
            directive(b);
        } else if (b->r->token.kind != 'w' || !label(b)) {
            statement(b);
        }
    }
}

void pt_body(pt_reader *r, ptx_kernel *k)
{
    pt_parse b = {.r = r, .k = k};
    block(&b);
    if (!r->failed)
        pt_link(&b);
    free(b.names);
    free(b.labels);
}
