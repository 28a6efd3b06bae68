/* SPDX-License-Identifier: Apache-2.0 */
/* Silero VAD's network at PyTorch's numbers (tests/fixtures/speech/silero.json, by
 * tools/gen_silero.py) with weights that a formula makes, and the frames made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "plugins/speech/silero/ear.h"
#include "tests/ultravox/sound.h"
#include "tests/vision/expect.h"

/* Sums of some hundred f32 terms in another order, through sigmoids: errors of 1e-6 are seen. */
#define TOLERANCE 2e-5

/* value() of the generator. */
static float value(uint32_t tensor, uint32_t i, int64_t inputs)
{
    uint32_t u = i * 2654435761u + (tensor + 1) * 40503u;
    u ^= u >> 16;
    u *= 2246822519u;
    u ^= u >> 13;
    return ((float)(u >> 8) / 8388608.0f - 1.0f) * (6.0f / sqrtf((float)inputs));
}

static sil_weights *weights_made(void)
{
    sil_weights *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (uint32_t t = 0; t < SIL_TENSORS; t++) {
        const sil_tensor *of = &sil_tensors[t];
        int64_t           inputs = of->ndim > 1 ? 1 : 16, n = of->shape[0];
        for (int32_t d = 1; d < of->ndim; d++)
            inputs *= of->shape[d];
        n *= of->ndim > 1 ? inputs : 1;
        float *data = malloc((size_t)n * sizeof *data);
        assert_non_null(data);
        for (int64_t i = 0; i < n; i++)
            data[i] = value(t, (uint32_t)i, inputs);
        sil_weights_put(w, of, data);
        free(data);
    }
    return w;
}

static void test_network(void **state)
{
    json_t      *doc = fixture_json("speech/silero.json"), *all, *one;
    const size_t n = (size_t)json_integer_value(json_object_get(doc, "samples"));
    sil_weights *w = weights_made();
    float       *x = sound_make((int64_t)n), window[SIL_WINDOW];
    sil_state    s = {{0}, {0}, {0}};
    size_t       i;
    (void)state;
    all = json_object_get(doc, "probabilities");
    assert_int_equal(json_array_size(all), (n + SIL_WINDOW - 1) / SIL_WINDOW);
    json_array_foreach(all, i, one)
    {
        const size_t at = i * SIL_WINDOW, left = n - at < SIL_WINDOW ? n - at : SIL_WINDOW;
        memset(window, 0, sizeof window);
        memcpy(window, x + at, left * sizeof *x);
        const double got = (double)sil_net_window(w, &s, window);
        if (fabs(got - json_real_value(one)) > TOLERANCE)
            fail_msg("window %zu: %.8f, and the reference has %.8f", i, got, json_real_value(one));
    }
    free(x);
    free(w);
    json_decref(doc);
}

/* All frames of a recording that is given in blocks; returns how many. */
static int64_t frames_of(const sil_weights *w, const float *x, int64_t n, int64_t block,
                         spk_voice_frame *out)
{
    sil_ear e;
    int64_t given = 0;
    sil_ear_init(&e, w);
    for (int64_t at = 0; at < n; at += block) {
        const int64_t most = n - at < block ? n - at : block;
        const int64_t got = sil_ear_push(&e, x + at, most, out + given);
        assert_true(got <= most / SIL_HOP + 4);
        given += got;
    }
    return given + sil_ear_end(&e, out + given);
}

/* One frame for every 160 samples, the last one begun included, whatever the blocks. */
static void test_frames(void **state)
{
    static const int64_t lengths[] = {1, 159, 160, 161, 511, 512, 513, 640, 2560, 5000, 16100};
    static const int64_t blocks[] = {1, 160, 1600, 7777};
    sil_weights         *w = weights_made();
    float               *x = sound_make(16100);
    spk_voice_frame      want[128], got[128];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int64_t n = lengths[i], all = (n + SIL_HOP - 1) / SIL_HOP;
        memset(want, 0, sizeof want);
        assert_int_equal(frames_of(w, x, n, n, want), all);
        for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
            memset(got, 0, sizeof got);
            assert_int_equal(frames_of(w, x, n, blocks[k], got), all);
            assert_memory_equal(got, want, (size_t)all * sizeof *want);
        }
    }
    free(x);
    free(w);
}

static void test_heard(void **state)
{
    spk_voice_frame f[40];
    (void)state;
    memset(f, 0, sizeof f);
    for (int i = 0; i < 15; i++)
        f[2 * i].speaks = 1;
    assert_int_equal(sil_ear_heard(f, 40), 0);
    f[39].speaks = 1;
    assert_int_equal(sil_ear_heard(f, 40), 1);
    assert_int_equal(sil_ear_heard(f, 39), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
