/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several files: whatever is written and done in whichever order, standard output and
 * standard error hold what they would if one file were done after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "output/ordered.h"
#include "output/out.h"

#define CAP 65536u

/* A stream that goes to a file for the time of a test. */
typedef struct capture {
    FILE *stream, *file;
    int   saved;
    char  text[CAP];
} capture;

static capture out, err;

static void capture_begin(capture *c, FILE *stream)
{
    c->stream = stream;
    fflush(stream);
    c->file = tmpfile();
    c->saved = dup(fileno(stream));
    assert_true(c->file != NULL && c->saved >= 0);
    assert_true(dup2(fileno(c->file), fileno(stream)) >= 0);
}

/* What has reached the file so far: nothing is flushed for it. */
static const char *captured(capture *c)
{
    ssize_t n = pread(fileno(c->file), c->text, CAP - 1, 0);
    assert_true(n >= 0);
    c->text[n] = '\0';
    return c->text;
}

static void capture_end(capture *c)
{
    fflush(c->stream);
    (void)captured(c);
    assert_true(dup2(c->saved, fileno(c->stream)) >= 0);
    close(c->saved);
    fclose(c->file);
}

static int begin(void **state)
{
    (void)state;
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    return 0;
}

static int end(void **state)
{
    (void)state;
    capture_end(&err);
    capture_end(&out);
    return 0;
}

static void put(cli_place *p, const char *text)
{
    cli_place_put(p, text, strlen(text));
}

static void test_the_first_streams(void **state)
{
    cli_ordered order = {NULL, NULL, NULL};
    cli_place  *a = cli_place_begin(&order, NULL), *b = cli_place_begin(&order, NULL);
    (void)state;
    put(a, "a1 ");
    cli_place_flush(a);
    assert_string_equal(captured(&out), "a1 ");
    put(b, "b1\n");
    cli_place_flush(b);
    assert_string_equal(captured(&out), "a1 ");
    put(a, "a2\n");
    assert_int_equal(cli_place_end(&a), CLI_EXIT_OK);
    assert_null(a);
    /* Released and flushed; from now on b streams. */
    assert_string_equal(captured(&out), "a1 a2\nb1\n");
    put(b, "b2\n");
    cli_place_flush(b);
    assert_string_equal(captured(&out), "a1 a2\nb1\nb2\n");
    assert_int_equal(cli_place_end(&b), CLI_EXIT_OK);
    assert_null(order.first);
    assert_null(order.last);
}

static void test_done_backwards(void **state)
{
    cli_ordered order = {NULL, NULL, NULL};
    cli_place  *p[4];
    (void)state;
    for (int i = 0; i < 4; i++)
        p[i] = cli_place_begin(&order, NULL);
    for (int i = 3; i >= 0; i--) {
        char text[8];
        snprintf(text, sizeof text, "%d\n", i);
        put(p[i], text);
        cli_place_say(p[i], "said by %d", i);
        if (i > 0)
            assert_string_equal(captured(&out), "");
        assert_int_equal(cli_place_end(&p[i]), CLI_EXIT_OK);
    }
    assert_string_equal(captured(&out), "0\n1\n2\n3\n");
    assert_string_equal(captured(&err),
                        "weft: said by 0\nweft: said by 1\nweft: said by 2\nweft: said by 3\n");
}

static void test_errors_keep_their_place(void **state)
{
    cli_ordered order = {NULL, NULL, NULL};
    cli_place  *a = cli_place_begin(&order, NULL), *b = cli_place_begin(&order, NULL);
    weft_error  bad = CLI_ERROR_INIT, named = CLI_ERROR_INIT;
    (void)state;
    bad.code = WEFT_E_CORRUPT;
    named.code = WEFT_E_NOMEM;
    snprintf(bad.message, sizeof bad.message, "b.png: is cut short");
    assert_int_equal(cli_place_error(b, &bad), weft_exit_code(&bad));
    assert_int_equal(cli_place_error(b, &named), weft_exit_code(&named));
    cli_place_warn(b, "b is %d", 7);
    assert_int_equal(cli_place_end(&b), CLI_EXIT_OK);
    assert_string_equal(captured(&err), "");
    cli_place_say(a, "a is done");
    assert_string_equal(captured(&err), "weft: a is done\n");
    assert_int_equal(cli_place_end(&a), CLI_EXIT_OK);
    assert_string_equal(captured(&err), "weft: a is done\nweft: b.png: is cut short\n"
                                        "weft: failed: NOMEM\nweft: warning: b is 7\n");
    assert_string_equal(captured(&out), "");
}

static void test_any_bytes_and_none(void **state)
{
    cli_ordered order = {NULL, NULL, NULL};
    cli_place  *a = cli_place_begin(&order, NULL), *b = cli_place_begin(&order, NULL);
    (void)state;
    cli_place_put(b, "x\0y", 3);
    cli_place_put(b, NULL, 0);
    cli_place_put(b, "z%s", 3);
    cli_place_end(&b);
    cli_place_end(&a);
    (void)captured(&out);
    assert_memory_equal(out.text, "x\0yz%s", 7);
    put(NULL, "at once");
    cli_place_flush(NULL);
    (void)captured(&out);
    assert_memory_equal(out.text, "x\0yz%sat once", 14);
}

/* Random writes, messages and ends of up to six places at a time. */
static void test_any_order(void **state)
{
    cli_ordered     order = {NULL, NULL, NULL};
    cli_place      *open[6];
    int             number[6], n = 0, next = 0, ends = 0;
    unsigned        seed = 20261129;
    static unsigned count[60];
    static char     want[CAP];
    size_t          at = 0;
    (void)state;
    memset(count, 0, sizeof count);
    while (ends < 60) {
        int what = rand_r(&seed) % 8;
        if (what == 0 && n < 6 && next < 60) {
            number[n] = next++;
            open[n] = cli_place_begin(&order, NULL);
            assert_non_null(open[n++]);
        } else if (n > 0) {
            int  i = rand_r(&seed) % n;
            char text[32];
            snprintf(text, sizeof text, "%d:%u\n", number[i], count[number[i]]);
            if (what == 1) {
                assert_int_equal(cli_place_end(&open[i]), CLI_EXIT_OK);
                open[i] = open[--n];
                number[i] = number[n];
                ends++;
            } else {
                count[number[i]]++;
                put(open[i], text);
            }
        }
    }
    for (int k = 0; k < 60; k++)
        for (unsigned i = 0; i < count[k]; i++)
            at += (size_t)snprintf(want + at, sizeof want - at, "%d:%u\n", k, i);
    assert_true(at > 1000);
    cli_out_flush();
    assert_string_equal(captured(&out), want);
}

/* More than memory has: nothing of it is written, the others are. */
static void test_out_of_memory(void **state)
{
    cli_ordered order = {NULL, NULL, NULL};
    cli_place  *a = cli_place_begin(&order, NULL), *b = cli_place_begin(&order, NULL),
              *c = cli_place_begin(&order, NULL);
    (void)state;
    put(b, "b1\n");
    cli_place_put(b, "b2", SIZE_MAX / 2); /* refused before a byte of it is read */
    put(b, "b3\n");
    cli_place_say(b, "b is said");
    put(c, "c\n");
    cli_place_end(&c);
    cli_place_end(&a);
    put(b, "b4\n");
    assert_int_equal(cli_place_end(&b), CLI_EXIT_MEMORY);
    assert_string_equal(captured(&out), "c\n");
    assert_string_equal(captured(&err),
                        "weft: b is said\nweft: out of memory: results of a file that wait for "
                        "those of another\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_streams, begin, end),
        cmocka_unit_test_setup_teardown(test_done_backwards, begin, end),
        cmocka_unit_test_setup_teardown(test_errors_keep_their_place, begin, end),
        cmocka_unit_test_setup_teardown(test_any_bytes_and_none, begin, end),
        cmocka_unit_test_setup_teardown(test_any_order, begin, end),
        cmocka_unit_test_setup_teardown(test_out_of_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
