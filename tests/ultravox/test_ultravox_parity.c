/* SPDX-License-Identifier: Apache-2.0 */
/* Every Ultravox fixture at the reference's numbers, through weft_verify: the code that users run
 * on their own checkpoints. Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16);
 * the f32 figures here are below 2e-6 of scale, so what is left is room for another order of sums;
 * a wrong mask, gate, pad or epsilon is off by hundredths. Of the long recordings the fixture has
 * what is expected, and the samples are made here. */
#include "tests/model/support.h"

#include "core/io/safetensors.h"
#include "sound.h"
#include "tests/unit/scratch.h"

#define DIR(name) FIXTURE("ultravox/" name)
#define INI(name) "@" DIR(name "/weft.ini")

typedef struct parity_case {
    const char *name, *file;
    const char *pairs[6]; /* settings; "@FILE": a configuration */
    int64_t     samples;  /* of a long recording; 0: the file has them */
    int32_t     rows;     /* tensors compared: 5; 4 where there are several chunks */
    int32_t     reserved;
} parity_case;

static const parity_case cases[] = {
    {"v05, one second", DIR("v05/parity"), {"dtype=f32", INI("v05")}, 0, 5, 0},
    {"v05, 319 samples", DIR("v05/parity-319"), {"dtype=f32", INI("v05")}, 0, 5, 0},
    {"v05, 320 samples", DIR("v05/parity-320"), {"dtype=f32", INI("v05")}, 0, 5, 0},
    {"v05, 321 samples", DIR("v05/parity-321"), {"dtype=f32", INI("v05")}, 0, 5, 0},
    {"v05, bf16", DIR("v05/parity"), {INI("v05")}, 0, 5, 0},
    {"v05, 479999", DIR("v05/long-479999"), {"dtype=f32", INI("v05")}, 479999, 3, 0},
    {"v05, 480000", DIR("v05/long-480000"), {"dtype=f32", INI("v05")}, 480000, 3, 0},
    {"v05, 480001", DIR("v05/long-480001"), {"dtype=f32", INI("v05")}, 480001, 3, 0},
    {"v05, 1000000", DIR("v05/long-1000000"), {"dtype=f32", INI("v05")}, 1000000, 3, 0},
    {"v05, 480001, prefilled through the span in pieces",
     DIR("v05/long-480001"),
     {"dtype=f32", "prefill_chunk=37", INI("v05")},
     480001,
     3,
     0},
    {"v041", DIR("v041/parity"), {"dtype=f32", INI("v041")}, 0, 5, 0},
    {"v041, 321 samples", DIR("v041/parity-321"), {"dtype=f32", INI("v041")}, 0, 5, 0},
    {"v041, async", DIR("v041/parity"), {"dtype=f32", "device=async-test", INI("v041")}, 0, 5, 0},
    {"v041, bf16", DIR("v041/parity"), {"dtype=bf16", INI("v041")}, 0, 5, 0},
    {"shuka, three chunks", DIR("shuka/parity"), {"dtype=f32", INI("shuka")}, 0, 4, 0},
    {"shuka, a whole chunk", DIR("shuka/parity-one"), {"dtype=f32", INI("shuka")}, 0, 5, 0},
    {"shuka, one frame more", DIR("shuka/parity-last1"), {"dtype=f32", INI("shuka")}, 0, 4, 0},
    {"shuka, plain C", DIR("shuka/parity"), {"dtype=f32", "cpu_mask=none", INI("shuka")}, 0, 4, 0},
    {"shuka, async",
     DIR("shuka/parity"),
     {"dtype=f32", "device=async-test", INI("shuka")},
     0,
     4,
     0},
    {"shuka, in pieces of 4",
     DIR("shuka/parity"),
     {"dtype=f32", "prefill_chunk=4", INI("shuka")},
     0,
     4,
     0},
    {"mid-silu", DIR("mid-silu/parity"), {"dtype=f32", INI("mid-silu")}, 0, 5, 0},
    {"mid-silu, 319 samples", DIR("mid-silu/parity-319"), {"dtype=f32", INI("mid-silu")}, 0, 5, 0},
    {"layers, three chunks", DIR("layers/parity"), {"dtype=f32", INI("layers")}, 0, 4, 0},
    {"layers, a whole chunk", DIR("layers/parity-one"), {"dtype=f32", INI("layers")}, 0, 5, 0},
    {"layers, one token", DIR("layers/parity-321"), {"dtype=f32", INI("layers")}, 0, 5, 0},
    {"layers, plain C",
     DIR("layers/parity"),
     {"dtype=f32", "cpu_mask=none", INI("layers")},
     0,
     4,
     0},
    {"layers, bf16", DIR("layers/parity"), {"dtype=bf16", INI("layers")}, 0, 4, 0},
    {"layers, async",
     DIR("layers/parity"),
     {"dtype=f32", "device=async-test", INI("layers")},
     0,
     4,
     0},
    {"letters, three chunks", DIR("letters/parity"), {"dtype=f32", INI("letters")}, 0, 4, 0},
    {"letters, a whole chunk", DIR("letters/parity-one"), {"dtype=f32", INI("letters")}, 0, 5, 0},
    {"letters, 321 samples", DIR("letters/parity-321"), {"dtype=f32", INI("letters")}, 0, 5, 0},
    {"letters, plain C",
     DIR("letters/parity"),
     {"dtype=f32", "cpu_mask=none", INI("letters")},
     0,
     4,
     0},
    {"letters, async",
     DIR("letters/parity"),
     {"dtype=f32", "device=async-test", INI("letters")},
     0,
     4,
     0},
    {"mid-silu, without a file",
     DIR("mid-silu/parity"),
     {"dtype=f32", "model=" DIR("text"), "weft.ultravox.weights=" DIR("mid-silu"),
      "weft.ultravox.audio=" DIR("encoder")},
     0,
     5,
     0},
};

static weft_settings *settings_with(const parity_case *c)
{
    static const char *const none[] = {NULL};
    weft_settings           *s = settings_of(none);
    weft_error               err = WF_ERROR_INIT;
    for (int32_t i = 0; i < 6 && c->pairs[i] != NULL; i++) {
        const char *p = c->pairs[i];
        char        core[128];
        weft_status status;
        snprintf(core, sizeof core, "core.%s", p);
        if (p[0] == '@')
            status = weft_settings_load(s, p + 1, &err);
        else /* a key without a dot is the core's */
            status = weft_settings_set_pair(s, strncmp(p, "weft.", 5) == 0 ? p : core, &err);
        if (status != WEFT_OK)
            fail_msg("%s: %s", p, err.message);
    }
    return s;
}

/* The fixture's tensors with the samples beside them, as a file of the scratch directory. */
static const char *with_samples(const char *file, int64_t n)
{
    const char *path = scratch_path("parity.safetensors");
    weft_error  err = WF_ERROR_INIT;
    wf_st_file  f;
    wf_st_out   out[8] = {{.name = "samples", .dtype = WF_ST_F32, .rank = 1, .shape = {n}}};
    uint64_t    used = 1;
    if (wf_st_open(file, &f, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    out[0].data = sound_make(n);
    for (uint64_t i = 0; i < f.n_tensors; i++) {
        const wf_st_tensor *t = &f.tensors[i];
        wf_st_out          *o = &out[used++];
        void               *data = malloc((size_t)t->bytes);
        assert_true(used <= 8);
        assert_int_equal(wf_st_read(&f, t, 0, data, t->bytes, &err), WEFT_OK);
        *o = (wf_st_out){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = data};
        memcpy(o->shape, t->shape, sizeof o->shape);
    }
    if (wf_st_write(path, out, used, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    for (uint64_t i = 0; i < used; i++)
        free((void *)(uintptr_t)out[i].data);
    wf_st_close(&f);
    return path;
}

static void test_case(void **state)
{
    const parity_case *c = *state;
    char               file[512];
    weft_settings     *s = settings_with(c);
    weft_engine       *e = open_engine(s);
    snprintf(file, sizeof file, "%s.safetensors", c->file);
    const char    *parity = c->samples > 0 ? with_samples(file, c->samples) : file;
    const verified v = verify_passes(e, s, parity, 0);
    assert_int_equal(v.stages + v.core, c->rows);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] =
            (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
