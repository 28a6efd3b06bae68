/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is used again: by whom, how long it is kept, and what happens when it is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/device/arena.h"

#define ROOM 12000u

/* A device of ROOM bytes. */
static struct small {
    wf_device base;
    uint64_t  left;
    uint64_t  bytes[16];
    void     *p[16];
} small;
static wf_device *const device = &small.base;

static weft_status small_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    int at = 0;
    if (bytes > small.left)
        return wf_fail_nomem(err, bytes, d->name);
    while (small.p[at] != NULL)
        assert_true(++at < 16);
    small.p[at] = *out = wf_alloc_aligned((size_t)bytes);
    small.bytes[at] = bytes;
    small.left -= bytes;
    return WEFT_OK;
}

static void small_free(wf_device *d, void *p)
{
    int at = 0;
    (void)d;
    while (small.p[at] != p)
        assert_true(++at < 16); /* what was allocated, and once */
    small.p[at] = NULL;
    small.left += small.bytes[at];
    wf_free_aligned(p);
}

static const wf_device_fns fns = {.alloc = small_alloc, .free = small_free};

static void done(wf_arena *a)
{
    wf_arena_free(a);
    assert_int_equal(small.left, ROOM);
}

static void *take(wf_arena *a, uint64_t bytes)
{
    void      *p;
    weft_error err = WF_ERROR_INIT;
    if (wf_arena_take(a, bytes, &p, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    assert_int_equal((uintptr_t)p % WF_ALIGN, 0);
    return p;
}

static void test_used_again(void **unused)
{
    wf_arena a;
    (void)unused;
    wf_arena_init(&a, device);
    void *x = take(&a, 1000), *y = take(&a, 1000), *z = take(&a, 5000);
    assert_true(x != y && y != z);
    wf_arena_end(&a);
    /* The same sizes come from the same pieces, whatever their order. */
    void *again[] = {take(&a, 5000), take(&a, 1000), take(&a, 900)};
    assert_true(again[0] == z && again[1] != again[2]);
    assert_true((again[1] == x || again[1] == y) && (again[2] == x || again[2] == y));
    assert_int_equal(wf_arena_bytes(&a), 7000);
    (void)take(&a, 100); /* far too little for a piece of 5000 to serve */
    assert_int_equal(wf_arena_bytes(&a), 7100);
    done(&a);
}

static void test_idle_pieces_go(void **unused)
{
    wf_arena a;
    (void)unused;
    wf_arena_init(&a, device);
    (void)take(&a, 4096);
    wf_arena_end(&a);
    for (int round = 0; round < 10; round++) {
        (void)take(&a, 128);
        wf_arena_end(&a);
    }
    assert_int_equal(wf_arena_bytes(&a), 128);
    done(&a);
}

/* A device that is full gets back what lies idle, and the second try serves. */
static void test_short_memory(void **unused)
{
    wf_arena   a;
    void      *p;
    weft_error err = WF_ERROR_INIT;
    (void)unused;
    wf_arena_init(&a, device);
    (void)take(&a, 5000);
    wf_arena_end(&a);
    (void)take(&a, 6000); /* both fit */
    (void)take(&a, 3000); /* one of them has to go, and it is the idle one */
    assert_int_equal(wf_arena_bytes(&a), 9000);
    assert_int_equal(wf_arena_take(&a, 5000, &p, &err), WEFT_E_NOMEM);
    assert_null(p);
    assert_int_equal(wf_arena_bytes(&a), 9000);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used_again),
        cmocka_unit_test(test_idle_pieces_go),
        cmocka_unit_test(test_short_memory),
    };
    small = (struct small){.base = {.fns = &fns, .name = "small"}, .left = ROOM};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
