/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction at a time on a GPU: what the interpreter is held against
 * (tests/cuda/instructions.inc) is true of it. All are functions of one module. */
#include "ptx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cuda/instruction.h"

#define THREADS 96
#define TIMES 5

/* How far approximations may be off, relative or absolute, for operands up to a size (PTX ISA 9.0,
 * section 9.7.3). */
static const struct bound {
    const char *name;
    double      relative, absolute, most;
} bounds[] = {
    {"near_ex2", 0x1p-22, 0, 126},   {"near_lg2", 0x1p-22, 0x1p-22, INFINITY},
    {"near_sin", 0, 0x1p-20, 6.28},  {"near_cos", 0, 0x1p-20, 6.28},
    {"near_tanh", 0x1p-10, 0, 1e30}, {"near_rsqrt", 0x1p-22, 0, INFINITY},
    {"near_rcp", 0x1p-22, 0, 1e30},  {"near_div", 0x1p-21, 0, 1e30},
};

static float as_float(uint64_t v)
{
    const uint32_t u = (uint32_t)v;
    float          f;
    memcpy(&f, &u, 4);
    return f;
}

/* An approximation is near what the host has, or the operands are beyond what is promised. */
static bool near_enough(const instruction *i, const uint64_t *v, uint64_t got, uint64_t want)
{
    const double a = fabs((double)as_float(v[0])), b = fabs((double)as_float(v[1]));
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        const struct bound *bound = &bounds[k];
        if (strcmp(i->name, bound->name) != 0)
            continue;
        const double right = (double)as_float(want), off = fabs((double)as_float(got) - right);
        const bool   tiny =
            a < 0x1p-100 || (strcmp(i->name, "near_div") == 0 && (b < 0x1p-100 || b > bound->most));
        return tiny || !(a <= bound->most) || !(fabs(right) < 1e37) ||
               off <= bound->relative * fabs(right) + bound->absolute;
    }
    return false;
}

/* What the ISA leaves open: an integer divided by zero. */
static bool is_open(const instruction *i, const uint64_t *v)
{
    const bool divides = strncmp(i->text, "div.s", 5) == 0 || strncmp(i->text, "div.u", 5) == 0 ||
                         strncmp(i->text, "rem.", 4) == 0;
    return divides && v[1] == 0;
}

static void check(const instruction *i, wf_image *code, const char *function)
{
    static uint64_t in[3 * THREADS], out[THREADS];
    for (int t = 0; t < THREADS; t++) {
        in[3 * t] = instruction_operand(i->a);
        in[3 * t + 1] = instruction_operand(i->b);
        in[3 * t + 2] = instruction_operand(i->c);
    }
    ptx_call(code, function, THREADS, in, sizeof in, out, sizeof out);
    for (int t = 0; t < THREADS; t++) {
        const uint64_t *v = in + 3 * t, want = instruction_cut(i->expected(v[0], v[1], v[2]), i->d);
        const uint64_t  got = instruction_cut(out[t], i->d == 1 ? 32 : i->d);
        if (!instruction_same(got, want, i->d, i) && !is_open(i, v) &&
            !near_enough(i, v, got, want))
            fail_msg("%s of %#llx %#llx %#llx: %#llx, not %#llx", i->name, (unsigned long long)v[0],
                     (unsigned long long)v[1], (unsigned long long)v[2], (unsigned long long)got,
                     (unsigned long long)want);
    }
}

static void test_instructions(void **unused)
{
    char *text = instruction_module(), name[24];
    (void)unused;
    srandom(7);
    wf_image *code = ptx_load(text);
    for (size_t n = 0; n < n_instructions; n++) {
        snprintf(name, sizeof name, "t%zu", n);
        for (int k = 0; k < TIMES; k++)
            check(&instructions[n], code, name);
    }
    wf_image_unload(rig_gpu, code);
    free(text);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_instructions)};

int main(void)
{
    return RIG_MAIN(tests, false);
}
