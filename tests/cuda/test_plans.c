/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's own cuDNN, where it is installed, makes the plans of every convolution that the shipped
 * models have, for the properties of an A100, an H200 and a B200: none of them is here, and nothing
 * is run. Skipped with a reason where there is no cuDNN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cuda/dnn.h"

enum { DEVICEPROP = 38, DEVICEPROP_JSON = 2702, CHAR = 24 };
#define MOST ((int64_t)64 << 20)

/* LeakSanitizer asks for this. NVIDIA's libraries hold memory when they are unloaded (a pool of
 * their own C++ library), which is no leak of ours; what cuda/dnn.c takes is counted with the fake
 * cuDNN (test_dnn.c). */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return 1;
}

static wf_cudnn api;

#define PATCHES(n, side, out, patch)                                                               \
    {                                                                                              \
        n, 8, side, side, out, patch, patch, (side) / (patch), (side) / (patch), {patch, patch},   \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Over rows, from so many channels to so many. */
#define ROWS(rows, from, to, kernel, step, zeros)                                                  \
    {                                                                                              \
        .n = 1, .c = from, .h = 1, .w = rows, .out = to, .kh = 1, .kw = kernel, .oh = 1,           \
        .ow = ((rows) + 2 * (zeros) - (kernel)) / (step) + 1, .stride = {1, step}, .pad = {        \
            0,                                                                                     \
            0,                                                                                     \
            zeros,                                                                                 \
            zeros                                                                                  \
        }                                                                                          \
    }

static const wf_dnn_shape shapes[] = {
    PATCHES(1, 560, 1280, 14),       /* Llama 3.2 Vision, one tile and four */
    PATCHES(4, 560, 1280, 14),       /* */
    PATCHES(4, 448, 1280, 14),       /* */
    PATCHES(1, 336, 1024, 14),       /* CLIP in LLaVA */
    PATCHES(5, 336, 1024, 14),       /* LLaVA-NeXT */
    PATCHES(1, 384, 1152, 14),       /* SigLIP; Idefics3 in tiles of 364 */
    PATCHES(17, 364, 1152, 14),      /* */
    PATCHES(1, 512, 768, 16),        /* SmolVLM */
    PATCHES(1, 224, 1280, 14),       /* Idefics */
    PATCHES(1, 128, 192, 16),        /* the demo: pictures, */
    PATCHES(8, 128, 192, 16),        /* the frames of clips, */
    ROWS(150, 160, 192, 3, 2, 1),    /* and recordings */
    ROWS(1500, 1536, 3072, 3, 2, 1), /* the paper's adapter, 60 s */
    ROWS(1500, 1024, 3072, 3, 2, 1),
    ROWS(1500, 1024, 2048, 8, 8, 4), /* Wav2Vec2-BERT's adapter */
    ROWS(1500, 1024, 2048, 3, 2, 1),
    ROWS(3000, 80, 384, 3, 1, 1), /* Whisper: tiny, */
    ROWS(3000, 384, 384, 3, 2, 1),
    ROWS(3000, 80, 768, 3, 1, 1), /* small in Ultravox 0.3, */
    ROWS(3000, 768, 768, 3, 2, 1),
    ROWS(3000, 80, 1024, 3, 1, 1), /* medium in Ultravox 0.4, */
    ROWS(3000, 1024, 1024, 3, 2, 1),
    ROWS(3000, 128, 1280, 3, 1, 1), /* large v3 in later ones and in Voxtral, */
    ROWS(3000, 1280, 1280, 3, 2, 1),
    ROWS(1000, 128, 1280, 3, 1, 1), /* and the end of a recording */
    ROWS(1000, 1280, 1280, 3, 2, 1),
};

/* A descriptor of a GPU from its properties; NULL: cuDNN does not take them. */
static void *properties_of(const char *name)
{
    char  path[512], text[8192];
    void *d = NULL;
    snprintf(path, sizeof path, "%s/tests/cuda/fake/devices/%s.json", WEFT_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    assert_int_equal(api.BackendCreateDescriptor(DEVICEPROP, &d), 0);
    assert_int_equal(api.BackendSetAttribute(d, DEVICEPROP_JSON, CHAR, (int64_t)n, text), 0);
    assert_int_equal(api.BackendFinalize(d), 0);
    return d;
}

static void check_device(const char *name)
{
    void *d = properties_of(name);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        wf_dnn_plan plan;
        const bool  made = wf_dnn_plan_make(&api, &shapes[i], NULL, d, MOST, &plan);
        if (!made)
            fail_msg("%s: no plan for shape %u", name, (unsigned)i);
        assert_true(plan.workspace >= 0 && plan.workspace <= MOST);
        wf_dnn_plan_free(&api, &plan);
        assert_int_equal(plan.n_parts, 0);
    }
    (void)api.BackendDestroyDescriptor(d);
}

static void test_a100(void **state)
{
    (void)state;
    check_device("a100");
}

static void test_h200(void **state)
{
    (void)state;
    check_device("h200");
}

static void test_b200(void **state)
{
    (void)state;
    check_device("b200");
}

/* What is no convolution has no plan, and leaves nothing behind. */
static void test_refused(void **state)
{
    void        *d = properties_of("h200");
    wf_dnn_plan  plan;
    wf_dnn_shape s = shapes[0];
    (void)state;
    s.oh = 7;
    assert_false(wf_dnn_plan_make(&api, &s, NULL, d, MOST, &plan));
    wf_dnn_plan_free(&api, &plan);
    (void)api.BackendDestroyDescriptor(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a100), cmocka_unit_test(test_h200),
                                       cmocka_unit_test(test_b200), cmocka_unit_test(test_refused)};
    char                    why[WF_CUDNN_WHY];
    if (!wf_cudnn_open(&api, why)) {
        printf("skipped: cuDNN cannot be used: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
