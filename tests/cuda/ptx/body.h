/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of a body's reader share: names of registers in their blocks, and labels. */
#ifndef PTX_BODY_H
#define PTX_BODY_H

#include "lex.h"

typedef struct pt_regs { /* n registers name0.., or one of that name (n 0) */
    char     name[64];
    uint32_t n;
    int32_t  first;
} pt_regs;

typedef struct pt_place {
    const char *at;
    uint32_t    n;
    int32_t     target;
} pt_place;

typedef struct pt_parse {
    pt_reader  *r;
    ptx_kernel *k;
    pt_regs    *names;
    pt_place   *labels;
    size_t      n_names;
    uint32_t    n_labels, room_names, room_labels;
} pt_parse;

void    pt_declare(pt_parse *b, const char *name, uint32_t n, uint8_t bits);
int32_t pt_register(pt_parse *b); /* the register whose name stands here; passed */
void    pt_operands(pt_parse *b, uint32_t at, const pt_name *n);
void    pt_label(pt_parse *b, const pt_token *name, int32_t target);
void    pt_link(pt_parse *b); /* branches to their targets, once all labels are known */
/* What can be set once the operands are known. false: their number or form is not what the
 * instruction takes. */
bool pt_finish(pt_parse *b, uint32_t at);

#endif
