/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and frames of weft.video on the real host: which times are asked for, what the encoder is
 * given, what a person sees of it, and every configuration that is refused. */
#include "core/base/tensor.h"
#include "tests/model/rig.h"
#include "tests/support/planned.h"

#include <sys/stat.h>
#include <unistd.h>

#define SIDE 28 /* the fixture's tile */

static void open_config(rig *r, const char *ini)
{
    const char *pairs[] = {ini, NULL};
    weft_error  err = WF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, WEFT_OPEN_CONFIG, NULL, &r->e, &err), &err);
}

static wf_modality *video_of(rig *r)
{
    wf_modality *m = wf_modality_of(&r->e->modalities, "video");
    assert_non_null(m);
    return m;
}

static weft_media_info clip_info(int64_t duration_us)
{
    return (weft_media_info){.hdr = WEFT_HDR(weft_media_info),
                             .kind = "video",
                             .width = SIDE,
                             .height = SIDE,
                             .channels = 3,
                             .duration_us = duration_us};
}

static weft_status plan(rig *r, const weft_media_info *mi, weft_request rq, weft_limits lim,
                        weft_plan *out, weft_error *err)
{
    wf_modality *m = video_of(r);
    *err = (weft_error)WF_ERROR_INIT;
    planned_begin(out);
    return m->vt->plan(m->self, mi, &rq, &lim, out, err);
}

static weft_request request(int64_t start, int64_t end, int32_t frames)
{
    return (weft_request){WEFT_HDR(weft_request), start, end, frames, 0};
}

static const weft_limits wide = {WEFT_HDR(weft_limits), 1 << 26, 1 << 20, 4096, 1 << 30,
                                 (uint64_t)1 << 32,     1 << 17, NULL};

/* A decoder whose frame at t is (t, t + x, y) in its three channels, and is shown on time. */
typedef struct fake_clip {
    int64_t asked[16];
    int32_t n, has_alpha;
} fake_clip;

static weft_status fake_frames(void *ctx, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    fake_clip *c = ctx;
    uint8_t   *px = dst->data;
    (void)err;
    assert_int_equal(n, 1); /* one at a time: memory holds one frame of the clip's own size */
    assert_int_equal(dst->shape[3], c->has_alpha ? 4 : 3);
    c->asked[c->n++] = *time_us;
    *at_us = *time_us - 1;
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++, px += dst->shape[3]) {
            px[0] = (uint8_t)(*time_us / 1000);
            px[1] = (uint8_t)(*time_us / 1000 + x);
            px[2] = (uint8_t)y;
            if (c->has_alpha)
                px[3] = 255;
        }
    return WEFT_OK;
}

static void test_times_and_pixels(void **state)
{
    rig         r;
    weft_plan   p;
    weft_error  err;
    weft_tensor in[8], sheet = {.data = NULL};
    int64_t     expect[4] = {125000, 375000, 625000, 875000};
    (void)state;
    open_config(&r, "@" FIXTURE("video/weft.ini"));
    for (int32_t alpha = 0; alpha < 2; alpha++) {
        fake_clip       c = {.has_alpha = alpha};
        weft_media_info mi = clip_info(1000000);
        weft_media      media = {WEFT_HDR(weft_media), &c, &mi, fake_frames, NULL, NULL};
        mi.has_alpha = alpha;
        rig_check(plan(&r, &mi, request(-1, -1, -1), wide, &p, &err), &err);
        assert_int_equal(p.n_inputs, 4);
        assert_int_equal(p.n_outputs, 1);
        assert_int_equal(p.outputs[0].stream_rows,
                         2 * 5); /* num_frames 4 in groups of 2, 5 latents each */
        for (uint32_t i = 0; i < p.n_inputs; i++) {
            const weft_tensor_spec *s = &p.inputs[i].spec;
            in[i] = wf_tensor_view(NULL, s->dtype, s->ndim, s->shape);
            in[i].data = calloc(1, (size_t)in[i].bytes);
        }
        wf_modality *m = video_of(&r);
        rig_check(m->vt->preprocess(m->self, &media, &p, in, &err), &err);
        assert_int_equal(c.n, 4);
        assert_memory_equal(c.asked, expect, sizeof expect);
        for (int i = 0; i < 4; i++)
            assert_int_equal(((int64_t *)in[3].data)[i], expect[i] - 1); /* the real times */
        sheet.data = NULL;
        rig_check(m->vt->preview(m->self, &p, in, &sheet, &err), &err);
        assert_int_equal(sheet.bytes, 4 * SIDE * SIDE * 3);
        sheet.data = malloc((size_t)sheet.bytes);
        rig_check(m->vt->preview(m->self, &p, in, &sheet, &err), &err);
        for (int64_t i = 0; i < 4 * SIDE * SIDE; i++) { /* exactly what went in */
            const uint8_t *px = (const uint8_t *)sheet.data + 3 * i;
            const int64_t  ms = expect[i / (SIDE * SIDE)] / 1000, x = i % SIDE, y = i / SIDE % SIDE;
            assert_true(px[0] == (uint8_t)ms && px[1] == (uint8_t)(ms + x) && px[2] == y);
        }
        free(sheet.data);
        for (uint32_t i = 0; i < p.n_inputs; i++)
            free(in[i].data);
    }
    rig_close(&r);
}

static int64_t frames_of(const weft_plan *p)
{
    return p->inputs[0].spec.shape[0];
}

static void test_spans(void **state)
{
    rig             r;
    weft_plan       p;
    weft_error      err;
    weft_media_info second = clip_info(1000000), still = clip_info(0), pipe = clip_info(-1);
    weft_limits     few = wide, small = wide, short_text = wide;
    (void)state;
    few.max_frames = 2;
    small.max_decoded_bytes = 1 << 16;
    short_text.max_tokens = 9;
    open_config(&r, "@" FIXTURE("video/weft.ini"));
    rig_check(plan(&r, &second, request(-1, -1, 6), wide, &p, &err), &err);
    assert_int_equal(frames_of(&p), 6);
    rig_check(plan(&r, &still, request(-1, -1, -1), wide, &p, &err), &err);
    assert_int_equal(frames_of(&p), 1); /* no time, one frame */
    rig_check(plan(&r, &pipe, request(-1, 500000, 3), wide, &p, &err), &err);
    assert_int_equal(frames_of(&p), 3);
    const struct {
        const weft_media_info *mi;
        weft_request           rq;
        weft_limits            lim;
        weft_status            status;
        const char            *says;
    } refused[] = {
        {&pipe, request(-1, -1, -1), wide, WEFT_E_INVALID, "--end"},
        {&second, request(1000000, -1, -1), wide, WEFT_E_INVALID, "--start"},
        {&second, request(-1, -1, 7), wide, WEFT_E_LIMIT, "--frames"},
        {&second, request(-1, -1, 0), wide, WEFT_E_INVALID, "--frames"},
        {&second, request(-1, -1, 3), few, WEFT_E_LIMIT, "--max-frames"},
        {&second, request(-1, -1, -1), small, WEFT_E_LIMIT, "--max-decoded-bytes"},
        {&second, request(-1, -1, -1), short_text, WEFT_E_LIMIT, "--max-tokens"},
        {&pipe, request(-1, INT64_MAX, -1), wide, WEFT_E_LIMIT, "too long"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(plan(&r, refused[i].mi, refused[i].rq, refused[i].lim, &p, &err),
                         refused[i].status);
        if (strstr(err.message, refused[i].says) == NULL)
            fail_msg("case %zu: %s", i, err.message);
    }
    rig_close(&r);
}

/* ---- configurations ---- */

static char dir[64];

static void write_text(const char *name, const char *content)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

/* The fixture's config.json with one line put in front, which then counts (the fixture's own key of
 * that name is dropped). */
static void write_config(const char *key, const char *value)
{
    char  text[4096], line[512], quoted[128], *at;
    FILE *f = fopen(FIXTURE("video/config.json"), "r");
    int   depth = 0, n = snprintf(text, sizeof text, "{\n  \"%s\": %s,\n", key, value);
    assert_non_null(f);
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    assert_non_null(fgets(line, sizeof line, f)); /* the brace */
    while (fgets(line, sizeof line, f) != NULL) {
        if ((at = strstr(line, quoted)) != NULL || depth > 0) { /* of several lines: to its end */
            for (const char *c = line; *c != '\0'; c++)
                depth += (*c == '[' || *c == '{') - (*c == ']' || *c == '}');
            continue;
        }
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", line);
    }
    fclose(f);
    text[n] = '\0';
    if ((at = strstr(text, ",\n}")) != NULL) /* the last key was dropped, its comma was not */
        memmove(at, at + 1, strlen(at));
    write_text("config.json", text);
}

static void write_ini(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[core]\nmodel = " FIXTURE("composed") "\n[plugin weft.video]\nweights = .\n%s", more);
    write_text("weft.ini", text);
}

static weft_status open_here(weft_error *err)
{
    char         ini[96];
    const char  *pairs[] = {ini, NULL};
    weft_engine *e;
    snprintf(ini, sizeof ini, "@%s/weft.ini", dir);
    weft_settings *s = settings_of(pairs);
    *err = (weft_error)WF_ERROR_INIT;
    weft_status status = weft_engine_open(s, WEFT_OPEN_CONFIG, NULL, &e, err);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    return status;
}

static void refused(const char *ini, const char *key, const char *value, weft_status status,
                    const char *says)
{
    weft_error err;
    write_ini(ini);
    write_config(key, value);
    weft_status got = open_here(&err);
    if (got != status || strstr(err.message, says) == NULL || weft_exit_code(&err) != 4)
        fail_msg("%s %s: %s: %s", key, value, weft_status_name(got), err.message);
}

static void test_configs(void **state)
{
    static const char own[] = "encoder = " FIXTURE("mllama-1tile") "\n";
    static const char shared[] = "[plugin weft.vision]\nweights = " FIXTURE("mllama-1tile") "\n";
    weft_error        err;
    (void)state;
    write_ini(own);
    write_config("num_frames", "6");
    rig_check(open_here(&err), &err);
    write_ini(shared); /* the same order as the image layer at 1: nobody decides */
    write_config("hook_order", "0");
    assert_int_equal(open_here(&err), WEFT_E_CONFLICT);
    assert_non_null(strstr(err.message, "orders at one layer must differ"));
    write_config("hook_order", "7"); /* after it is fine */
    rig_check(open_here(&err), &err);
    refused("", "num_frames", "6", WEFT_E_NOTFOUND, "no picture encoder");
    refused("encoder = " FIXTURE("composed") "\n", "num_frames", "6", WEFT_E_INVALID,
            "architectures");
    refused(own, "num_frames", "7", WEFT_E_INVALID, "num_frames");
    refused(own, "max_frames", "0", WEFT_E_INVALID, "max_frames");
    refused(own, "max_frames", "4097", WEFT_E_INVALID, "max_frames");
    refused(own, "frames_per_group", "0", WEFT_E_INVALID, "frames_per_group");
    refused(own, "encoder_output_dim", "129", WEFT_E_INVALID, "encoder_output_dim");
    refused(own, "text_hidden_size", "47", WEFT_E_INVALID, "width 47");
    refused(own, "text_num_hidden_layers", "4", WEFT_E_INVALID, "4 layers");
    refused(own, "num_key_value_heads", "4", WEFT_E_INVALID, "share");
    refused(own, "cross_attention_layers", "[]", WEFT_E_INVALID, "cross_attention_layers");
    refused(own, "cross_attention_layers", "[1, 1]", WEFT_E_INVALID, "cross_attention_layers[1]");
    refused(own, "cross_attention_layers", "[4]", WEFT_E_INVALID, "cross_attention_layers[0]");
    refused(own, "cross_attention_layers", "null", WEFT_E_INVALID, "text_num_hidden_layers");
    refused(own, "cross_attention_layers", "\"1\"", WEFT_E_CORRUPT, "cross_attention_layers");
    refused(own, "rms_norm_eps", "-1", WEFT_E_INVALID, "rms_norm_eps");
    refused(own, "resampler_config", "{\"num_latents\": 0}", WEFT_E_INVALID, "num_latents");
    refused(own, "resampler_config", "{\"num_attention_heads\": 4096, \"head_dim\": 4096}",
            WEFT_E_INVALID, "resampler");
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weft-video-%ld", (long)getpid());
    return mkdir(dir, 0700);
}

static int remove_dir(void **state)
{
    char path[160];
    (void)state;
    snprintf(path, sizeof path, "%s/config.json", dir);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/weft.ini", dir);
    (void)unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_and_pixels),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_configs),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
