/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of PTX one at a time: what each must give by the host's own arithmetic, and a kernel
 * that runs it. The interpreter (test_instructions.c) and a GPU (tests/gpu) are held against the
 * same table, instructions.inc. */
#ifndef INSTRUCTION_H
#define INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct instruction {
    const char *name, *text;
    int         d, a, b, c; /* bits of the result and the operands; 1: a predicate */
    uint64_t (*expected)(uint64_t a, uint64_t b, uint64_t c);
} instruction;

extern const instruction instructions[];
extern const size_t      n_instructions;

/* What a module of such kernels begins with. */
#define INSTRUCTION_MODULE ".version 8.1\n.target sm_80\n.address_size 64\n"

/* The text of a module of all of them, as the functions t0, t1 and so on; malloc'ed. */
char *instruction_module(void);
/* The text of a kernel of that name, of two arguments: out [threads] and in [threads][3] of 64 bits
 * each. A thread loads its a, b and c, runs the instruction and stores d. */
void instruction_kernel(const instruction *i, const char *name, char *text, size_t room);
/* Random bits, small numbers, numbers that are ordinary as floats, and those at the edges. */
uint64_t instruction_operand(int bits);
uint64_t instruction_cut(uint64_t v, int bits); /* the low bits */
/* The bits, but that any NaN is as good as another and an approximation may be 1e-6 off. */
bool instruction_same(uint64_t got, uint64_t want, int bits, const instruction *i);

#endif
