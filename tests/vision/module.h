/* SPDX-License-Identifier: Apache-2.0 */
/* The built weft-vision.so as a host sees it, on the fake host: entry, init, components. What the
 * weights interface answers is a list of names; kernels are accepted and never run. */
#ifndef TESTS_VISION_MODULE_H
#define TESTS_VISION_MODULE_H

#include "tests/support/fake_host.h"
#include "tests/support/load.h"

typedef struct module {
    fake_host              host;
    weft_plugin            plugin;
    const weft_modality   *image;
    const weft_checkpoint *checkpoint;
    weft_error             err;
} module;

static const char *module_has_name; /* the one name that weights->has knows */

static inline int32_t module_has(const weft_host *h, const weft_package *p, const char *name)
{
    (void)h;
    (void)p;
    return module_has_name != NULL && strcmp(name, module_has_name) == 0;
}

static inline weft_status module_get(const weft_host *h, const weft_package *p,
                                     const weft_weight *want, uint32_t n, weft_tensor *out,
                                     weft_error *err)
{
    (void)h;
    (void)p;
    (void)want;
    (void)n;
    (void)out;
    return weft_fail(err, WEFT_E_NOTFOUND, "this host has no weights");
}

static inline weft_status module_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                                     const weft_fatbin *gpu, weft_error *err)
{
    (void)h;
    (void)gpu;
    (void)err;
    for (uint32_t i = 0; i < n; i++) /* what a launch relies on */
        assert_true(k[i].name != NULL && k[i].cpu != NULL && k[i].n_args <= 16);
    return WEFT_OK;
}

static inline const weft_kernel *module_find(const weft_host *h, const char *name)
{
    (void)h;
    return (const weft_kernel *)(const void *)name; /* never looked into */
}

static const weft_if_weights module_weights = {WEFT_HDR(weft_if_weights), module_get, module_has};
static const weft_if_kernels module_kernels = {WEFT_HDR(weft_if_kernels), module_add, module_find,
                                               NULL};
static const weft_if_ops     module_ops = {.hdr = WEFT_HDR(weft_if_ops)};

static const void *module_service; /* the table that the module gives, and its self */
static void       *module_service_self;

static inline weft_status module_publish(const weft_host *h, const char *id, const void *vtable,
                                         void *self, weft_error *err)
{
    (void)h;
    (void)err;
    assert_true(id != NULL && vtable != NULL);
    module_service = vtable;
    module_service_self = self;
    return WEFT_OK;
}

static const weft_if_services module_services = {WEFT_HDR(weft_if_services), module_publish, NULL};

/* Loads the module and runs entry and init: a failure of these is the test's. */
static inline void module_open(module *m)
{
    const weft_error no_error = {.hdr = WEFT_HDR(weft_error)};
    fake_host_init(&m->host, NULL, 0);
    fake_host_provide(&m->host, WEFT_IF_WEIGHTS, &module_weights);
    fake_host_provide(&m->host, WEFT_IF_KERNELS, &module_kernels);
    fake_host_provide(&m->host, WEFT_IF_OPS, &module_ops);
    fake_host_provide(&m->host, WEFT_IF_SERVICES, &module_services);
    module_has_name = NULL;
    m->err = no_error;
    m->plugin = module_load("weft-vision");
    assert_int_equal(m->plugin.init(&m->host.host, &m->err), WEFT_OK);
    m->image = module_component(&m->plugin, WEFT_C_MODALITY);
    m->checkpoint = module_component(&m->plugin, WEFT_C_CHECKPOINT);
    assert_non_null(m->image);
    assert_non_null(m->checkpoint);
}

/* deinit must leave nothing behind. */
static inline void module_close(module *m)
{
    m->plugin.deinit(&m->host.host);
    assert_int_equal(m->host.blocks_live, 0);
    fake_host_deinit(&m->host);
}

/* A package whose config.json is this text; preprocessor NULL: there is none. */
static inline weft_package *module_package(module *m, const char *config, const char *preprocessor)
{
    weft_package *p = fake_package_open(&m->host, NULL);
    fake_package_put(p, "config.json", config, strlen(config));
    if (preprocessor != NULL)
        fake_package_put(p, "preprocessor_config.json", preprocessor, strlen(preprocessor));
    return p;
}

#endif
