/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of modules and kernels. */
#include "inside.h"

ptx_kernel *ptx_kernel_find(ptx_module *x, const char *name)
{
    for (size_t i = 0; i < x->n_kernels; i++)
        if (strcmp(x->kernels[i]->name, name) == 0)
            return x->kernels[i];
    return NULL;
}

ptx_kernel *ptx_kernel_at(ptx_module *x, size_t index)
{
    return index < x->n_kernels ? x->kernels[index] : NULL;
}

const char *ptx_kernel_name(const ptx_kernel *k)
{
    return k->name;
}

bool ptx_module_varies(const ptx_module *x)
{
    for (size_t i = 0; i < x->symbols.n; i++)
        if (x->symbols.all[i].space == S_GLOBAL)
            return true;
    return false;
}

uint64_t ptx_variable(ptx_module *x, const char *name, size_t *bytes)
{
    for (size_t i = 0; i < x->symbols.n; i++) {
        const pt_symbol *s = &x->symbols.all[i];
        if (s->space == S_GLOBAL && strcmp(s->name, name) == 0) {
            *bytes = (size_t)s->bytes;
            return s->at;
        }
    }
    *bytes = 0;
    return 0;
}

void ptx_kernel_facts(const ptx_kernel *k, ptx_facts *out)
{
    *out = k->facts;
}

void ptx_kernel_profile(const ptx_kernel *k, FILE *to)
{
    for (uint32_t i = 0; i < k->n_code; i++) {
        const pt_use *u = k->code[i].use;
        if (u != NULL && u->requests != 0)
            fprintf(to, "%u %s %llu %llu %llu\n", k->code[i].line, k->code[i].name,
                    (unsigned long long)u->requests, (unsigned long long)u->units,
                    (unsigned long long)u->ideal);
    }
}
