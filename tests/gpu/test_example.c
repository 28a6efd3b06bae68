/* SPDX-License-Identifier: Apache-2.0 */
/* The example's kernel (examples/melody): both bodies. */
#include "call.h"

#include "examples/melody/melody.c"

static void test_notes(void **unused)
{
    (void)unused;
    for (int times = 0; times < 6; times++) {
        call          c = {.n_args = 0, .items = times > 0 ? call_size(40) : 0};
        const int64_t d = call_size(300), n = c.items;
        call_floats(&c, OUT, n * d);
        call_floats(&c, IN, 2 * n);
        for (int64_t i = 0; i < n; i++) { /* a note, some outside the table, and its length */
            c.arg[1].host[2 * i] = (float)rig_between(-3, NOTES + 3);
            c.arg[1].host[2 * i + 1] = (float)rig_between(0, 40) / 8.0f;
        }
        call_floats(&c, IN, NOTES * d);
        call_integer(&c, d);
        call_both(&notes_kernel, gpu, &c, 1e-13);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes)};

int main(void)
{
    return RIG_MAIN(tests, false);
}
