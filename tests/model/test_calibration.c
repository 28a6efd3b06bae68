/* SPDX-License-Identifier: Apache-2.0 */
/* What linear layers see of a text: held against sums over the hidden states that the same rows
 * give, whatever the cut of the prompt. */
#include "rig.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/model/calibration.h"

#define ROWS 37

static const int32_t script[] = {ROWS, 0};

typedef struct run {
    rig            r;
    wf_calibration seen;
    float         *hidden; /* [n_layers + 1, ROWS, d_model] */
} run;

/* The rows through a model in steps of `chunk`; hidden states are kept of a single step alone. */
static void run_rows(run *u, int64_t chunk)
{
    static const char *const pairs[] = {"model=" FIXTURE("llama-tied"), "dtype=f32", "device=cpu",
                                        NULL};
    weft_error               err = WF_ERROR_INIT;
    rig_open(&u->r, pairs, NULL);
    weft_engine     *e = u->r.e;
    const wf_config *c = &e->config;
    u->hidden = calloc((size_t)((c->n_layers + 1) * ROWS * c->d_model), sizeof *u->hidden);
    assert_non_null(u->hidden);
    rig_check(wf_calibration_init(&u->seen, c, NULL, ROWS, &err), &err);
    e->decoder.calibration = &u->seen;
    weft_sequence *s = rig_sequence(&u->r, script);
    s->no_cache = 1;
    while (s->n_done < s->n) {
        int64_t left = s->n - s->n_done;
        rig_check(wf_step_one(&e->stepper, s, left < chunk ? left : chunk, 0, NULL,
                              chunk == ROWS ? u->hidden : NULL, &err),
                  &err);
    }
    weft_sequence_destroy(&s);
}

static void run_close(run *u)
{
    free(u->hidden);
    wf_calibration_free(&u->seen);
    rig_close(&u->r);
}

/* Column i of what q, k and v of a layer are given, squared and summed over the rows. */
static double square_sum(const run *u, int32_t layer, int64_t i)
{
    const weft_engine *e = u->r.e;
    const int64_t      d = e->config.d_model;
    double             sum = 0.0;
    for (int64_t r = 0; r < ROWS; r++) {
        const float *h = u->hidden + (layer * ROWS + r) * d;
        double       mean = 0.0;
        for (int64_t j = 0; j < d; j++)
            mean += (double)h[j] * (double)h[j] / (double)d;
        double x = (double)h[i] / sqrt(mean + (double)e->config.rms_eps) *
                   (double)e->model->layers[layer].norm_attn[i];
        sum += x * x;
    }
    return sum;
}

static void check_layer(const run *u, int32_t layer)
{
    const int64_t d = u->r.e->config.d_model, padded = (d + WF_GROUP - 1) / WF_GROUP * WF_GROUP;
    float        *by = calloc((size_t)padded, sizeof *by);
    char          name[WF_NAME_BYTES];
    snprintf(name, sizeof name, "model.layers.%d.self_attn.k_proj.weight", (int)layer);
    assert_non_null(by);
    assert_true(wf_calibration_weights(&u->seen, name, d, by));
    for (int64_t g = 0; g < padded; g += WF_GROUP) {
        double most = 0.0;
        for (int64_t i = g; i < g + WF_GROUP && i < d; i++)
            most = fmax(most, square_sum(u, layer, i));
        for (int64_t i = g; i < g + WF_GROUP; i++) {
            double part = i < d ? fmax(square_sum(u, layer, i) / most, WF_COUNTS_LEAST) : 0.0;
            assert_true(fabs((double)by[i] - part) <= 1e-5 * part);
        }
    }
    free(by);
}

static void test_sums(void **state)
{
    run u;
    (void)state;
    run_rows(&u, ROWS);
    assert_true(wf_calibration_is_finite(&u.seen));
    for (int32_t layer = 0; layer < u.r.e->config.n_layers; layer++)
        check_layer(&u, layer);
    run_close(&u);
}

static void test_cuts(void **state)
{
    run whole, parts;
    (void)state;
    run_rows(&whole, ROWS);
    run_rows(&parts, 5);
    assert_true(wf_calibration_digest(&whole.seen) == wf_calibration_digest(&parts.seen));
    run_close(&whole);
    run_close(&parts);
}

/* Tensors that are no linear weights of a layer, and inputs that nothing has run through. */
static void test_names(void **state)
{
    run   u;
    float by[4 * WF_GROUP];
    (void)state;
    run_rows(&u, ROWS);
    const wf_config *c = &u.r.e->config;
    wf_calibration   none;
    weft_error       err = WF_ERROR_INIT;
    assert_false(
        wf_calibration_weights(&u.seen, "model.layers.0.input_layernorm.weight", c->d_model, by));
    assert_false(wf_calibration_weights(&u.seen, "model.embed_tokens.weight", c->d_model, by));
    assert_false(
        wf_calibration_weights(&u.seen, "model.layers.9.mlp.down_proj.weight", c->d_ffn, by));
    assert_false(
        wf_calibration_weights(&u.seen, "model.layers.0.mlp.down_proj.weight", c->d_model, by));
    rig_check(wf_calibration_init(&none, c, NULL, ROWS, &err), &err);
    assert_true(wf_calibration_weights(&none, "model.layers.0.mlp.down_proj.weight", c->d_ffn, by));
    for (int64_t i = 0; i < c->d_ffn; i++)
        assert_true(by[i] == 1.0f);
    wf_calibration_free(&none);
    run_close(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
