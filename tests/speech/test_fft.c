/* SPDX-License-Identifier: Apache-2.0 */
/* Power spectra against the definition, at sizes that take every radix, and two frames beside each
 * other against each alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "plugins/speech/shared/fft.h"
#include "tests/support/fake_host.h"

#define MOST 640

static const int32_t sizes[] = {2, 4, 6, 8, 10, 12, 16, 18, 30, 32, 50, 60, 400, 480, 512, 640};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static double noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 24) - 0.5;
}

static double power_of(const double *x, int32_t n, int32_t k)
{
    double re = 0, im = 0;
    for (int32_t i = 0; i < n; i++) {
        double angle = 2 * M_PI * (double)((int64_t)i * k % n) / n;
        re += x[i] * cos(angle);
        im -= x[i] * sin(angle);
    }
    return re * re + im * im;
}

/* re and im are rounded to f32: 2^-24 of the spectrum's largest value each, so 2^-22 of its power
 * holds both, and what the sum in double loses (2^-53 a step) is far below. */
static void equals_the_definition(void **state)
{
    fake_host host;
    uint32_t  seed = 3;
    (void)state;
    fake_host_init(&host, NULL, 0);
    for (size_t s = 0; s < N_SIZES; s++) {
        spk_fft    f;
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        int32_t    n = sizes[s];
        double     frame[SPK_FFT_LANES][MOST], most = 0;
        spk_lanes  x[MOST], work[MOST];
        for (int32_t i = 0; i < n; i++)
            x[i] = (spk_lanes){frame[0][i] = noise(&seed), frame[1][i] = noise(&seed)};
        assert_int_equal(spk_fft_init(&f, &host.host, n, &err), WEFT_OK);
        const spk_lanes *power = spk_fft_power(&f, x, work);
        for (int32_t k = 0; k <= n / 2; k++)
            most = fmax(most, fmax(power[k][0], power[k][1]));
        for (int32_t k = 0; k <= n / 2; k++)
            for (int i = 0; i < SPK_FFT_LANES; i++)
                assert_true(fabs(power[k][i] - power_of(frame[i], n, k)) <= most * 0x1p-22);
        spk_fft_deinit(&f);
    }
    assert_int_equal(host.blocks_live, 0);
    fake_host_deinit(&host);
}

/* The bytes of a lane do not depend on what the other holds. */
static void lanes_know_nothing_of_each_other(void **state)
{
    fake_host host;
    uint32_t  seed = 5;
    (void)state;
    fake_host_init(&host, NULL, 0);
    for (size_t s = 0; s < N_SIZES; s++) {
        spk_fft    f;
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        int32_t    n = sizes[s];
        spk_lanes  both[MOST], alone[MOST], work[2][MOST];
        for (int32_t i = 0; i < n; i++) {
            both[i] = (spk_lanes){noise(&seed), noise(&seed) * 1e9};
            alone[i] = (spk_lanes){0, both[i][0]};
        }
        assert_int_equal(spk_fft_init(&f, &host.host, n, &err), WEFT_OK);
        const spk_lanes *a = spk_fft_power(&f, both, work[0]),
                        *b = spk_fft_power(&f, alone, work[1]);
        for (int32_t k = 0; k <= n / 2; k++)
            assert_true(a[k][0] == b[k][1]);
        spk_fft_deinit(&f);
    }
    fake_host_deinit(&host);
}

/* re and im are those of f32, as the reference stores them: a cosine of 1 + 2^-30 in bin 1 has a
 * power of exactly (n / 2)^2. */
static void parts_are_rounded(void **state)
{
    fake_host  host;
    spk_fft    f;
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    spk_lanes  x[4] = {{1 + 0x1p-30, 1 + 0x1p-20}, {0}, {-1 - 0x1p-30, -1 - 0x1p-20}, {0}}, work[4];
    (void)state;
    fake_host_init(&host, NULL, 0);
    assert_int_equal(spk_fft_init(&f, &host.host, 4, &err), WEFT_OK);
    const spk_lanes *power = spk_fft_power(&f, x, work);
    assert_true(power[1][0] == 4);
    assert_true(power[1][1] == 4 * (1 + 0x1p-20) * (1 + 0x1p-20));
    spk_fft_deinit(&f);
    fake_host_deinit(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_definition),
        cmocka_unit_test(lanes_know_nothing_of_each_other),
        cmocka_unit_test(parts_are_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
