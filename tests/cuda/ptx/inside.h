/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the interpreter share: a kernel decoded once into instructions whose operands
 * are numbers of registers, and warps that run one instruction for all of their lanes that stand at
 * it. */
#ifndef PTX_INSIDE_H
#define PTX_INSIDE_H

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

/* ---- memory and its shadow ---- */

/* Who touched a unit of memory last, and when: the number of a thread in the grid plus 1, in the
 * top bits what it stands for. */
typedef struct pt_cell {
    uint32_t writer, written, reader, read;
} pt_cell;
#define PT_THREAD 0x3fffffffu
#define PT_ONE 0u             /* that thread */
#define PT_ATOMIC 0x40000000u /* a writer: that thread by an atomic operation */
#define PT_WARP 0x40000000u   /* readers: several lanes of that thread's warp */
#define PT_BLOCK 0x80000000u  /* readers: several threads of one block */
#define PT_GRID 0xc0000000u   /* readers: threads of several blocks */

enum { K_UNDEFINED, K_DEFINED, K_COMING }; /* a byte: cp.async is under way to it */

typedef struct pt_segment {
    uint64_t base, bytes;
    uint8_t *data, *known;
    pt_cell *cell; /* one for 1 << shift bytes; NULL: nobody came yet */
    uint32_t shift;
    uint32_t since; /* what was touched before this moment is in order with all */
} pt_segment;

struct ptx_memory {
    pt_segment *all; /* ascending by base */
    size_t      n, room, last;
    uint32_t    now; /* moments: counted at every launch, block, barrier and warp barrier */
};

pt_segment *pt_segment_at(ptx_memory *m, uint64_t at, uint64_t bytes);
bool        pt_segment_init(pt_segment *s, uint64_t base, uint64_t bytes);
void        pt_segment_close(pt_segment *s);

/* ---- running ---- */

typedef struct pt_copy { /* a cp.async that has not arrived */
    uint64_t       to, from;
    uint32_t       bytes, take, group;
    const pt_insn *i;
} pt_copy;

typedef struct pt_copies {
    pt_copy *all;
    uint32_t n, room, group;
} pt_copies;

typedef struct pt_run pt_run;
typedef struct pt_warp {
    pt_run *run;
    uint64_t (*r)[PT_LANES];
    uint32_t  *defined; /* [n_regs]: lanes that wrote it */
    uint32_t  *p;       /* [n_regs]: the lanes in which a predicate holds */
    uint32_t   pc[PT_LANES];
    uint32_t   lanes, live; /* that there are; that have not ended */
    uint32_t   at_barrier, waiting;
    uint32_t   index, first;            /* first: its first thread in the block */
    bool       disorder;                /* parted lanes run in a random order */
    uint32_t   met[PT_LANES][PT_LANES]; /* [a][b]: a knows what b did before this moment */
    pt_segment local;
    pt_copies  copies[PT_LANES];
} pt_warp;

struct pt_run {
    ptx_kernel       *k;
    ptx_memory       *memory;
    const ptx_launch *l;
    ptx_report       *report;
    uint32_t          ctaid[3], n_threads, n_warps,
        block_thread;                   /* block_thread: number of its first thread in the grid */
    uint32_t   began, barrier, foreign; /* moments: of the block, of its last barrier; see race.c */
    pt_segment shared;
    uint32_t   dynamic; /* offset of the dynamic part */
    uint8_t    params[4352];
    pt_warp   *warps;
    uint64_t   random, left;
    bool       stop;
};

/* Generic addresses of shared and local memory; no address of the host has these bits. */
#define PT_SHARED_WINDOW 0x0200000000000000ull
#define PT_LOCAL_WINDOW 0x0400000000000000ull
#define PT_WINDOW_BYTES (1ull << 24)

#define PT_EACH(m, l)                                                                              \
    for (uint32_t left_ = (m), l; left_ != 0 && ((l) = (uint32_t)__builtin_ctz(left_), 1);         \
         left_ &= left_ - 1)

/* The same of a short body: all 32 lanes are a plain loop, which compilers turn into vectors. */
#define PT_ALL_OF(m, l, ...)                                                                       \
    do {                                                                                           \
        if ((m) == PT_ALL)                                                                         \
            for (uint32_t l = 0; l < PT_LANES; l++) {                                              \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        else                                                                                       \
            PT_EACH(m, l)                                                                          \
            {                                                                                      \
                __VA_ARGS__                                                                        \
            }                                                                                      \
    } while (0)

enum { A_READ, A_WRITE, A_ATOMIC };
/* One lane's access to bytes (a power of two, at most 16) of a space: where they lie on the host,
 * once they have been checked and noted. NULL: it was reported. */
uint8_t *pt_touch(pt_warp *w, const pt_insn *i, uint32_t lane, pt_space space, uint64_t at,
                  uint32_t bytes, int mode);
/* Which space a generic address means; *at becomes an offset in it. */
pt_space pt_resolve(pt_space space, uint64_t *at);
void     pt_check_race(pt_warp *w, const pt_insn *i, uint32_t lane, pt_segment *s, uint64_t at,
                       uint32_t bytes, int mode);
void     pt_report(pt_warp *w, const pt_insn *i, uint32_t lane, ptx_fault f, const char *what,
                   uint64_t at);
void     pt_report_run(pt_run *run, ptx_fault f, const char *sentence);
void     pt_count_global(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at,
                         uint32_t bytes);
void     pt_count_shared(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at,
                         uint32_t bytes);
void     pt_met(pt_warp *w, uint32_t lanes); /* a warp barrier of these lanes */
void     pt_new_register(pt_warp *w, const pt_insn *i, uint32_t lanes, int32_t reg);

void pt_block(pt_run *run); /* runs the block at run->ctaid */
/* Runs one group of a warp's lanes for at most n instructions; false: none can go on. */
bool pt_warp_step(pt_warp *w, uint32_t n);

static inline uint64_t pt_random(pt_run *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

/* The values of operand o's register j in all lanes; that the lanes wrote it is checked. */
static inline const uint64_t *pt_in_at(pt_warp *w, const pt_insn *i, int o, int j, uint32_t lanes)
{
    const int32_t reg = i->op[o].reg[j];
    if ((w->defined[reg] & lanes) != lanes)
        pt_new_register(w, i, lanes, reg);
    return w->r[reg];
}

static inline const uint64_t *pt_in(pt_warp *w, const pt_insn *i, int o, uint32_t lanes)
{
    return pt_in_at(w, i, o, 0, lanes);
}

static inline uint64_t *pt_out_at(pt_warp *w, const pt_insn *i, int o, int j, uint32_t lanes)
{
    static _Thread_local uint64_t nowhere[PT_LANES];
    const int32_t                 reg = i->op[o].reg[j];
    if (reg < 0)
        return nowhere;
    w->defined[reg] |= lanes;
    return w->r[reg];
}

static inline uint64_t *pt_out(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    return pt_out_at(w, i, 0, 0, lanes);
}

/* The lanes in which a predicate holds; its definedness is checked. */
static inline uint32_t pt_in_pred(pt_warp *w, const pt_insn *i, int32_t reg, uint32_t lanes)
{
    if ((w->defined[reg] & lanes) != lanes)
        pt_new_register(w, i, lanes, reg);
    return w->p[reg];
}

static inline void pt_out_pred(pt_warp *w, int32_t reg, uint32_t lanes, uint32_t holds)
{
    if (reg < 0)
        return;
    w->defined[reg] |= lanes;
    w->p[reg] = (w->p[reg] & ~lanes) | (holds & lanes);
}

/* ---- numbers ---- */

static inline float pt_f32(uint64_t v)
{
    const uint32_t u = (uint32_t)v;
    float          f;
    memcpy(&f, &u, 4);
    return f;
}

static inline uint64_t pt_bits32(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return f != f ? 0x7fffffffu : u;
}

static inline double pt_f64(uint64_t v)
{
    double f;
    memcpy(&f, &v, 8);
    return f;
}

static inline uint64_t pt_bits64(double f)
{
    uint64_t u;
    memcpy(&u, &f, 8);
    return f != f ? 0x7fffffffffffffffull : u;
}

static inline int64_t pt_signed(uint64_t v, uint32_t bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

double   pt_small_value(pt_type t, uint64_t bits); /* f16, bf16, tf32, e4m3, e5m2 */
uint64_t pt_small_bits(pt_type t, double v, pt_round round, bool finite);
double   pt_add_odd(double a, double b);       /* a + b, its last bit set where it was rounded */
uint64_t pt_round32(double v, pt_round round); /* to f32 */

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
