/* SPDX-License-Identifier: Apache-2.0 */
/* A module: its variables and its kernels. */
#include <stdio.h>
#include <stdlib.h>

#include "lex.h"

pt_symbol *pt_symbol_named(pt_symbols *s, const char *name)
{
    for (size_t i = s->n; i-- > 0;)
        if (strcmp(s->all[i].name, name) == 0)
            return &s->all[i];
    return NULL;
}

static pt_symbol *new_symbol(pt_reader *r, pt_symbols *s)
{
    if (s->n == s->room) {
        const size_t room = s->room * 2 + 16;
        pt_symbol   *all = realloc(s->all, room * sizeof *all);
        if (all == NULL) {
            pt_wrong(r, "no memory");
            return NULL;
        }
        s->all = all;
        s->room = room;
    }
    memset(&s->all[s->n], 0, sizeof *s->all);
    return &s->all[s->n++];
}

/* A list of values, after the =, into bytes of `each`. */
static void initial(pt_reader *r, uint8_t *to, uint64_t bytes, uint64_t each)
{
    const bool list = pt_take(r, "{");
    for (uint64_t at = 0; !r->failed && at + each <= bytes; at += each) {
        if (pt_take(r, "{") || pt_is(r, "}")) /* lists in lists do not come from nvcc */
            break;
        const uint64_t v = pt_number(r);
        memcpy(to + at, &v, each);
        if (!list || !pt_take(r, ","))
            break;
    }
    if (list)
        pt_need(r, "}");
}

static void place(pt_reader *r, pt_symbol *v, uint64_t each, uint64_t *top, uint64_t align)
{
    if (v->space != S_GLOBAL) {
        v->at = (*top + align - 1) / align * align;
        *top = v->at + v->bytes;
        return;
    }
    v->at = ptx_alloc(r->module->memory, v->bytes);
    if (v->at == 0) {
        pt_wrong(r, "%s: no memory for %llu bytes", v->name, (unsigned long long)v->bytes);
        return;
    }
    uint8_t *host = ptx_host(r->module->memory, v->at, v->bytes);
    memset(host, 0, v->bytes); /* variables begin as zeros */
    ptx_define(r->module->memory, v->at, v->bytes);
    if (pt_take(r, "="))
        initial(r, host, v->bytes, each);
}

/* [2][3]: how many; [] and none: 1. */
static uint64_t count(pt_reader *r)
{
    uint64_t n = 1;
    while (pt_take(r, "[")) {
        if (!pt_is(r, "]"))
            n *= pt_number(r);
        pt_need(r, "]");
    }
    return n;
}

void pt_variable(pt_reader *r, pt_symbols *to, pt_space space, uint64_t *top, bool external)
{
    char       word[32];
    uint64_t   align = 0, each = 0, vec = 1;
    pt_symbol *v = new_symbol(r, to);
    while (!r->failed && r->token.kind == 'w' && r->token.at[0] == '.') {
        pt_word(r, word, sizeof word);
        if (strcmp(word, ".align") == 0)
            align = pt_number(r);
        else if (strcmp(word, ".v2") == 0 || strcmp(word, ".v4") == 0)
            vec = (uint64_t)(word[2] - '0');
        else if (pt_type_named(word + 1, strlen(word) - 1) != T_NONE)
            each = pt_types[pt_type_named(word + 1, strlen(word) - 1)].bits / 8u;
        else if (strcmp(word, ".ptr") != 0 && strcmp(word, ".global") != 0)
            pt_wrong(r, "`%s` is not known of a variable", word);
    }
    if (v == NULL || r->failed)
        return;
    pt_word(r, v->name, sizeof v->name);
    v->space = space;
    v->external = external;
    const bool open = pt_is(r, "[");
    v->bytes = each * vec * count(r);
    align = align != 0 ? align : each != 0 ? each : 1;
    if (v->bytes == 0 || v->bytes > 1u << 30)
        pt_wrong(r, "%s has %llu bytes", v->name, (unsigned long long)v->bytes);
    else if (external && space == S_SHARED && open)
        v->bytes = 0;
    else
        place(r, v, each, top, align);
}

static void parameter(pt_reader *r, ptx_kernel *k, uint64_t *top)
{
    pt_need(r, ".param");
    pt_variable(r, &k->symbols, S_PARAM, top, false);
    if (r->failed)
        return;
    const pt_symbol *v = &k->symbols.all[k->symbols.n - 1];
    if (k->facts.n_params == sizeof k->facts.param / sizeof *k->facts.param || *top > 4352) {
        pt_wrong(r, "%s: too many parameters", k->name);
        return;
    }
    k->facts.param[k->facts.n_params].offset = (uint32_t)v->at;
    k->facts.param[k->facts.n_params++].bytes = (uint32_t)v->bytes;
}

/* .maxntid, .reqntid, .minnctapersm, .maxnreg: what stands between the parameters and the body. */
static void promises(pt_reader *r, ptx_kernel *k)
{
    char word[32];
    while (!r->failed && !pt_is(r, "{")) {
        pt_word(r, word, sizeof word);
        uint64_t n = 1;
        if (r->token.kind == 'w' && r->token.at[0] != '.')
            n = pt_number(r);
        while (pt_take(r, ","))
            n *= pt_number(r);
        if (strcmp(word, ".maxntid") == 0 || strcmp(word, ".reqntid") == 0)
            k->facts.max_threads = (uint32_t)n;
    }
}

static ptx_kernel *new_kernel(pt_reader *r)
{
    ptx_module  *x = r->module;
    ptx_kernel **all = realloc(x->kernels, (x->n_kernels + 1) * sizeof *all);
    ptx_kernel  *k = calloc(1, sizeof *k);
    if (all != NULL)
        x->kernels = all;
    if (all == NULL || k == NULL) {
        free(k);
        pt_wrong(r, "no memory");
        return NULL;
    }
    k->module = x;
    for (int i = 0; i < SR_COUNT; i++)
        k->special[i] = -1;
    x->kernels[x->n_kernels++] = k;
    return k;
}

static void kernel(pt_reader *r)
{
    uint64_t    top = 0;
    ptx_kernel *k = new_kernel(r);
    if (k == NULL)
        return;
    pt_word(r, k->name, sizeof k->name);
    if (pt_take(r, "(")) {
        while (!r->failed && !pt_take(r, ")")) {
            parameter(r, k, &top);
            pt_take(r, ",");
        }
    }
    k->param_bytes = (uint32_t)top;
    promises(r, k);
    pt_need(r, "{");
    pt_body(r, k);
}

/* A function that is no kernel: only a call would need it, and no call is known. */
static void skip_function(pt_reader *r)
{
    int depth = 0;
    while (!r->failed && r->token.kind != 0) {
        const bool open = pt_is(r, "{"), close = pt_is(r, "}"), end = pt_is(r, ";");
        pt_next(r);
        depth += open - close;
        if (depth == 0 && (close || end))
            return;
    }
}

static void skip_line(pt_reader *r)
{
    const uint32_t line = r->token.line;
    while (r->token.kind != 0 && r->token.line == line)
        pt_next(r);
}

static void top_level(pt_reader *r, uint64_t *shared)
{
    const bool external = pt_take(r, ".extern");
    while (pt_take(r, ".visible") || pt_take(r, ".weak") || pt_take(r, ".common"))
        ;
    if (pt_take(r, ".entry")) {
        kernel(r);
    } else if (pt_take(r, ".global") || pt_take(r, ".const")) {
        pt_variable(r, &r->module->symbols, S_GLOBAL, NULL, external);
        pt_need(r, ";");
    } else if (pt_take(r, ".shared")) {
        pt_variable(r, &r->module->symbols, S_SHARED, shared, external);
        pt_need(r, ";");
    } else if (pt_is(r, ".func")) {
        skip_function(r);
    } else if (pt_is(r, ".version") || pt_is(r, ".target") || pt_is(r, ".address_size") ||
               pt_is(r, ".file")) {
        skip_line(r);
    } else {
        pt_wrong(r, "`%.*s` is not known here", (int)r->token.n, r->token.at);
    }
}

static bool read_module(ptx_module *x, const char *text, size_t bytes, char why[256])
{
    pt_reader r = {.line = 1, .why = why, .module = x};
    uint64_t  shared = 0;
    x->text = malloc(bytes + 2);
    if (x->text == NULL) {
        snprintf(why, 256, "no memory");
        return false;
    }
    x->text[0] = '\n'; /* is_word looks one back */
    memcpy(x->text + 1, text, bytes);
    x->text[bytes + 1] = 0;
    r.at = x->text + 1;
    r.end = r.at + bytes;
    pt_next(&r);
    while (r.token.kind != 0)
        top_level(&r, &shared);
    for (size_t i = 0; i < x->n_kernels; i++)
        x->kernels[i]->facts.shared_bytes += (uint32_t)shared;
    return !r.failed;
}

ptx_module *ptx_module_new(ptx_memory *m, const char *text, size_t bytes, char why[256])
{
    ptx_module *x = calloc(1, sizeof *x);
    snprintf(why, 256, "no memory");
    if (x == NULL)
        return NULL;
    x->memory = m;
    if (!read_module(x, text, bytes, why)) {
        ptx_module_free(x);
        return NULL;
    }
    return x;
}

static void free_kernel(ptx_kernel *k)
{
    for (uint32_t i = 0; i < k->n_code; i++) {
        free((void *)(uintptr_t)k->code[i].name);
        free(k->code[i].use);
    }
    free(k->code);
    free(k->bits);
    free(k->constant);
    free(k->constants);
    free(k->symbols.all);
    free(k);
}

void ptx_module_free(ptx_module *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->n_kernels; i++)
        free_kernel(x->kernels[i]);
    for (size_t i = 0; i < x->symbols.n; i++)
        if (x->symbols.all[i].space == S_GLOBAL && x->symbols.all[i].at != 0)
            ptx_release(x->memory, x->symbols.all[i].at);
    free(x->kernels);
    free(x->symbols.all);
    free(x->text);
    free(x);
}
