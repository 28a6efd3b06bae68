/* SPDX-License-Identifier: Apache-2.0 */
/* The speech module through the real host: the same bytes whatever the device, the threads, the
 * batch mates and what scratch held before; outputs that nobody looks at; refusals. (The numbers
 * themselves: test_speech_parity.c.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/base/threads.h"
#include "core/device/builtin.h"
#include "core/host/host.h"
#include "core/model/config.h"
#include "core/model/directory.h"
#include "core/plugin/registry.h"
#include "weft/sdk.h"
#include "tests/support/planned.h"

#define ITEMS 3

/* The plugin with the weights of one directory on one device. */
typedef struct encoder {
    wf_pool             *pool;
    wf_device           *device;
    weft_queue          *queue;
    weft_package        *package;
    weft_settings       *settings;
    wf_hosts             hosts;
    wf_registry         *registry;
    wf_plugin           *plugin;
    const weft_modality *audio;
    void                *self;
    weft_error           err;
} encoder;

typedef struct way {
    int     async;
    int32_t threads;
    int     together;
} way;

static void ok(encoder *e, weft_status status)
{
    if (status != WEFT_OK)
        fail_msg("status %d: %s", status, e->err.message);
}

static void device_open(encoder *e, const way *w)
{
    ok(e, wf_pool_create(w->threads, &e->pool, &e->err));
    wf_device_config config = {.pool = e->pool, .cpu_flags = wf_cpu_detect()};
    if (w->async)
        ok(e, wf_device_test_create(&config, &e->device, &e->err));
    else
        ok(e, wf_device_cpu_create(e->pool, wf_cpu_detect(), &e->device, &e->err));
    ok(e, wf_queue_create(e->device, &e->queue, &e->err));
}

/* d_model 0: without a text core, as weft.speech can be. */
static void encoder_open(encoder *e, const char *dir, int32_t d_model, const way *w)
{
    wf_registry_config cfg = {.plugin_dir = WEFT_BUILD_DIR "/plugins"};
    weft_error         no_error = WF_ERROR_INIT;
    const char        *architecture;
    memset(e, 0, sizeof *e);
    e->err = no_error;
    device_open(e, w);
    ok(e, wf_package_open(dir, &e->package, &e->err));
    ok(e, wf_config_architecture(e->package, &architecture, &e->err));
    ok(e, wf_settings_create(&e->settings, &e->err));
    wf_hosts_init(&e->hosts, &(wf_hosts_config){.settings = e->settings});
    cfg.settings = e->settings;
    cfg.hosts = wf_hosts_maker(&e->hosts);
    ok(e, wf_registry_create(&cfg, &e->registry, &e->err));
    ok(e, wf_registry_claim(e->registry, architecture, &e->plugin, &e->err));
    assert_string_equal(wf_plugin_id(e->plugin), d_model == 0 ? "weft.speech" : "weft.ultravox");
    const wf_binding binding = {.device = e->device, .linear_dtype = WF_F32};
    ok(e, wf_host_bind(wf_plugin_host(e->plugin), &binding, &e->err));
    e->audio = wf_plugin_component(e->plugin, WEFT_C_MODALITY, 0);
    weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                          .package = e->package,
                          .d_model = d_model,
                          .device_type = e->device->type};
    ok(e, e->audio->create(wf_plugin_host(e->plugin), &mi, &e->self, &e->err));
    ok(e, e->audio->load(e->self, &e->err));
}

static void encoder_close(encoder *e)
{
    e->audio->destroy(e->self);
    wf_host_unbind(wf_plugin_host(e->plugin));
    wf_registry_destroy(&e->registry);
    wf_settings_destroy(&e->settings);
    wf_package_close(&e->package);
    wf_queue_destroy(&e->queue);
    wf_device_destroy(&e->device);
    wf_pool_destroy(&e->pool);
}

/* One recording on its way: what a host keeps of an item. */
typedef struct item {
    weft_plan   plan;
    weft_tensor host, device, output[WEFT_PLAN_TENSORS];
} item;

static weft_tensor device_tensor(encoder *e, const weft_tensor_spec *s)
{
    weft_tensor like = {.device_type = e->device->type};
    weft_tensor t = weft_view(&like, NULL, s->dtype, s->ndim, s->shape);
    ok(e, wf_device_alloc(e->device, t.bytes, &t.data, &e->err));
    return t;
}

/* n frames that depend on their place alone. */
static void item_open(encoder *e, int64_t n, int64_t bins, item *it)
{
    static const char *const name[] = {"input_features"};
    const int64_t            shape[2] = {n, bins};
    uint32_t                 n_items = 0;
    float                   *x = malloc((size_t)(n * bins) * sizeof *x);
    for (int64_t i = 0; i < n * bins; i++)
        x[i] = sinf((float)i * 0.37f) + 0.001f * (float)(i % 97);
    memset(it, 0, sizeof *it);
    it->host = weft_view(NULL, x, WEFT_F32, 2, shape);
    planned_begin(&it->plan);
    ok(e, e->audio->plan_inputs(e->self, &it->host, name, 1, &it->plan, 1, &n_items, &e->err));
    assert_int_equal(n_items, 1);
    it->device = device_tensor(e, &it->plan.inputs[0].spec);
    ok(e, wf_queue_upload(e->queue, it->device.data, x, it->host.bytes, &e->err));
    for (uint32_t o = 0; o < it->plan.n_outputs; o++)
        it->output[o] = device_tensor(e, &it->plan.outputs[o].spec);
    ok(e, wf_queue_wait(e->queue, &e->err));
}

static void item_close(encoder *e, item *it)
{
    wf_device_free(e->device, it->device.data);
    for (uint32_t o = 0; o < it->plan.n_outputs; o++)
        wf_device_free(e->device, it->output[o].data);
    free(it->host.data);
}

/* Scratch full of NaN: what the encoder reads before it wrote it would show. */
static weft_tensor scratch_of(encoder *e, uint64_t bytes)
{
    const weft_tensor_spec s = {WEFT_U8, 1, {(int64_t)bytes}};
    weft_tensor            t = device_tensor(e, &s);
    void                  *nan = malloc((size_t)bytes);
    memset(nan, 0xff, (size_t)bytes);
    ok(e, wf_queue_upload(e->queue, t.data, nan, bytes, &e->err));
    ok(e, wf_queue_wait(e->queue, &e->err));
    free(nan);
    return t;
}

static const int64_t lengths[ITEMS] = {61, 150, 8};

/* Adds what output o of it holds to *got, of which *bytes are full. */
static void take(encoder *e, const item *it, uint32_t o, char **got, uint64_t *bytes)
{
    const weft_tensor *t = &it->output[o];
    *got = realloc(*got, (size_t)(*bytes + t->bytes));
    ok(e, wf_queue_download(e->queue, *got + *bytes, t->data, t->bytes, &e->err));
    ok(e, wf_queue_wait(e->queue, &e->err));
    for (uint64_t i = 0; i < t->bytes / sizeof(float); i++) {
        float v;
        memcpy(&v, *got + *bytes + i * sizeof v, sizeof v);
        assert_true(isfinite(v));
    }
    *bytes += t->bytes;
}

/* All outputs of all items, one after another. */
static char *encode_all(const char *dir, int64_t bins, int32_t d_model, const way *w,
                        uint64_t *bytes)
{
    encoder          e;
    item             items[ITEMS];
    weft_encode_item calls[ITEMS];
    uint64_t         scratch_bytes = 0;
    char            *got = NULL;
    encoder_open(&e, dir, d_model, w);
    for (int i = 0; i < ITEMS; i++) {
        item_open(&e, lengths[i], bins, &items[i]);
        const weft_encode_item call = {WEFT_HDR(weft_encode_item), &items[i].plan, &items[i].device,
                                       items[i].output, &items[i].host};
        calls[i] = call;
        scratch_bytes += items[i].plan.scratch_bytes;
    }
    weft_tensor scratch = scratch_of(&e, scratch_bytes);
    for (int i = 0; i < ITEMS; i += w->together ? ITEMS : 1)
        ok(&e,
           e.audio->encode(e.self, calls + i, w->together ? ITEMS : 1, e.queue, &scratch, &e.err));
    ok(&e, wf_queue_wait(e.queue, &e.err));
    wf_host_queue_waited(wf_plugin_host(e.plugin), e.queue);
    *bytes = 0;
    for (int i = 0; i < ITEMS; i++) {
        for (uint32_t o = 0; o < items[i].plan.n_outputs; o++)
            take(&e, &items[i], o, &got, bytes);
        item_close(&e, &items[i]);
    }
    wf_device_free(e.device, scratch.data);
    encoder_close(&e);
    return got;
}

static const struct {
    const char *dir;
    int64_t     bins;
    int32_t     d_model;
} models[] = {{WEFT_FIXTURES "/w2v-bert", 80, 0},
              {WEFT_FIXTURES "/w2v-bert-adapter", 8, 0},
              {WEFT_FIXTURES "/speech-paper", 80, 0},
              {WEFT_FIXTURES "/ultravox/v05", 128, 32},
              {WEFT_FIXTURES "/ultravox/shuka", 80, 32}}; /* of several chunks */

static void test_same_bytes(void **state)
{
    static const way ways[] = {{0, 1, 1}, {0, 3, 0}, {0, 8, 1}, {1, 2, 1}, {1, 1, 0}};
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        uint64_t n, bytes;
        char    *first = encode_all(models[m].dir, models[m].bins, models[m].d_model, &ways[0], &n);
        for (size_t w = 1; w < sizeof ways / sizeof *ways; w++) {
            char *got =
                encode_all(models[m].dir, models[m].bins, models[m].d_model, &ways[w], &bytes);
            assert_int_equal(bytes, n);
            assert_memory_equal(got, first, (size_t)n);
            free(got);
        }
        free(first);
    }
}

/* Too little scratch is refused, not attempted; outputs without data are skipped. */
static void test_scratch_and_unseen(void **state)
{
    static const way w = {1, 1, 1};
    encoder          e;
    item             it;
    char            *got = NULL;
    uint64_t         bytes = 0;
    (void)state;
    encoder_open(&e, models[2].dir, 0, &w);
    item_open(&e, 61, models[2].bins, &it);
    weft_tensor      unseen[WEFT_PLAN_TENSORS];
    weft_encode_item call = {WEFT_HDR(weft_encode_item), &it.plan, &it.device, unseen, &it.host};
    weft_tensor      scratch = scratch_of(&e, it.plan.scratch_bytes - 256);
    memcpy(unseen, it.output, sizeof unseen);
    assert_int_equal(e.audio->encode(e.self, &call, 1, e.queue, &scratch, &e.err), WEFT_E_INVALID);
    assert_non_null(strstr(e.err.message, "scratch"));
    wf_device_free(e.device, scratch.data);
    scratch = scratch_of(&e, it.plan.scratch_bytes);
    unseen[1].data = unseen[2].data = NULL;
    ok(&e, e.audio->encode(e.self, &call, 1, e.queue, &scratch, &e.err));
    ok(&e, wf_queue_wait(e.queue, &e.err));
    wf_host_queue_waited(wf_plugin_host(e.plugin), e.queue);
    take(&e, &it, 0, &got, &bytes);
    free(got);
    wf_device_free(e.device, scratch.data);
    item_close(&e, &it);
    encoder_close(&e);
}

/* What config alone says of the number of weights is what the file holds. */
static void test_parameters(void **state)
{
    static const way w = {0, 1, 1};
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        encoder    e;
        wf_st_file f;
        char       file[512];
        uint64_t   all = 0;
        encoder_open(&e, models[m].dir, models[m].d_model, &w);
        snprintf(file, sizeof file, "%s/model.safetensors", models[m].dir);
        ok(&e, wf_st_open(file, &f, &e.err));
        for (uint64_t i = 0; i < f.n_tensors; i++)
            all += wf_st_numel(&f.tensors[i]);
        assert_int_equal(e.audio->parameters(e.self), all);
        wf_st_close(&f);
        encoder_close(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_scratch_and_unseen),
        cmocka_unit_test(test_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
