/* SPDX-License-Identifier: Apache-2.0 */
/* What Tab offers in a chat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/chat.h"

static char              folder[] = "/tmp/weft-complete-XXXXXX";
static const char *const files[] = {"my red.png",  "my blue.png",      "red.png",
                                    ".hidden.png", "a\nb.png",         "a\x1b[1m.png",
                                    "a\xff.png",   "a\xc2\x9b[1m.png", "\xc2\xa0.png"};
#define N_FILES (sizeof files / sizeof *files)

/* All of them with | behind each, and how much of each is on the line. */
static void offers(const char *line, const char *want, size_t typed)
{
    cli_choices c = {.n = 0};
    char        all[1024] = "";
    assert_true(cli_chat_complete(line, strlen(line), &c));
    for (size_t i = 0; i < c.n; i++) {
        strcat(all, c.v[i]);
        strcat(all, "|");
    }
    assert_string_equal(all, want);
    if (c.n > 0)
        assert_int_equal(c.typed, typed);
    cli_choices_clear(&c);
    assert_null(c.v);
}

static void test_commands(void **state)
{
    (void)state;
    offers("/", "audio |clear|clip |help|image |load |quit|save |", 0);
    offers("/cl", "clear|clip |", 2);
    offers("/im", "image |", 2);
    offers("/image", "image |", 5);
    offers("/x", "", 0);
    offers("/clear ", "", 0); /* takes nothing */
    offers("/nothing r", "", 0);
}

static void test_files(void **state)
{
    char line[256];
    (void)state;
    offers("/image ", "folder/|my blue.png|my red.png|red.png|\xc2\xa0.png|", 0);
    offers("/image \t r", "red.png|", 1);
    offers("/image my", "my blue.png|my red.png|", 2);
    offers("/image my r", "my red.png|", 4);
    offers("/image 'my r", "my red.png'|", 4);
    offers("/save \"fo", "folder/|", 2);
    offers("/image .", ".hidden.png|", 1);
    offers("/image folder/", "in it.png|", 0);
    offers("/image folder/x", "", 0);
    offers("/image nowhere/x", "", 0);
    offers("/image red.png/", "", 0);
    offers("/image ~/folder/i", "in it.png|", 1); /* the folder is the home */
    snprintf(line, sizeof line, "/clip %s/re", folder);
    offers(line, "red.png|", 2);
    offers("/clip /et", "etc/|", 2);
}

/* Of a folder with more files the first ones. */
static void test_many_files(void **state)
{
    enum { MANY = 10050 };
    char        name[32];
    cli_choices c = {.n = 0};
    (void)state;
    assert_int_equal(mkdir("many", 0700), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        assert_int_equal(close(creat(name, 0600)), 0);
    }
    assert_true(cli_chat_complete("/image many/", 12, &c));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        assert_int_equal(unlink(name), 0);
    }
    assert_int_equal(rmdir("many"), 0);
    assert_int_equal(c.n, 10000);
    cli_choices_clear(&c);
}

static void test_messages(void **state)
{
    cli_choices c = {.n = 0};
    (void)state;
    assert_false(cli_chat_complete("", 0, &c));
    assert_false(cli_chat_complete("red", 3, &c));
    assert_false(cli_chat_complete("//image r", 9, &c));
    assert_int_equal(c.n, 0);
}

static int begin(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || setenv("HOME", folder, 1) != 0 ||
        mkdir("folder", 0700) != 0 || close(creat("folder/in it.png", 0600)) != 0)
        return -1;
    for (size_t i = 0; i < N_FILES; i++)
        if (close(creat(files[i], 0600)) != 0)
            return -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++)
        (void)unlink(files[i]);
    (void)unlink("folder/in it.png");
    (void)rmdir("folder");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
