/* SPDX-License-Identifier: Apache-2.0 */
/* The names of activation functions as transformers writes them (activations.py, ACT2FN): each is
 * the function that ops.h has for it, and a function that it does not have is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugins/common/keys.h"
#include "tests/support/fake_host.h"

static fake_host  host;
static weft_error err = {.hdr = WEFT_HDR(weft_error)};

static weft_status read_act(const char *config, int32_t *act)
{
    weft_package *p = fake_package_open(&host, NULL);
    fake_package_put(p, "config.json", config, strlen(config));
    const plg_keys k = plg_keys_of(&host.host, p, "config.json", "", &err);
    return plg_keys_act(&k, "hidden_act", act);
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        int32_t     act;
    } cases[] = {{"gelu", WEFT_ACT_GELU},
                 {"gelu_python", WEFT_ACT_GELU},
                 {"silu", WEFT_ACT_SILU},
                 {"swish", WEFT_ACT_SILU},
                 {"relu", WEFT_ACT_RELU},
                 {"quick_gelu", WEFT_ACT_QUICK_GELU},
                 {"gelu_pytorch_tanh", WEFT_ACT_TANH_GELU},
                 {"gelu_python_tanh", WEFT_ACT_TANH_GELU},
                 {"gelu_new", WEFT_ACT_TANH_GELU},
                 {"gelu_fast", WEFT_ACT_TANH_GELU},
                 {"gelu_accurate", WEFT_ACT_TANH_GELU}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char    config[80];
        int32_t act = -1;
        snprintf(config, sizeof config, "{\"hidden_act\": \"%s\"}", cases[i].name);
        if (read_act(config, &act) != WEFT_OK)
            fail_msg("%s: %s", cases[i].name, err.message);
        if (act != cases[i].act)
            fail_msg("%s is %d", cases[i].name, act);
    }
}

static void test_absent(void **state)
{
    int32_t act = WEFT_ACT_RELU;
    (void)state;
    assert_int_equal(read_act("{}", &act), WEFT_OK);
    assert_int_equal(act, WEFT_ACT_RELU);
}

/* Functions of transformers that ops.h does not have, and names that only look like one it has. */
static void test_refused(void **state)
{
    static const char *const names[] = {"gelu_10", "tanh", "relu6", "leaky_relu", "mish",
                                        "GELU",    "gel",  "",      "gelu, silu"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char    config[80], said[80];
        int32_t act = -1;
        snprintf(config, sizeof config, "{\"hidden_act\": \"%s\"}", names[i]);
        snprintf(said, sizeof said, "hidden_act is \"%s\"", names[i]);
        assert_int_equal(read_act(config, &act), WEFT_E_UNSUPPORTED);
        assert_int_equal(act, -1);
        assert_non_null(strstr(err.message, said));
        assert_non_null(strstr(err.message, "gelu_accurate are known"));
    }
}

static int setup(void **state)
{
    (void)state;
    fake_host_init(&host, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_host_deinit(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
