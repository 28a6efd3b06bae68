/* SPDX-License-Identifier: Apache-2.0 */
/* Clips for SmolVLM2: which frames are taken of clips of many lengths and rates, the ids that its
 * processor gives for them in a conversation and in a plain text, and the pixels; and that a model
 * which knows no clips says so. tools/make_smolvlm_clips.py made the cases. */
#include "support.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "core/text/layout.h"
#include "plugins/vision/idefics3/idefics3.h"
#include "tests/vision/expect.h"

static char folder[] = "/tmp/weft-clips-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

static void settings_put(int32_t most)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"size\": {\"longest_edge\": 112}, \"max_image_size\": {\"longest_edge\": 28}, "
             "\"video_sampling\": {\"fps\": 1, \"max_frames\": %d, "
             "\"video_size\": {\"longest_edge\": 28}}}",
             most);
    put("preprocessor_config.json", text);
}

/* The fixture without clips, and the files that make it one with clips. */
static int make_folder(void **state)
{
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
    json_t                  *doc = fixture_json("idefics3/clips.json");
    char                    *quoted;
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[512], to[256];
        snprintf(from, sizeof from, "%s/%s", FIXTURE("idefics3/untied"), files[i]);
        snprintf(to, sizeof to, "%s/%s", folder, files[i]);
        if (symlink(from, to) != 0)
            return -1;
    }
    json_t *template = json_pack("{s:O}", "chat_template", json_object_get(doc, "template"));
    quoted = json_dumps(template, 0);
    put("tokenizer_config.json", quoted);
    free(quoted);
    json_decref(template);
    json_decref(doc);
    return 0;
}

static int drop_folder(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int64_t number(const json_t *one, const char *key, size_t i)
{
    const json_t *v = json_object_get(one, key);
    return json_integer_value(json_is_array(v) ? json_array_get(v, i) : v);
}

static weft_media_info info_of(const json_t *one)
{
    const double fps = (double)number(one, "fps", 0) / (double)number(one, "fps", 1);
    return (weft_media_info){.hdr = WEFT_HDR(weft_media_info),
                             .kind = "video",
                             .width = (int32_t)number(one, "size", 0),
                             .height = (int32_t)number(one, "size", 1),
                             .duration_us = (int64_t)((double)number(one, "frames", 0) / fps * 1e6),
                             .fps_num = (int32_t)number(one, "fps", 0),
                             .fps_den = (int32_t)number(one, "fps", 1)};
}

static weft_status plan(weft_engine *e, const weft_media_info *info, const weft_request *rq,
                        weft_item **item, weft_error *err)
{
    const weft_media media = {.hdr = WEFT_HDR(weft_media), .info = info};
    wf_modality     *m = wf_modality_of(&e->modalities, "video");
    assert_non_null(m);
    return wf_item_from_media(&e->items, m, &media, "a clip", rq, &e->media.limits, false, item,
                              err);
}

static void ids_are(const weft_sequence *s, const weft_item *item, int32_t marker,
                    const json_t *want)
{
    int32_t row = 0;
    for (int64_t i = 0; i < s->n && (size_t)i < json_array_size(want); i++) {
        int32_t id = (int32_t)json_integer_value(json_array_get(want, (size_t)i));
        if (s->toks[i].id != id)
            fail_msg("token %lld is %d and not %d", (long long)i, s->toks[i].id, id);
        assert_int_equal(s->toks[i].row, id == marker ? row++ : -1);
    }
    assert_int_equal(s->n, json_array_size(want));
    assert_int_equal(row, item->plan.n_placeholders);
}

static void check(weft_engine *e, const json_t *one, const char *question)
{
    const weft_media_info info = info_of(one);
    const weft_request    rq = {WEFT_HDR(weft_request), -1, -1, (int32_t)number(one, "most", 0), 0};
    const json_t         *want = json_object_get(one, "index");
    weft_error            err = {.hdr = WEFT_HDR(weft_error)};
    weft_item            *item = NULL;
    weft_sequence        *s = NULL;
    int64_t               index[ID3_MAX_FRAMES];
    if (plan(e, &info, &rq, &item, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    const id3_carried *what = item->plan.carried;
    assert_int_equal(id3_clip_frames(&what->clip, index), json_array_size(want));
    for (size_t i = 0; i < json_array_size(want); i++)
        assert_int_equal(index[i], json_integer_value(json_array_get(want, i)));
    int32_t     marker = e->hooks.markers[wf_item_marker(item)].token_id;
    weft_item  *items[1] = {item};
    weft_prompt p = {.hdr = WEFT_HDR(weft_prompt),
                     .user = question,
                     .items = items,
                     .n_items = 1,
                     .flags = WEFT_PROMPT_CHAT};
    for (int chat = 1; chat >= 0; chat--) {
        assert_int_equal(weft_sequence_create(e, &s, &err), WEFT_OK);
        if (weft_sequence_feed_prompt(s, &p, &err) != WEFT_OK)
            fail_msg("%s", err.message);
        ids_are(s, item, marker, json_object_get(one, chat ? "chat" : "plain"));
        weft_sequence_destroy(&s);
        p.user = "Look: <image>and tell.";
        p.flags = 0;
    }
    weft_item_release(&item);
}

static weft_engine *open_clips(weft_settings **s)
{
    char model[300];
    snprintf(model, sizeof model, "model=%s", folder);
    settings_put(64);
    *s = settings_of((const char *[]){model, "max_tokens=100000", NULL});
    return open_engine(*s);
}

static void test_frames_and_ids(void **state)
{
    json_t        *doc = fixture_json("idefics3/clips.json"), *one;
    weft_settings *s;
    weft_engine   *e = open_clips(&s);
    size_t         i;
    (void)state;
    json_array_foreach(json_object_get(doc, "cases"), i, one)
        check(e, one, json_string_value(json_object_get(doc, "question")));
    assert_true(i >= 16);
    json_decref(doc);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

/* A picture is as it was beside clips, and the words for a clip are others. */
static void test_own_prompts(void **state)
{
    weft_settings *s;
    weft_engine   *e = open_clips(&s);
    wf_modality   *m = wf_modality_of(&e->modalities, "image");
    const char    *system, *user;
    (void)state;
    assert_ptr_equal(m, wf_modality_of(&e->modalities, "video"));
    assert_int_equal(m->vt->prompt(m->self, "describe video", &system, &user, NULL), WEFT_OK);
    assert_string_equal(user, "Can you describe this video in detail?");
    assert_int_equal(m->vt->prompt(m->self, "describe", &system, &user, NULL), WEFT_OK);
    assert_string_equal(user, "Can you describe this image?");
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static weft_sequence *fed(weft_engine *e, weft_item *item, const char *user, uint32_t flags)
{
    weft_item        *items[1] = {item};
    const weft_prompt p = {
        .hdr = WEFT_HDR(weft_prompt), .user = user, .items = items, .n_items = 1, .flags = flags};
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    weft_sequence *s = NULL;
    assert_int_equal(weft_sequence_create(e, &s, &err), WEFT_OK);
    if (weft_sequence_feed_prompt(s, &p, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    return s;
}

static void same_ids(const weft_sequence *a, int64_t from, const weft_sequence *b)
{
    assert_int_equal(a->n - from, b->n);
    for (int64_t i = 0; i < b->n; i++)
        assert_int_equal(a->toks[from + i].id, b->toks[i].id);
}

/* A clip that is fed by itself comes with the words at the ends of its layout, and one that does
 * not fit leaves nothing behind. A modality of before there were words for its second kind is not
 * asked for them. */
static void test_by_itself(void **state)
{
    const weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                                  .kind = "video",
                                  .width = 64,
                                  .height = 48,
                                  .duration_us = 3000000};
    const weft_request    rq = {WEFT_HDR(weft_request), -1, -1, -1, 0};
    weft_settings        *s;
    weft_engine          *e = open_clips(&s);
    weft_error            err = {.hdr = WEFT_HDR(weft_error)};
    weft_item            *item = NULL;
    weft_sequence        *alone, *prompt, *words;
    (void)state;
    assert_int_equal(plan(e, &info, &rq, &item, &err), WEFT_OK);
    assert_true(item->plan.lead_bytes > 0);
    prompt = fed(e, item, "", 0);
    assert_int_equal(weft_sequence_create(e, &alone, &err), WEFT_OK);
    assert_int_equal(weft_sequence_feed_item(alone, item, &err), WEFT_OK);
    same_ids(prompt, prompt->n - alone->n, alone);
    assert_true(prompt->n - alone->n <= 1); /* the token that begins a text */
    const int64_t each = alone->n;
    while (weft_sequence_feed_item(alone, item, &err) == WEFT_OK)
        continue;
    assert_int_equal(alone->n % each, 0);
    weft_sequence_destroy(&alone);
    weft_sequence_destroy(&prompt);
    wf_modality         *m = wf_modality_of(&e->modalities, "video");
    weft_modality        old = *m->vt;
    const weft_modality *kept = m->vt;
    prompt = fed(e, item, NULL, WEFT_PROMPT_CHAT);
    words = fed(e, item, "Can you describe this video in detail?", WEFT_PROMPT_CHAT);
    same_ids(prompt, 0, words);
    weft_sequence_destroy(&prompt);
    weft_sequence_destroy(&words);
    old.hdr.size = offsetof(weft_modality, whole_prompt);
    m->vt = &old;
    prompt = fed(e, item, NULL, WEFT_PROMPT_CHAT);
    m->vt = kept;
    words = fed(e, item, "Can you describe this image?", WEFT_PROMPT_CHAT);
    same_ids(prompt, 0, words);
    weft_sequence_destroy(&prompt);
    weft_sequence_destroy(&words);
    weft_item_release(&item);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static void refused(weft_engine *e, const weft_media_info *info, const weft_request *rq,
                    weft_status status, const char *part)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    weft_item *item = NULL;
    assert_int_equal(plan(e, info, rq, &item, &err), status);
    if (strstr(err.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void test_what_cannot_be(void **state)
{
    weft_settings  *s;
    weft_engine    *e = open_clips(&s);
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                            .kind = "video",
                            .width = 64,
                            .height = 48,
                            .duration_us = 10000000};
    weft_request    rq = {WEFT_HDR(weft_request), -1, -1, -1, 0};
    weft_item      *item = NULL;
    weft_error      err = {.hdr = WEFT_HDR(weft_error)};
    (void)state;
    rq.max_frames = 0;
    refused(e, &info, &rq, WEFT_E_INVALID, "--frames");
    rq.max_frames = ID3_MAX_FRAMES + 1;
    refused(e, &info, &rq, WEFT_E_LIMIT, "--frames");
    rq.max_frames = -1;
    rq.start_us = 10000000;
    refused(e, &info, &rq, WEFT_E_INVALID, "--start");
    rq.start_us = -1;
    info.duration_us = -1;
    refused(e, &info, &rq, WEFT_E_INVALID, "--end");
    info.duration_us = INT64_MAX;
    refused(e, &info, &rq, WEFT_E_LIMIT, "too long");
    info.duration_us = 0; /* one frame, of a rate that is not known */
    assert_int_equal(plan(e, &info, &rq, &item, &err), WEFT_OK);
    assert_int_equal(item->plan.n_placeholders, 4);
    weft_item_release(&item);
    info.duration_us = 20000000; /* a part: its frames are those of the whole clip */
    rq.start_us = 5000000;
    rq.end_us = 8000000;
    assert_int_equal(plan(e, &info, &rq, &item, &err), WEFT_OK);
    assert_int_equal(item->plan.n_placeholders, 12);
    assert_non_null(strstr(item->plan.layout, "three frames from a 0:00:03"));
    assert_non_null(strstr(item->plan.layout, "Frame from 00:05:"));
    assert_non_null(strstr(item->plan.layout, "Frame from 00:07:"));
    weft_item_release(&item);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static void test_a_model_without_clips(void **state)
{
    weft_settings *s = settings_of((const char *[]){"model=" FIXTURE("idefics3/untied"), NULL});
    weft_engine   *e = open_engine(s);
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    const char    *plugin;
    (void)state;
    assert_int_equal(weft_engine_takes(e, "image", &plugin, &err), WEFT_OK);
    assert_int_equal(weft_engine_takes(e, "video", &plugin, &err), WEFT_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "video_sampling"));
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_and_ids),
        cmocka_unit_test(test_own_prompts),
        cmocka_unit_test(test_by_itself),
        cmocka_unit_test(test_what_cannot_be),
        cmocka_unit_test(test_a_model_without_clips),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
