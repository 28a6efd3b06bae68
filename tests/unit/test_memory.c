/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned memory: of every size, and given back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

#define MIB ((size_t)1 << 20)

/* AddressSanitizer keeps what was freed, to find late uses, and ends a program that asks for more
 * than there can be. */
#if defined __SANITIZE_ADDRESS__
#define KEEPS 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define KEEPS 1
#endif
#endif

static void test_sizes(void **state)
{
    static const size_t sizes[] = {
        0,           1,       63,          64,          65,      4096,        MIB - 64,
        MIB - 1,     MIB,     MIB + 1,     2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 2 * MIB + 4032,
        3 * MIB + 7, 4 * MIB, 9 * MIB + 64};
    enum { n = sizeof sizes / sizeof *sizes };
    uint8_t *p[n];
    (void)state;
    for (size_t i = 0; i < n; i++) {
        p[i] = wf_alloc_aligned(sizes[i]);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % WF_ALIGN, 0);
        memset(p[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t at = 0; at < sizes[i]; at++)
            if (p[i][at] != (uint8_t)i)
                fail_msg("byte %zu of %zu holds %d", at, sizes[i], p[i][at]);
        wf_free_aligned(p[i]);
    }
    wf_free_aligned(NULL);
    assert_null(wf_alloc_aligned(SIZE_MAX));
#ifndef KEEPS
    assert_null(wf_alloc_aligned(SIZE_MAX / 2));
#endif
}

static size_t resident(void)
{
    unsigned long all, pages;
    FILE         *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &all, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Large blocks of many sizes come and go between small ones that stay: as opening a model again and
 * again does. */
static void test_given_back(void **state)
{
    enum { rounds = 6, n = 40 };
    void  *small[rounds][n], *large[n];
    size_t before = resident();
    (void)state;
#ifdef KEEPS
    skip();
#endif
    for (size_t k = 0; k < rounds; k++) {
        for (size_t i = 0; i < n; i++) {
            size_t bytes = MIB + (i * 7 + k * 3) % n * (MIB / 8);
            large[i] = wf_alloc_aligned(bytes);
            small[k][i] = wf_alloc(1000);
            assert_true(large[i] != NULL && small[k][i] != NULL);
            memset(large[i], 1, bytes);
        }
        for (size_t i = 0; i < n; i++)
            wf_free_aligned(large[i]);
    }
    assert_true(resident() < before + 4 * MIB);
    for (size_t k = 0; k < rounds; k++)
        for (size_t i = 0; i < n; i++)
            wf_free(small[k][i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
