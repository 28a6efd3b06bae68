/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel decoded once: instructions whose operands are numbers of registers. */
#ifndef PTX_CODE_H
#define PTX_CODE_H

#include <string.h>

#include "ptx.h"

#define PT_LANES 32
#define PT_ALL 0xffffffffu
#define PT_OPERANDS 6

typedef enum pt_type {
    T_NONE,
    T_PRED,
    T_B8,
    T_B16,
    T_B32,
    T_B64,
    T_U8,
    T_U16,
    T_U32,
    T_U64,
    T_S8,
    T_S16,
    T_S32,
    T_S64,
    T_F16,
    T_F16X2,
    T_BF16,
    T_BF16X2,
    T_F32,
    T_TF32,
    T_F64,
    T_E4M3,
    T_E5M2,
    T_E4M3X2,
    T_E5M2X2,
    T_COUNT
} pt_type;
/* Classes of types, which the table of instructions names. */
enum {
    C_INT = 1,
    C_F32 = 2,
    C_F64 = 4,
    C_F16 = 8,
    C_F16X2 = 16,
    C_BF16 = 32,
    C_BF16X2 = 64,
    C_PRED = 128,
    C_ANY = 255,
    C_NONE = 256
};

typedef enum pt_space { S_GENERIC, S_GLOBAL, S_SHARED, S_LOCAL, S_PARAM } pt_space;
typedef enum pt_flow { F_NONE, F_BRANCH, F_EXIT, F_BARRIER, F_MASKED, F_WARP } pt_flow;
typedef enum pt_round { R_NEAREST, R_ZERO, R_DOWN, R_UP, R_ODD } pt_round;

struct pt_warp;
struct pt_insn;
typedef void (*pt_handler)(struct pt_warp *w, const struct pt_insn *i, uint32_t lanes);

typedef enum pt_form { O_NONE, O_REG, O_VEC, O_ADDR, O_LABEL } pt_form;
typedef struct pt_operand {
    pt_form form;
    int32_t n;      /* registers of a vector; of a pair d|p: 2 */
    int32_t reg[8]; /* -1: thrown away (_) or, of an address, none */
    int64_t offset; /* of an address */
} pt_operand;

/* Counters of one instruction that reaches memory. */
typedef struct pt_use {
    uint64_t requests, units, ideal;
} pt_use;

typedef struct pt_insn {
    pt_handler  run;
    const char *name; /* as it was written */
    uint32_t    line;
    int32_t     guard; /* a predicate's register; -1: none */
    bool        guard_not;
    uint8_t     flow, n_ops;
    uint8_t     type, type2; /* the last type of its name, and the one before */
    uint8_t     bits, bytes; /* of type */
    uint8_t     space, vec, round, mode, mode2, klass;
    bool        ftz, sat, relu, nan, wide, hi, bool_not, approx, to_int, volatile_;
    uint64_t    mask;   /* of type's bits */
    uint64_t    out;    /* mask of the register that takes the result */
    int32_t     target; /* of a branch */
    pt_operand  op[PT_OPERANDS];
    pt_use     *use;
} pt_insn;

typedef struct pt_symbol {
    char     name[128];
    pt_space space;
    bool     external;
    uint64_t at, bytes; /* an offset in shared, local and parameters; an address in global */
} pt_symbol;

typedef struct pt_symbols {
    pt_symbol *all;
    size_t     n, room;
} pt_symbols;

typedef enum pt_special {
    SR_TID,
    SR_NTID = 3,
    SR_CTAID = 6,
    SR_NCTAID = 9,
    SR_LANE = 12,
    SR_WARP,
    SR_NWARP,
    SR_LT,
    SR_LE,
    SR_GT,
    SR_GE,
    SR_EQ,
    SR_DYNAMIC,
    SR_TOTAL,
    SR_CLOCK,
    SR_COUNT
} pt_special;

struct ptx_kernel {
    ptx_module *module;
    char        name[256];
    pt_insn    *code;
    uint32_t    n_code, room_code;
    uint32_t    n_regs, room_regs;
    uint8_t    *bits;     /* [n_regs]: width of a register; 1: a predicate */
    int32_t    *constant; /* [n_regs]: index into `constants`; -1: a variable */
    uint64_t   *constants;
    uint32_t    n_constants, room_constants;
    int32_t     special[SR_COUNT]; /* the register of each; -1: not used */
    pt_symbols  symbols;
    ptx_facts   facts;
    uint32_t    param_bytes;
    char        unsupported[224]; /* the first instruction that nobody knows */
};

struct ptx_module {
    ptx_memory  *memory;
    pt_symbols   symbols;
    ptx_kernel **kernels;
    size_t       n_kernels;
    char        *text; /* names of instructions point into it */
};

#endif
