/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile template, a hostile conversation and memory that runs out: each is refused with a
 * sentence, in bounded time and memory, and nothing is left. */
#include "templates.h"

#include <stdlib.h>

static weft_status run(const char *source, uint64_t n, weft_error *err)
{
    json_t    *document = json_pack("{s:[], s:s}", "messages", "m", "text");
    tpl_result r;
    fake_host  h;
    *err = (weft_error){WEFT_HDR(weft_error), 0, 0, {0}};
    fake_host_init(&h, NULL, 0);
    weft_status s = template_run(&h, source, n, document, &r, err);
    result_free(&r);
    assert_int_equal(h.blocks_live, 0);
    assert_true(h.bytes_peak <= TPL_MAX_MEMORY + ((uint64_t)96 << 20));
    fake_host_deinit(&h);
    json_decref(document);
    return s;
}

static void test_limits(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "than"},
        {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "deeper"},
        {"{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
         "{% endfor %}",
         "memory"},
        {"{% set x = 'a' * 1000000 %}{% for i in range(90) %}{{ x }}{% endfor %}", "writes"},
        {"{{ 'a' * 9000000000000000000 }}", "more than"},
        {"{{ [1] * 9000000000000000000 }}", "more than"},
        {"{{ ''.center(9000000000000000000) }}", "more than"},
        {"{{ 2 ** 9000000000000000000 }}", "64 bits"},
        {"{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}"
         "{% endfor %}{{ ns.x }}",
         "deeper"},
        {"{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}"
         "{% endfor %}{{ ns.x == ns.x[:] }}",
         "steps"},
        {"{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}"
         "{% endfor %}{{ ns.x|tojson }}",
         "than"},
        {"{{ ('a' * 10000000).replace('', 'b' * 1000) }}", "than"},
        {"{% set ns = namespace(d={}) %}{% for i in range(99999) %}"
         "{% set ns.d = dict(ns.d, **{'k' ~ i: i}) %}"
         "{% endfor %}",
         "steps"},
        {"{% for x in range(2) recursive %}{{ loop(range(2)) }}{% endfor %}", "deeper"},
        {"{{ range(100001) }}", "100000"},
        {"{% set a = 'a' * 1000000 %}{{ a.rfind('a' * 500000 ~ 'b') }}", "steps"},
        {"{% set a = 'a' * 4000000 %}{% for i in range(99999) %}{{ a.find('a' * 200 ~ 'b') }}"
         "{% endfor %}",
         "steps"},
        {"{% set a = 'a' * 100000 %}{% set ns = namespace(d={}) %}{% for i in range(999) %}"
         "{% set ns.d = dict(ns.d, **{a ~ (i + 1000): i}) %}{% endfor %}",
         "steps"},
        {"{% set s = ' ' * 4000000 %}{% for i in range(99999) %}{{ s.strip() }}{% endfor %}",
         "steps"},
        {"{% set s = ' ' * 4000000 %}{% for i in range(99999) %}{{ s.split() }}{% endfor %}",
         "than"},
        {"{% set s = 'a' * 4000000 %}{% for i in range(99999) %}{{ s.splitlines()|length }}"
         "{% endfor %}",
         "than"},
        {"{% set s = 'a' * 4000000 %}{% for i in range(99999) %}{{ s.count('') }}{% endfor %}",
         "steps"},
        {"{% set a = 'a' * 4000000 %}{{ a.strip('b' * 1000000 ~ 'a') }}", "steps"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_error  err;
        weft_status s = run(cases[i][0], strlen(cases[i][0]), &err);
        if ((s != WEFT_E_LIMIT && s != WEFT_E_UNSUPPORTED && s != WEFT_OK) ||
            strstr(err.message, cases[i][1]) == NULL)
            fail_msg("%s: status %d: %s", cases[i][0], s, err.message);
    }
}

/* What an argument that cannot be printed leaves to those behind it. */
static void test_arguments_behind_a_failure(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "{{ 'x'|replace(old='a', new=range) }}",
        "{{ range|replace(old='a', new='b') }}",
        "{{ 'x'|replace(old=range, new=range) }}",
        "{{ 'ab'|replace(old='b', new=missing, count=namespace) }}",
        "{{ 'x'|replace(**{'old': 'a', 'new': range}) }}",
        "{{ raise_exception(message=range) }}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        weft_error err;
        if (run(sources[i], strlen(sources[i]), &err) == WEFT_OK)
            fail_msg("%s is taken", sources[i]);
    }
}

/* Honest work on a long text is no limit's matter. */
static void test_long_text(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "{% set t = 'some words, of a line\\n' * 100000 %}",
        "{{ t.split('\\n')|length }}",
        "{{ t.replace(',', ';')|length }}",
        "{{ t|trim|length }}",
        "{{ t.splitlines()|length }}",
        "{{ t.split()|length }}",
        "{{ t|upper|length }}",
        "{{ t|tojson|length }}",
        "{{ t.count('o') }}",
        "{{ t|indent|length }}",
        "{{ t[::-1]|length }}",
        "{{ t.rsplit('\\n')|length }}",
        "{{ t.rsplit(',', 3)|length }}",
        "{{ t }}",
    };
    for (size_t i = 1; i < sizeof sources / sizeof *sources; i++) {
        char       source[256];
        weft_error err;
        snprintf(source, sizeof source, "%s%s", sources[0], sources[i]);
        if (run(source, strlen(source), &err) != WEFT_OK)
            fail_msg("%s: %s", source, err.message);
    }
}

/* `piece`, many times, between a beginning and an end. */
static void test_deep_sources(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"{{ ", "(", "1 }}"},
        {"{{ ", "[", " }}"},
        {"{{ ", "-", "1 }}"},
        {"{{ ", "not ", "1 }}"},
        {"{{ a", ".b", " }}"},
        {"{{ 'a'", "|upper", " }}"},
        {"{{ 1", " + 1", " }}"},
        {"{{ 1", " ~ 1", " }}"},
        {"{{ 1", " if 1 else 1", " }}"},
        {"{{ 1", " and 1", " }}"},
        {"{{ 1", " < 1", " }}"},
        {"{{ {", "'a': {", "}}"},
        {"", "{% if 1 %}", ""},
        {"", "{% for x in [1] %}", ""},
        {"", "{% set x %}", ""},
        {"", "{% macro m() %}", ""},
        {"", "{% filter upper %}", ""},
        {"{% filter upper", "|upper", " %}{% endfilter %}"},
        {"{% if 0 %}", "{% elif 0 %}", "{% endif %}"},
        {"", "{{", ""},
        {"", "{%", ""},
        {"", "{#", ""},
        {"{{ '", "\\", "' }}"},
        {"", "{% raw %}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t times = 40000, piece = strlen(cases[i][1]);
        char        *source = malloc(times * piece + 128);
        size_t       n = 0;
        weft_error   err;
        assert_non_null(source);
        n += (size_t)sprintf(source, "%s", cases[i][0]);
        for (size_t k = 0; k < times; k++, n += piece)
            memcpy(source + n, cases[i][1], piece);
        n += (size_t)sprintf(source + n, "%s", cases[i][2]);
        if (run(source, n, &err) != WEFT_OK)
            assert_true(err.message[0] != '\0');
        free(source);
    }
}

/* So many variables that looking for one is work. */
static void test_many_variables(void **state)
{
    (void)state;
    char      *source = malloc((size_t)TPL_MAX_SOURCE);
    size_t     n = 0;
    weft_error err;
    assert_non_null(source);
    for (int i = 0; i < 40000; i++)
        n += (size_t)sprintf(source + n, "{%%set v%d=1%%}", i);
    n += (size_t)sprintf(source + n, "{%% for i in range(99999) %%}{{ v0 }}{%% endfor %%}");
    assert_int_equal(run(source, n, &err), WEFT_E_LIMIT);
    assert_non_null(strstr(err.message, "steps"));
    free(source);
}

/* `many` blocks, then `end`: looking for one of them takes more steps than there are. */
static void check_blocks(int many, const char *end)
{
    char      *source = malloc((size_t)TPL_MAX_SOURCE);
    size_t     n = 0;
    weft_error err;
    assert_non_null(source);
    for (int i = 0; i < many; i++)
        n += (size_t)sprintf(source + n, "{%%block b%d%%}{%%endblock%%}", i);
    n += (size_t)sprintf(source + n, "%s", end);
    assert_int_equal(run(source, n, &err), WEFT_E_LIMIT);
    assert_non_null(strstr(err.message, "steps"));
    free(source);
}

static void test_many_blocks(void **state)
{
    (void)state;
    check_blocks(36000, ""); /* for one of the same name, where each is declared */
    check_blocks(2000, "{% for i in range(99999) %}{{ self.b0() }}{% endfor %}");
}

static void test_too_long(void **state)
{
    (void)state;
    char      *source = calloc(1, (size_t)TPL_MAX_SOURCE + 1);
    weft_error err;
    assert_non_null(source);
    memset(source, 'a', (size_t)TPL_MAX_SOURCE + 1);
    assert_int_equal(run(source, TPL_MAX_SOURCE, &err), WEFT_OK);
    assert_int_equal(run(source, TPL_MAX_SOURCE + 1, &err), WEFT_E_LIMIT);
    assert_int_equal(run("\xff", 1, &err), WEFT_E_CORRUPT);
    free(source);
}

/* Every request for memory fails once. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char source[] =
        "{% macro m(a) %}{{ a|tojson(indent=2) }}{% endmacro %}{% for x in range(9) %}{{ m([x]) }}"
        "{% endfor %}{% set x %}{{ messages }}{% endset %}{{ x * 9000 }}";
    json_t  *document = json_pack("{s:[{s:s}]}", "messages", "role", "user");
    uint64_t fail = 1;
    for (;; fail++) {
        weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
        tpl_result r;
        fake_host  h;
        fake_host_init(&h, NULL, 0);
        fake_host_fail_at(&h, fail, 0);
        weft_status s = template_run(&h, source, sizeof source - 1, document, &r, &err);
        result_free(&r);
        assert_int_equal(h.blocks_live, 0);
        fake_host_deinit(&h);
        if (s == WEFT_OK)
            break;
        assert_int_equal(s, WEFT_E_NOMEM);
        assert_true(err.message[0] != '\0');
    }
    assert_true(fail > 8);
    json_decref(document);
}

static void test_documents(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        weft_status status;
    } cases[] = {
        {"[]", WEFT_OK},
        {"{\"messages\": []}", WEFT_OK},
        {"", WEFT_E_CORRUPT},
        {"{", WEFT_E_CORRUPT},
        {"{}", WEFT_E_CORRUPT},
        {"{\"messages\": 1}", WEFT_E_CORRUPT},
        {"1", WEFT_E_CORRUPT},
        {"[1e999]", WEFT_OK},
        {"[9223372036854775807, -9223372036854775808]", WEFT_OK},
        {"[9223372036854775808]", WEFT_E_CORRUPT},
        {"[-9223372036854775809]", WEFT_E_CORRUPT},
        {"[\"\\ud800\"]", WEFT_E_CORRUPT},
        {"[\"\xff\"]", WEFT_E_CORRUPT},
        {"[] []", WEFT_E_CORRUPT},
        {"{\"messages\": [], \"messages\": [], \"a.b[\": 1, \"\": 2}", WEFT_OK},
    };
    fake_host     h;
    tpl_template *t;
    fake_host_init(&h, NULL, 0);
    assert_int_equal(tpl_compile(&h.host, "t", (const uint8_t *)"{{ messages }}", 14, &t, NULL),
                     WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_error      err = {WEFT_HDR(weft_error), 0, 0, {0}};
        tpl_result      r = {.text.host = &h.host, .origin.host = &h.host};
        tpl_run_request rq = {.messages = {"m.json", cases[i].text, strlen(cases[i].text)}};
        weft_status     s = tpl_render(t, &rq, &r, &err);
        if (s != cases[i].status || (s != WEFT_OK && strncmp(err.message, "m.json", 6) != 0))
            fail_msg("%s: status %d: %s", cases[i].text, s, err.message);
        result_free(&r);
    }
    tpl_free(t);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_arguments_behind_a_failure),
        cmocka_unit_test(test_long_text),   cmocka_unit_test(test_deep_sources),
        cmocka_unit_test(test_too_long),    cmocka_unit_test(test_many_variables),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_documents),
        cmocka_unit_test(test_many_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
