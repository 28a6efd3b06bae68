/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the interpreter share: the decoded form, what runs, and the tables from which
 * names of instructions come to their handlers. */
#ifndef PTX_INSIDE_H
#define PTX_INSIDE_H

#include "running.h"

/* ---- types and decoding ---- */

typedef struct pt_type_info {
    const char *name;
    uint8_t     bits, klass;
    char        kind; /* 'u', 's', 'b', 'f', 'p' */
} pt_type_info;
extern const pt_type_info pt_types[T_COUNT];
pt_type                   pt_type_named(const char *s, size_t n); /* T_NONE: there is none */

#define PT_PARTS 14
typedef struct pt_name { /* a name of an instruction, in its parts */
    char part[PT_PARTS][24];
    int  n;
} pt_name;
static inline bool pt_has(const pt_name *n, const char *part)
{
    for (int k = 1; k < n->n; k++)
        if (strcmp(n->part[k], part) == 0)
            return true;
    return false;
}

/* A row of the table: op, a part that the name must have (NULL: none), classes of its type, the
 * further parts that the handler honours, and how it flows. */
typedef struct pt_row {
    const char *op, *part;
    uint32_t    classes;
    const char *honours;
    pt_handler  run;
    pt_flow     flow;
    uint8_t     mode;
} pt_row;
extern const pt_row pt_rows_int[], pt_rows_logic[], pt_rows_float[], pt_rows_half[], pt_rows_cvt[],
    pt_rows_compare[], pt_rows_memory[], pt_rows_atom[], pt_rows_async[], pt_rows_warp[],
    pt_rows_mma[], pt_rows_flow[];
/* Finds the handler of i, whose name is n. false: nobody knows it. */
bool pt_decode(ptx_kernel *k, pt_insn *i, const pt_name *n);
/* Width of an immediate that stands as operand o. */
uint32_t pt_immediate_bits(const pt_insn *i, const pt_name *n, int o);

#endif
