/* SPDX-License-Identifier: Apache-2.0 */
/* What --plan says that weights take is what they take: each modality of the tree is opened without
 * its weights and priced, then opened with them, and the price is held against the bytes that were
 * got from the device, exactly. */
#include "expect.h"

#include "core/host/host.h"

#define INI(file) "@" FIXTURE(file)
#define MODEL(dir) "model=" FIXTURE(dir)

static const char *const models[] = {
    MODEL("llama-tied"),
    MODEL("llama-untied"),
    MODEL("llama-f16"),
    MODEL("llama-bf16"),
    MODEL("llama-sharded"),
    MODEL("mllama-1tile"),
    MODEL("mllama-bf16"),
    MODEL("mllama-new-prefix"),
    INI("composed/weft.ini"),
    MODEL("idefics/plain"),
    MODEL("idefics/float"),
    MODEL("idefics/vector"),
    INI("video/weft.ini"),
    INI("video/picture.ini"),
    INI("speech-paper/weft.ini"),
    MODEL("w2v-bert"),
    MODEL("w2v-bert-adapter"),
    INI("ultravox/layers/weft.ini"),
    INI("ultravox/mid-silu/weft.ini"),
    INI("ultravox/shuka/weft.ini"),
    INI("ultravox/v041/weft.ini"),
    INI("ultravox/v05/weft.ini"),
};
static const char *const dtypes[] = {"dtype=auto", "dtype=f32", "dtype=bf16"};
static const char *const masks[] = {"cpu_mask=none", "cpu_mask=max"};

static uint64_t price_of(const rig *r)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_error       err = WF_ERROR_INIT;
    rig_check(weft_engine_describe(r->e, &d, &err), &err);
    return d.weight_bytes;
}

/* What the rooms that load weights have got for them. */
static uint64_t taken(const rig *r)
{
    const weft_engine *e = r->e;
    uint64_t           sum = e->hooks.buffers.bytes;
    if (e->model != NULL)
        sum += e->model->buffers.bytes;
    for (int32_t i = 0; i < e->modalities.n; i++)
        if (wf_modality_is_first(&e->modalities, &e->modalities.v[i]))
            sum += wf_host_weight_bytes(wf_plugin_host(e->modalities.v[i].plugin));
    return sum;
}

/* An encoder alone is a model here. */
static uint64_t priced(rig *r, const char *const *pairs, uint32_t flags)
{
    weft_error err = WF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, flags | WEFT_OPEN_NO_CORE, NULL, &r->e, &err), &err);
    return price_of(r);
}

static void same(const char *model, const char *dtype, const char *mask)
{
    const char *pairs[] = {model, dtype, mask, "device=cpu", NULL};
    rig         r;
    uint64_t    before = priced(&r, pairs, WEFT_OPEN_CONFIG);
    rig_close(&r);
    uint64_t after = priced(&r, pairs, 0), got = taken(&r);
    if (before != got || after != got || got == 0)
        fail_msg("%s %s %s: priced %llu before and %llu after loading, taken %llu", model, dtype,
                 mask, (unsigned long long)before, (unsigned long long)after,
                 (unsigned long long)got);
    rig_close(&r);
}

static void test_priced_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
            for (size_t k = 0; k < sizeof masks / sizeof *masks; k++)
                same(models[i], dtypes[d], masks[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_priced_is_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
