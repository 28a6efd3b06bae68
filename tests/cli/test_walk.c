/* SPDX-License-Identifier: Apache-2.0 */
/* A command's way over its files, with work that is done out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/walk.h"
#include "exit.h"

#define FILES 7

/* Work of which the file that was started last is done first. */
typedef struct work {
    cli_tally  tally;
    cli_place *place[FILES];
    char      *path[FILES];
    uint32_t   n, most, started;
} work;

static bool start(void *ctx, const cli_file *file, cli_place *place)
{
    work *w = ctx;
    w->started++;
    if (strcmp(file->path, "nothing") == 0) {
        cli_tally_end(&w->tally, &place);
        free(file->path);
        return false;
    }
    w->place[w->n] = place;
    w->path[w->n++] = file->path;
    w->most = w->n > w->most ? w->n : w->most;
    return true;
}

static uint32_t finish_newest(void *ctx)
{
    work      *w = ctx;
    weft_error err = CLI_ERROR_INIT;
    char      *path = w->path[--w->n];
    cli_place *place = w->place[w->n];
    if (strcmp(path, "bad") == 0) {
        err.code = WEFT_E_CORRUPT;
        err.stage = WEFT_STAGE_MEDIA;
        cli_tally_fail(&w->tally, place, &err, weft_exit_code(&err));
    } else {
        w->tally.n_done++;
        cli_place_put(place, path, strlen(path));
    }
    cli_tally_end(&w->tally, &place);
    free(path);
    return 1;
}

static uint32_t finish_all(void *ctx)
{
    work    *w = ctx;
    uint32_t n = w->n;
    while (w->n > 0)
        (void)finish_newest(w);
    return n;
}

static void run(work *w, uint32_t at_once, const char *const *paths, bool fail_fast,
                uint32_t (*wait)(void *))
{
    const cli_walk walk = {at_once, NULL, "nothing here", w, start, wait};
    cli            c;
    cli_files      files;
    weft_error     err = CLI_ERROR_INIT;
    memset(&c, 0, sizeof c);
    memset(w, 0, sizeof *w);
    c.operands = (char *const *)(uintptr_t)paths;
    while (paths[c.n_operands] != NULL)
        c.n_operands++;
    c.given[OWN_FAIL_FAST] = fail_fast;
    assert_int_equal(cli_files_init(&files, c.operands, c.n_operands, false, &err), WEFT_OK);
    cli_walk_files(&walk, &c, &files, &w->tally);
    cli_files_deinit(&files);
    assert_int_equal(w->n, 0);
}

static const char *const seven[FILES + 1] = {"1", "2", "nothing", "4", "5", "6", "7", NULL};

static void test_as_many_at_once_as_may_be(void **state)
{
    work w;
    (void)state;
    for (uint32_t at_once = 1; at_once <= FILES; at_once++)
        for (int all = 0; all < 2; all++) {
            run(&w, at_once, seven, false, all ? finish_all : finish_newest);
            assert_int_equal(w.most, at_once < FILES - 1 ? at_once : FILES - 1);
            assert_int_equal(w.started, FILES);
            assert_int_equal(w.tally.n_done, FILES - 1);
            assert_int_equal(w.tally.n_failed, 0);
            assert_int_equal(w.tally.code, CLI_EXIT_OK);
        }
}

static void test_a_failure_stops_no_other(void **state)
{
    static const char *const paths[] = {"1", "bad", "3", "4", "5", NULL};
    work                     w;
    (void)state;
    run(&w, 2, paths, false, finish_newest);
    assert_int_equal(w.tally.n_done, 4);
    assert_int_equal(w.tally.n_failed, 1);
    assert_int_equal(w.tally.code, CLI_EXIT_MEDIA);
}

/* What was started beside the one that failed is still done; nothing further is started. */
static void test_fail_fast(void **state)
{
    static const char *const paths[] = {"1", "bad", "3", "4", "5", NULL};
    work                     w;
    (void)state;
    run(&w, 2, paths, true, finish_newest);
    assert_int_equal(w.started, 2);
    assert_int_equal(w.tally.n_done, 1);
    assert_int_equal(w.tally.n_failed, 1);
    run(&w, 1, paths, true, finish_newest);
    assert_int_equal(w.started, 2);
}

static void test_nothing(void **state)
{
    static const char *const paths[] = {"nothing", "nothing", NULL};
    work                     w;
    (void)state;
    run(&w, 2, paths, false, finish_newest);
    assert_int_equal(w.started, 2);
    assert_int_equal(w.tally.code, CLI_EXIT_MEDIA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_at_once_as_may_be),
        cmocka_unit_test(test_a_failure_stops_no_other),
        cmocka_unit_test(test_fail_fast),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
