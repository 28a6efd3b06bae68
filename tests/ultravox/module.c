/* SPDX-License-Identifier: Apache-2.0 */
/* The module and the interfaces that it asks the fake host for. */
#include "module.h"

#include "tests/support/load.h"

module_files files;

static int32_t has(const weft_host *h, const weft_package *p, const char *name)
{
    const char *in = p == files.given && p != NULL ? files.whisper : files.tensors;
    char        word[200];
    (void)h;
    snprintf(word, sizeof word, " %s ", name);
    return in != NULL && strstr(in, word) != NULL;
}

static weft_status get(const weft_host *h, const weft_package *p, const weft_weight *want,
                       uint32_t n, weft_tensor *out, weft_error *err)
{
    (void)h, (void)p, (void)out, (void)err;
    assert_int_equal(n, 1);
    assert_int_equal(want->use, WEFT_USE_HOST);
    return want->shape[1] == files.bins ? WEFT_OK : WEFT_E_CORRUPT;
}

static const weft_package *package_option(const weft_host *h, const char *key)
{
    (void)h;
    assert_string_equal(key, "audio");
    return files.given;
}

static weft_status kernels_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                               const weft_fatbin *gpu, weft_error *err)
{
    (void)h, (void)k, (void)gpu, (void)err;
    assert_int_equal(n, 2);
    return WEFT_OK;
}

static const weft_kernel *kernels_find(const weft_host *h, const char *name)
{
    (void)h;
    return (const weft_kernel *)(const void *)name; /* never launched */
}

static const weft_if_kernels kernels = {
    .hdr = WEFT_HDR(weft_if_kernels), .add = kernels_add, .find = kernels_find};
static const weft_if_ops     ops = {.hdr = WEFT_HDR(weft_if_ops)};
static const weft_if_weights weights = {WEFT_HDR(weft_if_weights), get, has};
static const weft_if_options options = {.hdr = WEFT_HDR(weft_if_options),
                                        .package = package_option};

void module_open(module *m)
{
    const weft_error no_error = {.hdr = WEFT_HDR(weft_error)};
    memset(&files, 0, sizeof files);
    fake_host_init(&m->host, NULL, 0);
    fake_host_provide(&m->host, WEFT_IF_WEIGHTS, &weights);
    fake_host_provide(&m->host, WEFT_IF_OPTIONS, &options);
    fake_host_provide(&m->host, WEFT_IF_OPS, &ops);
    fake_host_provide(&m->host, WEFT_IF_KERNELS, &kernels);
    m->err = no_error;
    m->plugin = module_load("weft-ultravox");
    assert_int_equal(m->plugin.init(&m->host.host, &m->err), WEFT_OK);
    assert_string_equal(m->plugin.desc->components[0].kind, WEFT_C_MODALITY);
    m->audio = m->plugin.desc->components[0].vtable;
}

void module_close(module *m)
{
    m->plugin.deinit(&m->host.host);
    assert_int_equal(m->host.blocks_live, 0);
    fake_host_deinit(&m->host);
}

weft_package *package_of(module *m, const char *config, const char *processor)
{
    weft_package *p = fake_package_open(&m->host, NULL);
    fake_package_put(p, "config.json", config, config != NULL ? strlen(config) : 0);
    fake_package_put(p, "preprocessor_config.json", processor,
                     processor != NULL ? strlen(processor) : 0);
    return p;
}

weft_status create(module *m, const char *config, const char *processor, int32_t d_model,
                   void **self)
{
    weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info), .d_model = d_model};
    mi.package = config != NULL ? package_of(m, config, processor) : NULL;
    return m->audio->create(&m->host.host, &mi, self, &m->err);
}
