/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance against its definition, and which name is offered for a mistyped one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/distance.h"
#include "weft/weft.h"

static void known_distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t      d;
    } cases[] = {
        {"", "", 0},           {"", "abc", 3},
        {"abc", "", 3},        {"kitten", "sitting", 3},
        {"flaw", "lawn", 2},   {"saturday", "sunday", 3},
        {"ab", "ba", 2},       {"top-k", "top_k", 0},
        {"top.k", "top_k", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(wf_distance(cases[i].a, cases[i].b), cases[i].d);
        assert_int_equal(wf_distance(cases[i].b, cases[i].a), cases[i].d);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The definition: the last bytes are paired, or one of them is a gap. */
static size_t by_definition(const char *a, size_t na, const char *b, size_t nb)
{
    if (na == 0 || nb == 0)
        return na + nb;
    size_t swap = by_definition(a, na - 1, b, nb - 1) + (a[na - 1] != b[nb - 1]);
    size_t gap = least(by_definition(a, na - 1, b, nb), by_definition(a, na, b, nb - 1)) + 1;
    return least(swap, gap);
}

/* All words of at most four letters of two. */
static void against_the_definition(void **state)
{
    char words[31][5];
    int  n = 0;
    (void)state;
    for (unsigned length = 0; length <= 4; length++)
        for (unsigned bits = 0; bits < 1u << length; bits++, n++) {
            memset(words[n], 0, sizeof words[n]);
            for (unsigned i = 0; i < length; i++)
                words[n][i] = bits >> i & 1 ? 'b' : 'a';
        }
    assert_int_equal(n, 31);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            assert_int_equal(wf_distance(words[i], words[j]),
                             by_definition(words[i], strlen(words[i]), words[j], strlen(words[j])));
}

static void long_names_are_not_compared(void **state)
{
    char name[WF_DISTANCE_MAX + 2];
    (void)state;
    memset(name, 'a', sizeof name);
    name[WF_DISTANCE_MAX] = '\0';
    assert_int_equal(wf_distance(name, "a"), WF_DISTANCE_MAX - 1);
    assert_int_equal(wf_distance(name, name), 0);
    name[WF_DISTANCE_MAX] = 'a';
    name[WF_DISTANCE_MAX + 1] = '\0';
    assert_true(wf_distance(name, name) == SIZE_MAX);
    assert_true(wf_distance("a", name) == SIZE_MAX);
}

static void nearest(void **state)
{
    static const char *const known[] = {"threads", "top_k", "top_p"};
    (void)state;
    assert_ptr_equal(weft_nearest("theads", known, 3), known[0]);
    assert_ptr_equal(weft_nearest("top-k", known, 3), known[1]);
    assert_ptr_equal(weft_nearest("top_x", known, 3), known[1]); /* of equals the first */
    assert_ptr_equal(weft_nearest("thr", known, 3), known[0]);   /* a beginning is near */
    assert_null(weft_nearest("th", known, 3));
    assert_null(weft_nearest("bottom", known, 3));
    assert_null(weft_nearest("threads", known, 0));
    char huge[5000];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_null(weft_nearest(huge, known, 3)); /* bounded work on a hostile key */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_distances),
        cmocka_unit_test(against_the_definition),
        cmocka_unit_test(long_names_are_not_compared),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
