/* SPDX-License-Identifier: Apache-2.0 */
/* What every instruction that reaches memory needs. */
#ifndef PTX_OP_MEMORY_H
#define PTX_OP_MEMORY_H

#include "inside.h"

/* The addresses that operand o names, lane by lane. */
void pt_addresses(pt_warp *w, const pt_insn *i, int o, uint32_t lanes, uint64_t at[PT_LANES]);
void pt_count(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at, uint32_t bytes);

#endif
