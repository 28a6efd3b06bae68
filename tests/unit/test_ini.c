/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: equal to Python's configparser where we read, refused with line and
 * column where we do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "core/base/mem.h"
#include "core/io/ini.h"
#include "tests/unit/scratch.h"

typedef struct ini_case {
    const char *text;
    size_t      bytes;
    const char *entries; /* NULL: to be refused */
} ini_case;

static const ini_case cases[] = {
#include "tests/unit/ini_cases.inc"
};

typedef struct listing {
    char    text[8192];
    size_t  n;
    int32_t calls, stop_at, last_line;
} listing;

static weft_status list(void *ctx, const char *section, const char *key, const char *value,
                        int32_t line, weft_error *err)
{
    listing *l = ctx;
    if (++l->calls == l->stop_at)
        return wf_fail(err, WEFT_E_INVALID, "stopped at %d", line);
    assert_true(line > l->last_line);
    l->last_line = line;
    l->n +=
        (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s|%s|%s\n", section, key, value);
    assert_true(l->n < sizeof(l->text));
    return WEFT_OK;
}

static void like_configparser(void **state)
{
    size_t refused = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        listing     l = {.n = 0};
        weft_error  err = WF_ERROR_INIT;
        weft_status s = wf_ini_parse(cases[i].text, cases[i].bytes, "some.ini", list, &l, &err);
        if (cases[i].entries == NULL) {
            if (s == WEFT_OK)
                fail_msg("accepted: %s", cases[i].text);
            assert_failure(s, &err, WEFT_E_CORRUPT, "some.ini:", ": ");
            assert_int_equal(l.calls, 0); /* nothing of a bad file is handed out */
            refused++;
        } else if (s != WEFT_OK) {
            fail_msg("refused: %s: %s", cases[i].text, err.message);
        } else {
            assert_string_equal(l.text, cases[i].entries);
        }
    }
    assert_true(refused >= 50);
}

static void places(void **state)
{
    static const struct {
        const char *text, *place;
    } bads[] = {
        {"a = 1\n", "f.ini:1:1: a key before any [SECTION]"},
        {"[core]\n\nKey = 1\n", "f.ini:3:1: a key is made of a-z"},
        {"[core]\nke y = 1\n", "f.ini:2:4: KEY = VALUE"},
        {"[core]\nkey\n", "f.ini:2:4: KEY = VALUE"},
        {"[core]\nkey/x = 1\n", "f.ini:2:4: a key is made of a-z"},
        {"[core]\n= 1\n", "f.ini:2:1: a key is missing"},
        {"[core\n", "f.ini:1:6: the section's closing ]"},
        {"[core] x\n", "f.ini:1:7: nothing may follow"},
        {"[]\n", "f.ini:1:2: a section needs a name"},
        {"[ core]\n", "f.ini:1:2: no blanks"},
        {"[core ]\n", "f.ini:1:6: no blanks"},
        {"[co[re]\n", "f.ini:1:4: no ["},
        {"[core]\na = 1\n  b\n", "f.ini:3:1: no blanks before a key"},
        {"[core]\na = \xC3\xA9\xC3\xA9\xFF\n", "f.ini:2:7: this is not UTF-8"},
        {"[core]\na = x\x01\n", "f.ini:2:6: a control character"},
        {"[core]\na = 1\nb = 2\nc = 3\na = 4\n",
         "f.ini:5:1: the key \"a\" stands already at line 2"},
        {"[core]\n[x]\n[core]\n", "f.ini:3:1: the section \"core\" stands already at line 1"},
        {"[b]\na=1\na=1\n[a]\n", "f.ini:3:1: the key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        listing    l = {.n = 0};
        weft_error err = WF_ERROR_INIT;
        assert_failure(wf_ini_parse(bads[i].text, strlen(bads[i].text), "f.ini", list, &l, &err),
                       &err, WEFT_E_CORRUPT, "f.ini:", bads[i].place);
    }
}

static void callback_stops(void **state)
{
    static const char text[] = "[core]\na = 1\nb = 2\nc = 3\n";
    listing           l = {.stop_at = 2};
    weft_error        err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_ini_parse(text, sizeof(text) - 1, "f.ini", list, &l, &err), &err,
                   WEFT_E_INVALID, "stopped", "at 3");
    assert_int_equal(l.calls, 2);
    assert_string_equal(l.text, "core|a|1\n");
}

static weft_status count(void *ctx, const char *section, const char *key, const char *value,
                         int32_t line, weft_error *err)
{
    (void)section, (void)key, (void)value, (void)line, (void)err;
    ++*(int32_t *)ctx;
    return WEFT_OK;
}

/* Many keys in the largest file there may be: quadratic search for what stands twice would take
 * minutes. */
static void full_file(void **state)
{
    char      *text = malloc(WF_INI_MAX_BYTES + 1), *at = text;
    int32_t    keys = 0, calls = 0;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_non_null(text);
    at = stpcpy(at, "[core]\n");
    for (; at + 10 < text + WF_INI_MAX_BYTES; keys++)
        at += sprintf(at, "%d=\n", keys);
    clock_t begin = clock();
    assert_int_equal(wf_ini_parse(text, (uint64_t)(at - text), "f.ini", count, &calls, &err),
                     WEFT_OK);
    /* Well under a second even with sanitizers. */
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 10);
    assert_int_equal(calls, keys);
    memset(text, '\n', WF_INI_MAX_BYTES + 1);
    assert_int_equal(wf_ini_parse(text, WF_INI_MAX_BYTES, "f.ini", count, &calls, &err), WEFT_OK);
    assert_failure(wf_ini_parse(text, WF_INI_MAX_BYTES + 1, "f.ini", count, &calls, &err), &err,
                   WEFT_E_LIMIT, "f.ini", "limit of 1048576");
    free(text);
}

static void load_from_file(void **state)
{
    listing    l = {.n = 0};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_ini_load(scratch_path("none.ini"), list, &l, &err), &err, WEFT_E_NOTFOUND,
                   "none.ini", "no such file");
    scratch_put("a.ini", "[core]\na = 1\n", 13);
    assert_int_equal(wf_ini_load(scratch_path("a.ini"), list, &l, &err), WEFT_OK);
    assert_string_equal(l.text, "core|a|1\n");
    scratch_put("b.ini", "[core]\nA = 1\n", 13);
    assert_failure(wf_ini_load(scratch_path("b.ini"), list, &l, &err), &err, WEFT_E_CORRUPT,
                   "b.ini:2:1:", "a-z");
    scratch_empty("");
}

static void memory_runs_out(void **state)
{
    static const char text[] = "[core]\na = 1\nb = 2\n";
    (void)state;
    scratch_put("a.ini", text, sizeof(text) - 1);
    weft_status s = WEFT_E_NOMEM;
    for (uint64_t n = 1; s != WEFT_OK; n++) {
        listing    l = {.n = 0};
        weft_error err = WF_ERROR_INIT;
        uint64_t   before = wf_mem_count();
        wf_mem_fail_at(n, false);
        s = wf_ini_load(scratch_path("a.ini"), list, &l, &err);
        wf_mem_fail_at(0, false);
        assert_int_equal(s, wf_mem_count() - before >= n ? WEFT_E_NOMEM : WEFT_OK);
        assert_int_equal(l.calls, s == WEFT_OK ? 2 : 0);
    }
    scratch_empty("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_configparser), cmocka_unit_test(places),
        cmocka_unit_test(callback_stops),    cmocka_unit_test(full_file),
        cmocka_unit_test(load_from_file),    cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
