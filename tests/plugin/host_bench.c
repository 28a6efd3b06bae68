/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded plugin with a package, a device and a queue, and small helpers around them. */
#include "tests/plugin/host_bench.h"

#include <math.h>

#include "core/base/cpu.h"
#include "core/device/builtin.h"

char             dir[64];
weft_settings   *settings;
wf_hosts         hosts;
wf_registry     *registry;
wf_plugin       *plugin;
const weft_host *host;
wf_device       *device;
weft_queue      *queue;
weft_package    *package;
int32_t          cancelled;

static int32_t is_cancelled(void *ctx)
{
    return *(int32_t *)ctx;
}

/* ---- a package of a few tensors ---- */

float w_linear[3 * 4], w_norm[4], w_conv[2 * 1 * 2 * 2];

static void write_package(void)
{
    static const char config[] = "{\"a\": {\"b\": [1, 2.5, \"x\", true]}, \"n\": null}";
    char              path[160];
    for (int i = 0; i < 12; i++)
        w_linear[i] = (float)(i % 5) - 1.5f;
    for (int i = 0; i < 4; i++)
        w_norm[i] = 0.5f + (float)i;
    for (int i = 0; i < 8; i++)
        w_conv[i] = (float)(i + 1);
    const wf_st_out out[] = {
        {"conv.weight", WF_ST_F32, 4, {2, 1, 2, 2}, w_conv},
        {"linear.weight", WF_ST_F32, 2, {3, 4}, w_linear},
        {"norm.weight", WF_ST_F32, 1, {4}, w_norm},
    };
    snprintf(path, sizeof path, "%s/config.json", dir);
    spill(path, config, sizeof config - 1);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_int_equal(wf_st_write(path, out, 3, NULL), WEFT_OK);
}

static void open_all(bool asynchronous)
{
    char               path[512];
    weft_error         err = WF_ERROR_INIT;
    wf_registry_config cfg = {.plugin_dir = ""};
    scratch_open(dir);
    write_package();
    snprintf(path, sizeof path, "%s/good.so", WEFT_PLUGIN_FIXTURES);
    assert_int_equal(wf_settings_create(&settings, &err), WEFT_OK);
    assert_int_equal(wf_settings_set(settings, "plugin", path, WF_LAYER_CLI, "--plugin", &err),
                     WEFT_OK);
    wf_hosts_init(&hosts, &(wf_hosts_config){.settings = settings,
                                             .cpu_flags = 5,
                                             .cancelled = is_cancelled,
                                             .ctx = &cancelled});
    cfg.settings = settings;
    cfg.hosts = wf_hosts_maker(&hosts);
    assert_int_equal(wf_registry_create(&cfg, &registry, &err), WEFT_OK);
    assert_int_equal(wf_registry_load(registry, "org.example.good", &plugin, &err), WEFT_OK);
    host = wf_plugin_host(plugin);
    if (asynchronous)
        assert_int_equal(
            wf_device_test_create(&(wf_device_config){.cpu_flags = wf_cpu_detect()}, &device, &err),
            WEFT_OK);
    else
        assert_int_equal(wf_device_cpu_create(NULL, wf_cpu_detect(), &device, &err), WEFT_OK);
    assert_int_equal(wf_queue_create(device, &queue, &err), WEFT_OK);
    wf_binding binding = {.device = device, .linear_dtype = WF_F32};
    assert_int_equal(wf_host_bind(wf_plugin_host(plugin), &binding, &err), WEFT_OK);
    assert_int_equal(wf_package_open(dir, &package, &err), WEFT_OK);
}

int setup(void **state)
{
    (void)state;
    open_all(false);
    return 0;
}

int setup_async(void **state)
{
    (void)state;
    open_all(true);
    return 0;
}

int teardown(void **state)
{
    (void)state;
    wf_queue_destroy(&queue);
    wf_registry_destroy(&registry); /* before the device: it holds weights */
    wf_device_destroy(&device);
    wf_package_close(&package);
    wf_settings_destroy(&settings);
    scratch_close(dir);
    return 0;
}

const weft_if_ops *ops(void)
{
    return host->get_interface(host, WEFT_IF_OPS);
}

/* A device tensor of f32; freed by drop(). */
weft_tensor make(int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t shape[4] = {a, b, c, d};
    weft_tensor   like = {.device_type = device->type, .device_id = device->id};
    weft_tensor   t = weft_view(&like, NULL, WEFT_F32, ndim, shape);
    assert_int_equal(wf_device_alloc(device, t.bytes, &t.data, NULL), WEFT_OK);
    return t;
}

weft_tensor zeros(int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    weft_tensor t = make(ndim, a, b, c, d);
    assert_int_equal(wf_queue_zero(queue, t.data, t.bytes, NULL), WEFT_OK);
    return t;
}

void drop(weft_tensor *t)
{
    wf_device_free(device, t->data);
}

/* Uploads through the table: the source may change as soon as the call returned. */
void fill(const weft_tensor *t, const float *from)
{
    float      *copy = malloc(t->bytes);
    weft_error  err = WF_ERROR_INIT;
    weft_status st;
    memcpy(copy, from, t->bytes);
    st = ops()->upload(host, queue, t, copy, t->bytes, &err);
    if (st != WEFT_OK)
        fail_msg("%s", err.message);
    memset(copy, 0xff, t->bytes);
    free(copy);
}

void fetch(const weft_tensor *t, float *to)
{
    assert_int_equal(wf_queue_download(queue, to, t->data, t->bytes, NULL), WEFT_OK);
    assert_int_equal(wf_queue_wait(queue, NULL), WEFT_OK);
    wf_host_queue_waited(wf_plugin_host(plugin), queue);
}

void ramp(float *v, int64_t n, float step)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)((i * 7) % 11) * step - 1.0f;
}

void assert_near(const float *has, const float *wants, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(has[i] - wants[i]) <= TOLERANCE * fmaxf(1.0f, fabsf(wants[i]))))
            fail_msg("element %d: %g, not %g", (int)i, (double)has[i], (double)wants[i]);
}

void good(weft_status st, const weft_error *err)
{
    if (st != WEFT_OK)
        fail_msg("%s", err->message);
}

void refused(weft_status st, const weft_error *err, const char *part)
{
    assert_int_equal(st, WEFT_E_INVALID);
    if (strstr(err->message, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err->message, part);
}

const weft_if_weights *weights(void)
{
    return host->get_interface(host, WEFT_IF_WEIGHTS);
}

weft_tensor get(const char *name, uint32_t use, int32_t ndim, int64_t a, int64_t b, int64_t c,
                int64_t d)
{
    weft_weight want = {WEFT_HDR(weft_weight), name, use, ndim, {a, b, c, d}};
    weft_tensor t;
    weft_error  err = WF_ERROR_INIT;
    good(weights()->get(host, package, &want, 1, &t, &err), &err);
    return t;
}
