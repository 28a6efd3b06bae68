/* SPDX-License-Identifier: Apache-2.0 */
/* Integer arithmetic. Registers hold their bits without a sign above them; i->mask cuts a result to
 * its type. */
#include "inside.h"

typedef unsigned __int128 wide_u;
typedef __int128          wide_s;

#define SX(v) pt_signed((v), i->bits)
#define UNARY(NAME, EXPR)                                                                          \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes);                                                 \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const uint64_t a = A[l] & i->mask;                                                     \
            D[l] = (uint64_t)(EXPR)&i->out;                                                        \
        });                                                                                        \
    }
#define BINARY(NAME, EXPR)                                                                         \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);                     \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const uint64_t a = A[l] & i->mask, b = B[l] & i->mask;                                 \
            D[l] = (uint64_t)(EXPR)&i->mask;                                                       \
        });                                                                                        \
    }
#define TERNARY(NAME, EXPR)                                                                        \
    static void NAME(pt_warp *w, const pt_insn *i, uint32_t lanes)                                 \
    {                                                                                              \
        const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);                     \
        const uint64_t *C = pt_in(w, i, 3, lanes);                                                 \
        uint64_t       *D = pt_out(w, i, lanes);                                                   \
        PT_ALL_OF(lanes, l, {                                                                      \
            const uint64_t a = A[l], b = B[l], c = C[l];                                           \
            D[l] = (uint64_t)(EXPR)&i->out;                                                        \
        });                                                                                        \
    }

static bool is_signed(const pt_insn *i)
{
    return pt_types[i->type].kind == 's';
}

/* The whole product of a and b. */
static wide_u product(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (is_signed(i))
        return (wide_u)((wide_s)SX(a) * (wide_s)SX(b));
    return (wide_u)(a & i->mask) * (b & i->mask);
}

static uint64_t multiply(const pt_insn *i, uint64_t a, uint64_t b)
{
    const wide_u p = product(i, a, b);
    if (i->wide)
        return (uint64_t)p & (i->bits == 32 ? UINT64_MAX : 0xffffffffu);
    return (uint64_t)(i->hi ? p >> i->bits : p) & i->mask;
}

static uint64_t mad(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t sum = multiply(i, a, b) + c;
    return i->wide ? sum & (i->bits == 32 ? UINT64_MAX : 0xffffffffu) : sum & i->mask;
}

/* Division by zero gives all ones, as the hardware does. */
static uint64_t divide(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if (!is_signed(i))
        return a / b;
    return SX(b) == -1 ? (uint64_t)0 - a : (uint64_t)(SX(a) / SX(b));
}

static uint64_t rest(const pt_insn *i, uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    if (!is_signed(i))
        return a % b;
    return SX(b) == -1 ? 0 : (uint64_t)(SX(a) % SX(b));
}

static bool less(const pt_insn *i, uint64_t a, uint64_t b)
{
    return is_signed(i) ? SX(a) < SX(b) : a < b;
}

static uint64_t saturated(const pt_insn *i, wide_s v)
{
    const wide_s most = (wide_s)(i->mask >> 1), least = -most - 1;
    return (uint64_t)(v > most ? most : v < least ? least : v);
}

static uint64_t absolute(const pt_insn *i, uint64_t a)
{
    return SX(a) < 0 ? (uint64_t)0 - a : a;
}

BINARY(h_add, i->sat ? saturated(i, (wide_s)SX(a) + SX(b)) : a + b)
BINARY(h_sub, i->sat ? saturated(i, (wide_s)SX(a) - SX(b)) : a - b)
BINARY(h_div, divide(i, a, b))
BINARY(h_rem, rest(i, a, b))
BINARY(h_min, less(i, a, b) ? a : b)
BINARY(h_max, less(i, a, b) ? b : a)
UNARY(h_neg, ((uint64_t)0 - a) & i->mask)
UNARY(h_abs, absolute(i, a) & i->mask)

static void h_mul(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *A = pt_in(w, i, 1, lanes), *B = pt_in(w, i, 2, lanes);
    uint64_t       *D = pt_out(w, i, lanes);
    PT_EACH(lanes, l)
    D[l] = multiply(i, A[l], B[l]);
}

TERNARY(h_mad, mad(i, a, b, c))

/* |a - b| + c */
static uint64_t sad(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    return (less(i, a, b) ? b - a : a - b) + c;
}

TERNARY(h_sad, sad(i, a, b, c) & i->mask)

static int64_t part(uint64_t v, int at, int bits, bool sign)
{
    const uint64_t field = v >> (at * bits) & ((1u << bits) - 1);
    return sign ? pt_signed(field, (uint32_t)bits) : (int64_t)field;
}

/* Four products of bytes, added to c. */
static uint64_t dp4a(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    const bool sb = pt_types[i->type].kind == 's', sa = pt_types[i->type2].kind == 's';
    int64_t    sum = (int32_t)c;
    for (int k = 0; k < 4; k++)
        sum += part(a, k, 8, sa) * part(b, k, 8, sb);
    return (uint64_t)sum & 0xffffffffu;
}

/* Two products of 16-bit halves of a with the low (or high) bytes of b. */
static uint64_t dp2a(const pt_insn *i, uint64_t a, uint64_t b, uint64_t c)
{
    const bool sb = pt_types[i->type].kind == 's', sa = pt_types[i->type2].kind == 's';
    int64_t    sum = (int32_t)c;
    for (int k = 0; k < 2; k++)
        sum += part(a, k, 16, sa) * part(b, k + (i->hi ? 2 : 0), 8, sb);
    return (uint64_t)sum & 0xffffffffu;
}

TERNARY(h_dp4a, dp4a(i, a, b, c))
TERNARY(h_dp2a, dp2a(i, a, b, c))

const pt_row pt_rows_int[] = {
    {"add", NULL, C_INT, "sat", h_add, F_NONE, 0},
    {"sub", NULL, C_INT, "sat", h_sub, F_NONE, 0},
    {"mul", NULL, C_INT, "lo hi wide", h_mul, F_NONE, 0},
    {"mad", NULL, C_INT, "lo hi wide", h_mad, F_NONE, 0},
    {"div", NULL, C_INT, "", h_div, F_NONE, 0},
    {"rem", NULL, C_INT, "", h_rem, F_NONE, 0},
    {"min", NULL, C_INT, "", h_min, F_NONE, 0},
    {"max", NULL, C_INT, "", h_max, F_NONE, 0},
    {"neg", NULL, C_INT, "", h_neg, F_NONE, 0},
    {"abs", NULL, C_INT, "", h_abs, F_NONE, 0},
    {"sad", NULL, C_INT, "", h_sad, F_NONE, 0},
    {"dp4a", NULL, C_INT, "", h_dp4a, F_NONE, 0},
    {"dp2a", NULL, C_INT, "lo hi", h_dp2a, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
