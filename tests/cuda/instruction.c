/* SPDX-License-Identifier: Apache-2.0 */
/* instruction.h says what for. */
#include "instruction.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S32(v) ((int32_t)(v))

static float f32(uint64_t v)
{
    const uint32_t u = (uint32_t)v;
    float          f;
    memcpy(&f, &u, 4);
    return f;
}

static uint64_t u32(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static double f64(uint64_t v)
{
    double f;
    memcpy(&f, &v, 8);
    return f;
}

static uint64_t u64(double f)
{
    uint64_t u;
    memcpy(&u, &f, 8);
    return u;
}

static int64_t clamp_s32(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v;
}

static int64_t to_s32(float v)
{
    return v != v ? 0 : v >= 0x1p31f ? INT32_MAX : v < -0x1p31f ? INT32_MIN : (int64_t)v;
}

static int64_t dot4(uint64_t a, uint64_t b, uint64_t c, int signed_a, int signed_b)
{
    int64_t sum = S32(c);
    for (int k = 0; k < 4; k++) {
        const uint8_t x = (uint8_t)(a >> 8 * k), y = (uint8_t)(b >> 8 * k);
        sum += (signed_a ? (int8_t)x : x) * (signed_b ? (int8_t)y : y);
    }
    return sum;
}

static uint32_t mirrored(uint32_t v)
{
    uint32_t r = 0;
    for (int k = 0; k < 32; k++, v >>= 1)
        r = r << 1 | (v & 1);
    return r;
}

static float flushed(float v)
{
    return fabsf(v) < 0x1p-126f ? copysignf(0, v) : v;
}

/* a + b, a b, or a b + c under one of the host's own ways of rounding. */
static uint64_t toward(int mode, int op, uint64_t a, uint64_t b, uint64_t c)
{
    fesetround(mode);
    volatile float x = f32(a), y = f32(b), z = f32(c), r = 0;
    if (op == 0)
        r = x + y;
    else if (op == 1)
        r = x * y;
    else
        r = fmaf(x, y, z);
    fesetround(FE_TONEAREST);
    return u32(r);
}

static uint64_t bf16(uint64_t a)
{
    const uint32_t u = (uint32_t)a;
    return f32(a) != f32(a) ? 0x7fff : (u + 0x7fffu + (u >> 16 & 1)) >> 16;
}

static float half(uint64_t bits)
{
    const int   e = (int)(bits >> 10 & 31), m = (int)(bits & 1023);
    const float v = e == 31  ? (m != 0 ? NAN : INFINITY)
                    : e == 0 ? ldexpf((float)m, -24)
                             : ldexpf((float)(m + 1024), e - 25);
    return bits >> 15 & 1 ? -v : v;
}

/* The nearest of all f16, by search among the positive ones; ties to the even code. */
static uint64_t f16(float v)
{
    const uint64_t sign = signbit(v) ? 0x8000 : 0;
    uint64_t       low = 0, high = 0x7c00;
    const double   x = fabs((double)v);
    if (v != v)
        return 0x7fff;
    if (x >= 65520)
        return sign | 0x7c00;
    while (high - low > 1) {
        const uint64_t middle = (low + high) / 2;
        if ((double)half(middle) <= x)
            low = middle;
        else
            high = middle;
    }
    const double above = high == 0x7c00 ? 65536 : (double)half(high), down = x - (double)half(low);
    const double up = above - x;
    return sign | (up < down || (up == down && (low & 1) != 0) ? high : low);
}

/* a a + b of bf16, rounded once: where f32 falls between two bf16, what was lost before that
 * decides. */
static uint64_t bfma(uint64_t a, uint64_t b)
{
    const double x = (double)f32((a & 0xffff) << 16), y = (double)f32((b & 0xffff) << 16);
    float        f = (float)(x * x + y);
    const double lost = (x * x - (double)f) + y;
    if (f == f && (u32(f) & 0xffff) == 0x8000 && lost != 0)
        f = nextafterf(f, lost > 0 ? INFINITY : -INFINITY);
    return bf16(u32(f));
}

#define X(NAME, TEXT, D, A, B, C, ...)                                                             \
    static uint64_t e_##NAME(uint64_t a, uint64_t b, uint64_t c)                                   \
    {                                                                                              \
        (void)a, (void)b, (void)c;                                                                 \
        return (uint64_t)(__VA_ARGS__);                                                            \
    }
#include "instructions.inc"
#undef X
#define X(NAME, TEXT, D, A, B, C, ...) {#NAME, TEXT, D, A, B, C, e_##NAME},
const instruction instructions[] = {
#include "instructions.inc"
};
const size_t n_instructions = sizeof instructions / sizeof *instructions;

void instruction_kernel(const instruction *i, const char *name, char *text, size_t room)
{
    const int wd = i->d == 1 ? 32 : i->d;
    char      type[8];
    snprintf(type, sizeof type, i->d == 1 ? "pred" : "b%d", i->d);
    snprintf(
        text, room,
        ".visible .entry %s(.param .u64 y, .param .u64 x)\n{\n"
        ".reg .b%d %%a;\n.reg .b%d %%b;\n.reg .b%d %%c;\n.reg .%s %%d;\n.reg .b%d %%e;\n"
        ".reg .b32 %%t;\n.reg .b64 %%p<4>;\n"
        "ld.param.u64 %%p0, [x];\nld.param.u64 %%p1, [y];\nmov.u32 %%t, %%tid.x;\n"
        "mad.wide.u32 %%p2, %%t, 24, %%p0;\nmad.wide.u32 %%p3, %%t, 8, %%p1;\n"
        "ld.global.b%d %%a, [%%p2];\nld.global.b%d %%b, [%%p2+8];\nld.global.b%d %%c, [%%p2+16];\n"
        "%s\n%s%d %%e, %s;\nst.global.b%d [%%p3], %%e;\nret;\n}\n",
        name, i->a, i->b, i->c, type, wd, i->a, i->b, i->c, i->text, i->d == 1 ? "selp.b" : "mov.b",
        wd, i->d == 1 ? "1, 0, %d" : "%d", wd);
}

#define EACH 2048 /* characters of a kernel's text */

char *instruction_module(void)
{
    const size_t room = sizeof INSTRUCTION_MODULE + n_instructions * EACH;
    char        *text = malloc(room), name[24];
    size_t       used = sizeof INSTRUCTION_MODULE - 1;
    memcpy(text, INSTRUCTION_MODULE, used);
    for (size_t n = 0; n < n_instructions; n++) {
        snprintf(name, sizeof name, "t%zu", n);
        instruction_kernel(&instructions[n], name, text + used, EACH);
        used += strlen(text + used);
    }
    return text;
}

uint64_t instruction_cut(uint64_t v, int bits)
{
    return bits == 64 ? v : v & ((1ull << bits) - 1);
}

uint64_t instruction_operand(int bits)
{
    static const uint64_t edges[] = {0,          1,          31,          32,         33,
                                     0x7f,       0x80,       0x7c00,      0x7fff,     0x8000,
                                     0x7f80,     0x7fffffff, 0x80000000u, 0x7f800000, 0xff800000u,
                                     0x7fc00000, 0x3f800000, 0xbf800000u, 0x00000001, 0x807fffffu,
                                     0x3f000000, 0x4effffff, 0xcf000000u, UINT32_MAX};
    uint64_t v = ((uint64_t)random() << 42) ^ ((uint64_t)random() << 21) ^ (uint64_t)random();
    switch (random() % 4) {
    case 0:
        v = edges[(size_t)random() % (sizeof edges / sizeof *edges)];
        v = bits == 64 && random() % 2 ? v << 32 : v;
        break;
    case 1:
        v = bits == 64   ? u64(ldexp((double)random(), -(int)(random() % 60)))
            : bits == 32 ? u32(ldexpf((float)(random() % 20000 - 10000), -(int)(random() % 14)))
                         : v & 0x4fff;
        break;
    default:
        break;
    }
    return instruction_cut(v, bits);
}

bool instruction_same(uint64_t got, uint64_t want, int bits, const instruction *i)
{
    const bool f = strstr(i->text, ".f") != NULL || strstr(i->text, "bf16") != NULL;
    if (got == want || !f)
        return got == want;
    if (bits == 32 && f32(got) != f32(got) && f32(want) != f32(want))
        return true;
    if (strncmp(i->name, "near_", 5) == 0)
        return fabsf(f32(got) - f32(want)) <= 1e-6f * fabsf(f32(want));
    /* zeros of both signs come out of min and max in the order that the host happens to take */
    if (bits == 32 && f32(got) == 0 && f32(want) == 0)
        return strstr(i->text, "min") != NULL || strstr(i->text, "max") != NULL;
    if (bits == 16 && (got | want) == 0x8000 && (got & want) == 0)
        return strstr(i->text, "max") != NULL;
    if (bits == 16 && (got & 0x7fff) > 0x7f80 && (want & 0x7fff) > 0x7f80)
        return true;
    return bits == 64 && f64(got) != f64(got) && f64(want) != f64(want);
}
