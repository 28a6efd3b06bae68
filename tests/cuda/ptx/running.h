/* SPDX-License-Identifier: Apache-2.0 */
/* Memory with its shadow, and warps, which run one instruction for all of their lanes that stand at
 * it. */
#ifndef PTX_RUNNING_H
#define PTX_RUNNING_H

#include "code.h"

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

#endif
