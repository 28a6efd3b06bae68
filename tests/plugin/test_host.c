/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin gets from the host beside ops: memory, options, its package, its weights. */
#include "tests/plugin/host_bench.h"

#include "core/base/running.h"

/* ---- weft_host itself ---------------------------------------------------------------------------
 */

static void basics(void **state)
{
    (void)state;
    assert_int_equal(host->hdr.size, sizeof(weft_host));
    assert_string_equal(host->name, "weft");
    assert_int_equal(host->cpu_flags(host), 5);
    assert_int_equal(host->cancelled(host), 0);
    cancelled = 1;
    assert_int_equal(host->cancelled(host), 1);
    cancelled = 0;
    assert_null(host->get_interface(host, "weft.ops/1"));
    assert_null(host->get_interface(host, "weft.ops/2 "));
    assert_null(host->get_interface(host, ""));
    assert_null(host->get_interface(host, NULL));
    static const char *const ids[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS,
                                      WEFT_IF_OPS, WEFT_IF_KERNELS};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_non_null(host->get_interface(host, ids[i]));
}

static void memory(void **state)
{
    static const uint64_t aligns[] = {0, 1, 16, 64, 128, 4096, 1u << 21};
    (void)state;
    for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
        char *p = host->alloc(host, 100, aligns[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (aligns[i] > 64 ? aligns[i] : 64), 0);
        memset(p, 1, 100);
        host->free(host, p);
    }
    void *nothing = host->alloc(host, 0, 16);
    assert_non_null(nothing);
    host->free(host, nothing);
    host->free(host, NULL);
    assert_null(host->alloc(host, UINT64_MAX, 16));
    assert_null(host->alloc(host, UINT64_MAX - 64, 64));
    assert_null(host->alloc(host, 8, 3));
    assert_null(host->alloc(host, 8, 1u << 22));
    wf_mem_fail_at(1, true);
    assert_null(host->alloc(host, 8, 16));
    wf_mem_fail_at(0, false);
}

static void options(void **state)
{
    const weft_if_options *o = host->get_interface(host, WEFT_IF_OPTIONS);
    (void)state;
    assert_int_equal(o->i64(host, "status"), 0);
    assert_float_equal(o->f64(host, "level"), 0.5, 0);
    assert_string_equal(o->str(host, "mode"), "slow");
    assert_null(o->str(host, "text"));
    assert_int_equal(o->i64(host, "loud"), 0);
    assert_null(o->str(host, "weights")); /* the host's own, and never declared */
    assert_int_equal(o->i64(host, "undeclared"), 0);
    assert_null(o->str(host, NULL));
}

/* ---- package ------------------------------------------------------------------------------------
 */

static void package_json(void **state)
{
    const weft_if_package *p = host->get_interface(host, WEFT_IF_PACKAGE);
    weft_error             err = WF_ERROR_INIT;
    int64_t                n = -1;
    double                 f = 0;
    int32_t                b = -1;
    const char            *s = NULL;
    (void)state;
    good(p->json_count(host, package, "config.json", "a.b", &n, &err), &err);
    assert_int_equal(n, 4);
    good(p->json_i64(host, package, "config.json", "a.b[0]", &n, &err), &err);
    assert_int_equal(n, 1);
    good(p->json_f64(host, package, "config.json", "a.b[1]", &f, &err), &err);
    assert_float_equal(f, 2.5, 0);
    good(p->json_str(host, package, "config.json", "a.b[2]", &s, &err), &err);
    assert_string_equal(s, "x");
    good(p->json_bool(host, package, "config.json", "a.b[3]", &b, &err), &err);
    assert_int_equal(b, 1);
    assert_int_equal(p->json_i64(host, package, "config.json", "n", &n, &err), WEFT_E_NOTFOUND);
    assert_int_equal(p->json_i64(host, package, "config.json", "a.b[2]", &n, &err), WEFT_E_CORRUPT);
    assert_int_equal(p->json_i64(host, package, "absent.json", "a", &n, &err), WEFT_E_NOTFOUND);
    assert_int_equal(p->json_i64(host, package, "../config.json", "a", &n, &err), WEFT_E_INVALID);
    assert_int_equal(p->json_i64(host, package, NULL, "a", &n, &err), WEFT_E_INVALID);
    assert_int_equal(p->json_i64(host, NULL, "config.json", "a", &n, &err), WEFT_E_INVALID);
}

static void package_files(void **state)
{
    const weft_if_package *p = host->get_interface(host, WEFT_IF_PACKAGE);
    weft_source            src = {.hdr = WEFT_HDR(weft_source)};
    weft_error             err = WF_ERROR_INIT;
    char                   buf[256];
    (void)state;
    good(p->open(host, package, "config.json", &src, &err), &err);
    int64_t n = src.length(src.ctx);
    assert_true(n > 10 && n < 200);
    assert_int_equal(src.read_at(src.ctx, 0, buf, sizeof buf), n); /* short: the end */
    assert_memory_equal(buf, "{\"a\"", 4);
    assert_int_equal(src.read_at(src.ctx, (uint64_t)n - 1, buf, 5), 1);
    assert_int_equal(src.read_at(src.ctx, (uint64_t)n, buf, 5), 0);
    assert_int_equal(src.read_at(src.ctx, UINT64_MAX, buf, 5), 0);
    assert_int_equal(p->open(host, package, "absent", &src, &err), WEFT_E_NOTFOUND);
    assert_int_equal(p->open(host, package, "/etc/passwd", &src, &err), WEFT_E_INVALID);
    src.hdr.size = 8;
    assert_int_equal(p->open(host, package, "config.json", &src, &err), WEFT_E_INVALID);
}

/* ---- weights ---- */

static void weights_read(void **state)
{
    float       back[12];
    weft_tensor t = get("norm.weight", WEFT_USE_HOST, 1, 4, 0, 0, 0);
    (void)state;
    assert_memory_equal(t.data, w_norm, sizeof w_norm);
    assert_int_equal(t.device_type, WEFT_DEV_CPU);
    t = get("linear.weight", WEFT_USE_PLAIN, 2, 3, 4, 0, 0);
    assert_int_equal(t.bytes, sizeof w_linear);
    assert_int_equal(t.stride[0], 4);
    fetch(&t, back);
    assert_memory_equal(back, w_linear, sizeof w_linear);
    t = get("linear.weight", WEFT_USE_LINEAR, 2, 3, 4, 0, 0);
    assert_int_equal(t.flags, WEFT_TENSOR_PACKED);
    assert_int_equal(t.dtype.code, WEFT_DT_OPAQUE); /* nothing of it says how it is stored */
    assert_int_equal(t.dtype.bits, 0);
    assert_int_equal(t.stride[0], 0);
    assert_int_equal(t.shape[1], 4);
    assert_int_equal(weights()->has(host, package, "norm.weight"), 1);
    assert_int_equal(weights()->has(host, package, "norm.wait"), 0);
    assert_true(wf_host_weight_bytes(host) >= 2 * sizeof w_linear);
    wf_host_unbind(wf_plugin_host(plugin));
    assert_int_equal(wf_host_weight_bytes(host), 0);
}

/* All that is wrong with a list of names is said at once. */
static void weights_mistakes(void **state)
{
    weft_weight want[] = {
        {WEFT_HDR(weft_weight), "norm.weight", WEFT_USE_PLAIN, 1, {5}},
        {WEFT_HDR(weft_weight), "gone.weight", WEFT_USE_PLAIN, 1, {4}},
        {WEFT_HDR(weft_weight), "linear.weight", WEFT_USE_LINEAR, 2, {3, 4}},
    };
    weft_tensor out[3];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(weights()->get(host, package, want, 3, out, &err), WEFT_E_CORRUPT);
    assert_non_null(strstr(err.message, "2 tensors"));
    assert_non_null(strstr(err.message, "norm.weight is [4], not [5]"));
    assert_non_null(strstr(err.message, "gone.weight is missing"));
    want[0].shape[0] = -1;
    refused(weights()->get(host, package, want, 1, out, &err), &err,
            "norm.weight: axis 0 of its shape is -1");
    want[0].ndim = 9;
    refused(weights()->get(host, package, want, 1, out, &err), &err, "at most 4 axes");
    want[2].ndim = 1;
    refused(weights()->get(host, package, want + 2, 1, out, &err), &err, "at least 2 axes");
    want[2].use = 77;
    refused(weights()->get(host, package, want + 2, 1, out, &err), &err, "a known use");
    want[2].hdr.size = 0;
    refused(weights()->get(host, package, want + 2, 1, out, &err), &err, "hdr.size is 0");
    refused(weights()->get(host, package, NULL, 1, out, &err), &err, "weights.get: a package");
    wf_binding none = {.device = NULL};
    assert_int_equal(wf_host_bind(wf_plugin_host(plugin), &none, &err), WEFT_OK);
    assert_int_equal(weights()->get(host, package, want + 1, 1, out, &err), WEFT_E_STATE);
}

/* A plugin of two modalities: what both read stays until the second one is closed. */
static void weights_of_two(void **state)
{
    float      back[12];
    wf_binding binding = {.device = device, .linear_dtype = WF_F32};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_host_bind(wf_plugin_host(plugin), &binding, &err), WEFT_OK);
    weft_tensor t = get("linear.weight", WEFT_USE_PLAIN, 2, 3, 4, 0, 0);
    wf_host_unbind(wf_plugin_host(plugin));
    assert_true(wf_host_weight_bytes(host) > 0);
    fetch(&t, back);
    assert_memory_equal(back, w_linear, sizeof w_linear);
    wf_host_unbind(wf_plugin_host(plugin));
    assert_int_equal(wf_host_weight_bytes(host), 0);
}

/* A refused call is remembered for the call of the plugin that made it. */
static void misuse_is_marked(void **state)
{
    wf_running  running = {.plugin = "org.example.good", .function = "load"};
    weft_tensor out;
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    running.fpu = wf_fpu_read();
    wf_running *before = wf_running_set(&running);
    assert_int_equal(weights()->has(host, NULL, "norm.weight"), 0);
    assert_int_equal(atomic_load(&running.marks), 0);
    refused(weights()->get(host, package, NULL, 1, &out, &err), &err, "weights.get: a package");
    assert_int_equal(atomic_load(&running.marks), WF_MISUSED);
    wf_running_set(before);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define A(f)                                                                                       \
    {                                                                                              \
#f " on the asynchronous device", f, setup_async, teardown, NULL                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {T(basics),           T(memory),          T(options),
                                       T(package_json),     T(package_files),   T(weights_read),
                                       T(weights_mistakes), A(weights_read),    T(weights_of_two),
                                       A(weights_of_two),   T(misuse_is_marked)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
