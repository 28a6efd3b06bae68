/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction at a time in the interpreter against the host's arithmetic: random and awkward
 * operands, five orders of running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "instruction.h"
#include "ptx/ptx.h"

#define THREADS 96

static void check(const instruction *i, ptx_memory *m, ptx_kernel *k, uint64_t seed)
{
    const ptx_launch  l = {{1, 1, 1}, {THREADS, 1, 1}, 0, seed, 0};
    static ptx_report r;
    uint64_t          x = ptx_alloc(m, THREADS * 24), y = ptx_alloc(m, THREADS * 8);
    uint64_t         *in = ptx_host(m, x, THREADS * 24), *out = ptx_host(m, y, THREADS * 8);
    void             *args[] = {&y, &x};
    r = (ptx_report){0};
    for (int t = 0; t < THREADS; t++) {
        in[3 * t] = instruction_operand(i->a);
        in[3 * t + 1] = instruction_operand(i->b);
        in[3 * t + 2] = instruction_operand(i->c);
    }
    ptx_define(m, x, THREADS * 24);
    if (!ptx_run(k, &l, args, &r) || !ptx_clean(&r))
        fail_msg("%s: %s", i->name, ptx_sentence(&r));
    for (int t = 0; t < THREADS; t++) {
        const uint64_t *v = in + 3 * t, want = instruction_cut(i->expected(v[0], v[1], v[2]), i->d);
        const uint64_t  got = instruction_cut(out[t], i->d == 1 ? 32 : i->d);
        if (!instruction_same(got, want, i->d, i))
            fail_msg("%s of %#llx %#llx %#llx: %#llx, not %#llx", i->name, (unsigned long long)v[0],
                     (unsigned long long)v[1], (unsigned long long)v[2], (unsigned long long)got,
                     (unsigned long long)want);
    }
    ptx_release(m, x);
    ptx_release(m, y);
}

static void test_instructions(void **state)
{
    char text[4096], why[256];
    (void)state;
    srandom(7);
    for (size_t n = 0; n < n_instructions; n++) {
        ptx_memory  *m = ptx_memory_new();
        const size_t n_head = sizeof INSTRUCTION_MODULE - 1;
        memcpy(text, INSTRUCTION_MODULE, n_head);
        instruction_kernel(&instructions[n], "t", text + n_head, sizeof text - n_head);
        ptx_module *x = ptx_module_new(m, text, strlen(text), why);
        if (x == NULL)
            fail_msg("%s: %s", instructions[n].name, why);
        for (uint64_t seed = 0; seed < 5; seed++)
            check(&instructions[n], m, ptx_kernel_find(x, "t"), seed);
        ptx_module_free(x);
        ptx_memory_free(m);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0) { /* for an assembler */
        char *text = instruction_module();
        fputs(text, stdout);
        free(text);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_instructions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
