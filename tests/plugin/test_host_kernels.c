/* SPDX-License-Identifier: Apache-2.0 */
/* weft.kernels on a device that runs images: what a plugin declared and launched reaches the
 * device, and what the device says reaches the plugin. The device is the CPU with four functions
 * replaced.
 */
#include "tests/plugin/host_bench.h"

#include <string.h>

static wf_device_fns   table;
static int32_t         image_place; /* its address is the image */
static int32_t         n_images, n_kernels;
static const void     *image_data;
static uint64_t        image_bytes;
static char            function[40];
static const wf_image *image_of_kernel;
static weft_status (*cpu_kernel_create)(wf_device *d, wf_image *image, const wf_kernel_decl *k,
                                        wf_kernel **out, weft_error *err);
static void (*cpu_kernel_destroy)(wf_kernel *k);
static wf_kernel_op seen;

static weft_status image_load(wf_device *d, const void *data, uint64_t bytes, wf_image **out,
                              weft_error *err)
{
    (void)d;
    if (*(const char *)data == '?')
        return wf_fail(err, WEFT_E_UNSUPPORTED, "the image has no code for this device");
    image_data = data;
    image_bytes = bytes;
    n_images++;
    *out = (wf_image *)(void *)&image_place;
    return WEFT_OK;
}

static void image_unload(wf_device *d, wf_image *image)
{
    (void)d;
    assert_ptr_equal(image, &image_place);
    assert_int_equal(n_kernels, 0);
    n_images--;
}

static weft_status kernel_create(wf_device *d, wf_image *image, const wf_kernel_decl *k,
                                 wf_kernel **out, weft_error *err)
{
    if (k->n_args > 0 && k->arg_bytes[0] != sizeof(void *))
        return wf_fail(err, WEFT_E_INVALID, "%s: its first parameter has 8 bytes", k->name);
    snprintf(function, sizeof function, "%s", k->function != NULL ? k->function : "none");
    image_of_kernel = image;
    n_kernels++;
    return cpu_kernel_create(d, image, k, out, err);
}

static void kernel_destroy(wf_kernel *k)
{
    n_kernels--;
    cpu_kernel_destroy(k);
}

static weft_status submit(weft_queue *q, const wf_op *op, weft_error *err)
{
    (void)q;
    (void)err;
    assert_int_equal(op->kind, WF_OP_KERNEL);
    seen = op->u.kernel;
    return WEFT_OK;
}

static void with_images(void)
{
    table = *device->fns;
    cpu_kernel_create = table.kernel_create;
    cpu_kernel_destroy = table.kernel_destroy;
    table.image_load = image_load;
    table.image_unload = image_unload;
    table.kernel_create = kernel_create;
    table.kernel_destroy = kernel_destroy;
    table.submit = submit;
    device->fns = &table;
}

static void body(const weft_range *r, void *const *args)
{
    (void)r;
    (void)args;
}

static const uint32_t arg_bytes[] = {sizeof(void *), sizeof(int32_t)};
static weft_fatbin    image = {WEFT_HDR(weft_fatbin), "image", 5};

static weft_kernel_decl decl(const char *name, const char *symbol)
{
    return (weft_kernel_decl){WEFT_HDR(weft_kernel_decl), name, body, symbol, arg_bytes, 2, 0};
}

static const weft_if_kernels *kernels(void)
{
    return host->get_interface(host, WEFT_IF_KERNELS);
}

/* Everything of a launch arrives, values where the handle says. */
static void launch_arrives(void **state)
{
    weft_error       err = WF_ERROR_INIT;
    weft_kernel_decl k = decl("turn", "turn_f32");
    weft_launch      l = {WEFT_HDR(weft_launch), {5, 6, 7}, {32, 2, 1}, 4096, 0, 100, 9};
    void            *p = &err, *args[2];
    int32_t          number = 77;
    args[0] = &p;
    args[1] = &number;
    (void)state;
    with_images();
    good(kernels()->add(host, &k, 1, &image, &err), &err);
    assert_ptr_equal(image_data, image.data);
    assert_int_equal(image_bytes, 5);
    assert_string_equal(function, "turn_f32");
    assert_ptr_equal(image_of_kernel, &image_place);
    good(kernels()->launch(host, queue, kernels()->find(host, "turn"), &l, args, &err), &err);
    assert_memory_equal(seen.grid, l.grid, sizeof l.grid);
    assert_memory_equal(seen.block, l.block, sizeof l.block);
    assert_int_equal(seen.shared_bytes, 4096);
    assert_int_equal(seen.n, 100);
    assert_int_equal(seen.grain, 9);
    assert_memory_equal(seen.data + seen.kernel->offset[0], &p, sizeof p);
    assert_memory_equal(seen.data + seen.kernel->offset[1], &number, sizeof number);
    wf_binding none = {.device = NULL};
    good(wf_host_bind(wf_plugin_host(plugin), &none, &err), &err);
    assert_int_equal(n_images, 0);
    assert_int_equal(kernels()->launch(host, queue, kernels()->find(host, "turn"), &l, args, &err),
                     WEFT_E_STATE);
}

/* Declared before there is a device: loaded when there is one, and off it again. */
static void declared_early(void **state)
{
    weft_error       err = WF_ERROR_INIT;
    weft_kernel_decl k[] = {decl("a", "a_f32"), decl("b", NULL)};
    wf_binding       none = {.device = NULL}, some = {.device = device};
    (void)state;
    with_images();
    good(wf_host_bind(wf_plugin_host(plugin), &none, &err), &err);
    good(kernels()->add(host, k, 2, &image, &err), &err);
    assert_int_equal(n_images, 0);
    good(wf_host_bind(wf_plugin_host(plugin), &some, &err), &err);
    assert_int_equal(n_images, 1);
    assert_int_equal(n_kernels, 2);
    good(wf_host_bind(wf_plugin_host(plugin), &some, &err), &err);
    assert_int_equal(n_images, 1);
    good(wf_host_bind(wf_plugin_host(plugin), &none, &err), &err);
    assert_int_equal(n_images, 0);
    assert_int_equal(n_kernels, 0);
}

/* Two of one name in one call; an image or a parameter that the device will not have. Nothing of a
 * call that failed stays. */
static void refused_by_the_device(void **state)
{
    static const uint32_t narrow[] = {4};
    weft_error            err = WF_ERROR_INIT;
    weft_kernel_decl      k[] = {decl("a", "a_f32"), decl("a", "b_f32")};
    weft_fatbin           odd = {WEFT_HDR(weft_fatbin), "?", 1}, empty = {{0, 0}, NULL, 0};
    (void)state;
    with_images();
    assert_int_equal(kernels()->add(host, k, 2, &image, &err), WEFT_E_CONFLICT);
    assert_int_equal(kernels()->add(host, k, 1, &odd, &err), WEFT_E_UNSUPPORTED);
    assert_string_equal(err.message, "the image has no code for this device");
    refused(kernels()->add(host, k, 1, &empty, &err), &err, "the weft_fatbin needs its size");
    k[0].arg_bytes = narrow;
    k[0].n_args = 1;
    refused(kernels()->add(host, k, 1, &image, &err), &err, "a: its first parameter has 8 bytes");
    assert_int_equal(n_images, 0);
    assert_null(kernels()->find(host, "a"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(launch_arrives), T(declared_early),
                                       T(refused_by_the_device)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
