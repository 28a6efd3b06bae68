/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins that were built for earlier minors of the ABI, each against the headers of its day alone
 * (zoo/README.md): the host of today, and one that claims the next minor, load them and call
 * everything in them. */
#include "tests/plugin/host_bench.h"

#include <dlfcn.h>

#include "core/media/plan.h"
#include "core/plugin/loaded.h"

#define ROWS 3
#define D 4

static const char *const zoo[] = {ZOO "/zoo_0_2.so"};

/* ---- what is around a plugin ---- */

static const uint8_t file[4 + 2 * ROWS] = {'Z', 'O', 'O', '2', 1, 2, 3, 4, 5, 6};

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    uint64_t left = offset < sizeof file ? sizeof file - offset : 0, take = n < left ? n : left;
    (void)ctx;
    memcpy(dst, file + (offset < sizeof file ? offset : 0), (size_t)take);
    return (int64_t)take;
}

static int64_t length(void *ctx)
{
    (void)ctx;
    return sizeof file;
}

static weft_status count(void *ctx, weft_error *err)
{
    (void)err;
    ++*(int *)ctx;
    return WEFT_OK;
}

static weft_status add_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    assert_true(WEFT_HAS(s, weft_hook_site, name));
    return count(ctx, err);
}

static weft_status add_marker(void *ctx, const weft_marker *m, weft_error *err)
{
    assert_string_equal(m->token, "<|zoo|>");
    return count(ctx, err);
}

static weft_status push(void *ctx, const weft_segment *s, weft_error *err)
{
    assert_int_equal(s->end_us, 77);
    return count(ctx, err);
}

/* A registry of that one plugin in place of the bench's. */
static wf_plugin *load(const char *path)
{
    weft_error         err = WF_ERROR_INIT;
    wf_registry_config cfg = {.settings = settings, .hosts = wf_hosts_maker(&hosts)};
    wf_plugin         *p;
    wf_registry_destroy(&registry);
    cfg.plugin_dir = "";
    cfg.also = path;
    assert_int_equal(wf_registry_create(&cfg, &registry, &err), WEFT_OK);
    good(wf_registry_load(registry, path, &p, &err), &err);
    wf_binding binding = {.device = device, .linear_dtype = WF_F32};
    good(wf_host_bind(wf_plugin_host(p), &binding, &err), &err);
    return p;
}

/* ---- its components ---- */

static void *open_decoder(const wf_plugin *p, const weft_decoder **out, weft_error *err)
{
    const weft_source   src = {WEFT_HDR(weft_source), NULL, read_at, length};
    const weft_limits   lim = {WEFT_HDR(weft_limits), 99, 99, 99, 99, 99, 99, NULL};
    const weft_decoder *d = wf_plugin_component(p, WEFT_C_DECODER, 0);
    weft_probe          in = {WEFT_HDR(weft_probe), d->kinds[0], file, sizeof file, "a.zoo"};
    weft_media_info     info = {.hdr = WEFT_HDR(weft_media_info)};
    void               *dec = NULL;
    assert_int_equal(d->probe(&in), WEFT_PROBE_MAGIC);
    good(d->open(wf_plugin_host(p), &src, d->kinds[0], &lim, &dec, err), err);
    good(d->info(dec, &info, err), err);
    assert_int_equal(info.n_rows, ROWS);
    assert_int_equal(info.row_width, 2);
    *out = d;
    return dec;
}

static void tokenizer_works(const wf_plugin *p, weft_error *err)
{
    const weft_tokenizer *t = wf_plugin_component(p, WEFT_C_TOKENIZER, 0);
    const weft_part       parts[] = {{WEFT_HDR(weft_part), "ab", 2, -1, 0},
                                     {WEFT_HDR(weft_part), NULL, 0, 7, 0}};
    const weft_message    m = {WEFT_HDR(weft_message), "user", parts, 2, 0};
    int32_t               ids[4];
    uint64_t              need = 0;
    void                 *self = NULL;
    good(t->create(wf_plugin_host(p), package, &self, err), err);
    good(t->chat(self, &m, 1, ids, 4, &need, err), err);
    assert_int_equal(need, 3);
    assert_int_equal(ids[0], 'a');
    assert_int_equal(ids[2], 7);
    t->destroy(self);
}

static void others_work(const wf_plugin *p, weft_error *err)
{
    const weft_checkpoint  *c = wf_plugin_component(p, WEFT_C_CHECKPOINT, 0);
    const weft_segmenter   *s = wf_plugin_component(p, WEFT_C_SEGMENTER, 0);
    weft_text_map           map = {.hdr = WEFT_HDR(weft_text_map)};
    int                     pushed = 0;
    const weft_segment_sink sink = {WEFT_HDR(weft_segment_sink), &pushed, push};
    const weft_media        media = {.hdr = WEFT_HDR(weft_media)};
    good(c->text_map(wf_plugin_host(p), package, &map, err), err);
    assert_int_equal(map.n_layers, 2);
    good(s->run(wf_plugin_host(p), &media, 77, &sink, err), err);
    assert_int_equal(pushed, 1);
}

/* What encode gives of two items that hold the same. */
static void encode(const weft_modality *m, void *self, const weft_plan *p,
                   const weft_tensor *host_in, float *got, weft_error *err)
{
    weft_tensor      in = make(2, ROWS, 2, 0, 0), out = make(2, ROWS, D, 0, 0);
    weft_tensor      scratch = make(2, ROWS, 2, 0, 0);
    weft_encode_item items[2] = {{WEFT_HDR(weft_encode_item), p, &in, &out, host_in},
                                 {WEFT_HDR(weft_encode_item), p, &in, &out, host_in}};
    good(wf_queue_upload(queue, in.data, host_in->data, in.bytes, err), err);
    good(m->encode(self, items, 2, queue, &scratch, err), err);
    assert_int_equal(wf_queue_download(queue, got, out.data, out.bytes, NULL), WEFT_OK);
    assert_int_equal(wf_queue_wait(queue, NULL), WEFT_OK);
    drop(&in);
    drop(&out);
    drop(&scratch);
}

static void modality_works(const wf_plugin *p, weft_error *err)
{
    const weft_modality *m = wf_plugin_component(p, WEFT_C_MODALITY, 0);
    const weft_decoder  *d;
    weft_model_info      mi = {.hdr = WEFT_HDR(weft_model_info), .package = package, .d_model = D};
    int                  declared = 0;
    weft_hook_sink       sink = {WEFT_HDR(weft_hook_sink), &declared, add_site, add_marker};
    void                *self = NULL, *dec = open_decoder(p, &d, err);
    weft_media_info      info = {.hdr = WEFT_HDR(weft_media_info), .n_rows = ROWS, .row_width = 2};
    weft_media           media = {WEFT_HDR(weft_media), dec,           &info,
                                  d->read_frames,       d->read_audio, d->read_rows};
    weft_plan            plan;
    wf_plan_room         room;
    float                rows[2 * ROWS], got[ROWS * D];
    weft_tensor          in = weft_view(NULL, rows, WEFT_F32, 2, (int64_t[]){ROWS, 2});
    good(m->create(wf_plugin_host(p), &mi, &self, err), err);
    good(m->install(self, &sink, err), err);
    assert_int_equal(declared, 3);
    good(m->load(self, err), err);
    wf_plan_begin(&plan, &room);
    good(m->plan(self, &info, NULL, NULL, &plan, err), err);
    assert_int_equal(plan.n_outputs, 1);
    assert_string_equal(room.output[0].name, "zoo.output");
    good(m->preprocess(self, &media, &plan, &in, err), err);
    d->close(dec);
    encode(m, self, &plan, &in, got, err);
    for (int i = 0; i < ROWS * D; i++)
        assert_true(got[i] == 2.0f * (float)(i / D * 2 + i % 2 + 1));
    assert_int_equal(m->longest_us(self), 5000000);
    m->destroy(self);
}

static void test_loaded_and_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++) {
        weft_error err = WF_ERROR_INIT;
        wf_plugin *p = load(zoo[i]);
        tokenizer_works(p, &err);
        others_work(p, &err);
        modality_works(p, &err);
        wf_host_unbind(wf_plugin_host(p));
    }
}

/* ---- a host of the next minor ---- */

/* Its weft_plugin has one field more. */
typedef struct next_plugin {
    weft_plugin known;
    void       *more;
} next_plugin;

static void test_next_minor(void **state)
{
    (void)state;
    assert_true(wf_abi_accepts(0, 2, 0, WEFT_ABI_MINOR + 1));
    assert_false(wf_abi_accepts(0, 1, 0, WEFT_ABI_MINOR + 1));
    assert_false(wf_abi_accepts(0, WEFT_ABI_MINOR + 1, 0, WEFT_ABI_MINOR));
    assert_false(wf_abi_accepts(1, 2, 0, WEFT_ABI_MINOR + 1));
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++) {
        weft_hello hello = {
            WEFT_HDR(weft_hello), WEFT_MAGIC, 0, WEFT_ABI_MINOR + 1, 0, "next", "9"};
        next_plugin          out = {.known.hdr = WEFT_HDR(next_plugin)};
        weft_error           err = WF_ERROR_INIT;
        void                *library = dlopen(zoo[i], RTLD_NOW | RTLD_LOCAL);
        void                *symbol = dlsym(library, WEFT_ENTRY_SYMBOL);
        weft_plugin_entry_fn entry;
        memcpy(&entry, &symbol, sizeof entry);
        good(entry(&hello, &out.known, &err), &err);
        assert_true(WEFT_HAS(&out.known, weft_plugin, deinit));
        assert_true(out.known.hdr.size <= sizeof out.known);
        assert_null(out.more);
        assert_true(
            wf_abi_accepts(out.known.abi_major, out.known.abi_minor, 0, WEFT_ABI_MINOR + 1));
        hello.abi_minor = out.known.abi_minor - 1;
        assert_int_equal(entry(&hello, &out.known, &err), WEFT_E_VERSION);
        dlclose(library);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loaded_and_used, setup, teardown),
        cmocka_unit_test(test_next_minor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
