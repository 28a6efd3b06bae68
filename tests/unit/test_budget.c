/* SPDX-License-Identifier: Apache-2.0 */
/* Who gives up pages: holders in the order in which they registered, each to its last page, and
 * nothing that the step in progress uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/device/builtin.h"
#include "core/kv/budget.h"

#define PAGES 6

/* Holds single pages with the step of their last use. */
typedef struct holder {
    wf_kv_holder  h;
    wf_kv_budget *budget;
    int32_t       page[PAGES];
    uint64_t      used[PAGES];
    int32_t       n;
} holder;

static bool give_up(void *ctx, uint64_t now)
{
    holder *k = ctx;
    if (k->n == 0 || k->used[k->n - 1] == now)
        return false;
    wf_kv_give(k->budget, k->page[--k->n], 1);
    return true;
}

static int64_t spare(void *ctx, uint64_t now)
{
    const holder *k = ctx;
    int64_t       n = 0;
    for (int32_t i = 0; i < k->n; i++)
        n += k->used[i] != now;
    return n;
}

static void hold(holder *k, uint64_t used)
{
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_kv_take(k->budget, 1, &k->page[k->n], &err), WEFT_OK);
    k->used[k->n++] = used;
}

static void test_order(void **state)
{
    wf_device   *device;
    weft_queue  *queue;
    wf_kv_budget b;
    weft_error   err = WF_ERROR_INIT;
    holder       first = {.n = 0}, second = {.n = 0};
    int32_t      page;
    (void)state;
    assert_int_equal(wf_device_cpu_create(NULL, 0, &device, &err), WEFT_OK);
    assert_int_equal(wf_queue_create(device, &queue, &err), WEFT_OK);
    wf_kv_sizes sizes = {WF_F32, 1, 3, 0, 4096, PAGES * 4096};
    wf_kv_budget_init(&b, device, queue, &sizes);
    first.budget = second.budget = &b;
    first.h = (wf_kv_holder){NULL, give_up, &first, spare};
    second.h = (wf_kv_holder){NULL, give_up, &second, spare};
    wf_kv_register(&b, &first.h);
    wf_kv_register(&b, &second.h);
    uint64_t now = wf_kv_tick(&b);
    for (int i = 0; i < 3; i++) {
        hold(&second, now);
        hold(&first, now);
    }
    assert_int_equal(wf_kv_take(&b, 1, &page, &err), WEFT_E_LIMIT); /* all are in use now */
    assert_non_null(strstr(err.message, "--kv-bytes"));
    assert_true(first.n == 3 && second.n == 3);
    assert_int_equal(wf_kv_spare(&b), 0);
    wf_kv_tick(&b);
    assert_int_equal(wf_kv_spare(&b), PAGES);
    assert_int_equal(wf_kv_take(&b, 1, &page, &err), WEFT_OK);
    assert_true(first.n == 2 && second.n == 3);
    /* A run of three neighbours: the first holder has none left before the second is asked. */
    wf_kv_give(&b, page, 1);
    assert_int_equal(wf_kv_take(&b, 3, &page, &err), WEFT_OK);
    assert_true(first.n == 0 && second.n > 0 && second.n < 3);
    assert_int_equal(wf_kv_take(&b, PAGES + 1, &page, &err), WEFT_E_LIMIT);
    wf_kv_budget_free(&b);
    wf_queue_destroy(&queue);
    wf_device_destroy(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
