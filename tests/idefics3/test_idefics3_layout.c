/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the text for a picture: the ids that Idefics3Processor gives for pictures of many
 * sizes, each soft token a row of the item; the whole of granite-docling's prompt; and what a
 * sequence does with an item in several runs. */
#include "support.h"

#include <jansson.h>

#include "core/engine/engine.h"
#include "core/text/layout.h"
#include "tests/vision/expect.h"

#define QUESTION "User:<image>Can you describe this image?"

static int32_t in(const json_t *one, size_t i)
{
    return (int32_t)json_integer_value(json_array_get(json_object_get(one, "in"), i));
}

/* A picture of that size, planned only. */
static weft_item *planned(weft_engine *e, int32_t width, int32_t height)
{
    weft_media_info info = {
        .hdr = WEFT_HDR(weft_media_info), .kind = "image", .width = width, .height = height};
    const weft_media   media = {.hdr = WEFT_HDR(weft_media), .info = &info};
    const weft_request rq = {WEFT_HDR(weft_request), -1, -1, -1, 0};
    weft_error         err = {.hdr = WEFT_HDR(weft_error)};
    weft_item         *item = NULL;
    wf_modality       *m = wf_modality_of(&e->modalities, "image");
    assert_non_null(m);
    assert_int_equal(wf_item_from_media(&e->items, m, &media, "a picture", &rq, &e->media.limits,
                                        false, &item, &err),
                     WEFT_OK);
    return item;
}

/* text NULL: what the modality asks, in the chat format. */
static void feed(weft_sequence *s, weft_item *item, const char *text)
{
    weft_error  err = {.hdr = WEFT_HDR(weft_error)};
    weft_item  *items[1] = {item};
    weft_prompt p = {.hdr = WEFT_HDR(weft_prompt),
                     .user = text,
                     .items = items,
                     .n_items = 1,
                     .flags = text == NULL ? WEFT_PROMPT_CHAT : 0};
    weft_status status = weft_sequence_feed_prompt(s, &p, &err);
    if (status != WEFT_OK)
        fail_msg("%s", err.message);
}

static void check(weft_engine *e, const json_t *one, const char *text)
{
    const json_t  *ids = json_object_get(one, "ids");
    weft_item     *item = planned(e, in(one, 0), in(one, 1));
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    weft_sequence *s = NULL;
    int32_t        row = 0, marker = e->hooks.markers[wf_item_marker(item)].token_id;
    assert_int_equal(weft_sequence_create(e, &s, &err), WEFT_OK);
    feed(s, item, text);
    assert_int_equal(s->n, json_array_size(ids));
    for (int64_t i = 0; i < s->n; i++) {
        int32_t id = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
        assert_int_equal(s->toks[i].id, id);
        assert_int_equal(s->toks[i].row, id == marker ? row++ : -1);
    }
    assert_int_equal(row, item->plan.n_placeholders);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
}

static weft_engine *open_dir(weft_settings **s, const char *model)
{
    *s = settings_of((const char *[]){model, NULL});
    return open_engine(*s);
}

static weft_engine *open_untied(weft_settings **s)
{
    return open_dir(s, "model=" FIXTURE("idefics3/untied"));
}

static void test_ids(void **state)
{
    json_t        *doc = fixture_json("idefics3/pictures.json"), *one;
    weft_settings *s;
    weft_engine   *e = open_untied(&s);
    size_t         i, n = 0;
    (void)state;
    json_array_foreach(json_object_get(doc, "cases"), i, one)
    {
        if (!json_is_true(json_object_get(one, "splits")))
            continue;
        check(e, one, QUESTION);
        n++;
    }
    assert_true(n >= 20);
    json_decref(doc);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

/* granite-docling's marks have ids in no order, and its template writes roles as special tokens. */
static void test_pages(void **state)
{
    json_t        *doc = fixture_json("idefics3/docling/docling.json"), *one;
    weft_settings *s;
    weft_engine   *e = open_dir(&s, "model=" FIXTURE("idefics3/docling"));
    size_t         i;
    (void)state;
    assert_true(json_array_size(json_object_get(doc, "prompts")) >= 5);
    json_array_foreach(json_object_get(doc, "prompts"), i, one) check(e, one, NULL);
    json_decref(doc);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

/* A sequence may be cut before and behind an item, and nowhere within it, text between its tiles
 * included; a fork holds the same. */
static void test_cuts(void **state)
{
    weft_settings *s;
    weft_engine   *e = open_untied(&s);
    weft_item     *item = planned(e, 100, 40);
    weft_sequence *q = NULL, *fork = NULL;
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    (void)state;
    assert_int_equal(weft_sequence_create(e, &q, &err), WEFT_OK);
    feed(q, item, QUESTION);
    const wf_seq_item at = q->items[0];
    assert_true(at.end - at.pos > item->plan.n_placeholders);
    assert_int_equal(weft_sequence_fork(q, &fork, &err), WEFT_OK);
    for (int64_t n = at.end - 1; n > at.pos; n--)
        assert_int_equal(weft_sequence_truncate(fork, n, &err), WEFT_E_INVALID);
    assert_int_equal(weft_sequence_truncate(fork, at.end, &err), WEFT_OK);
    assert_int_equal(fork->n_items, 1);
    assert_int_equal(weft_sequence_truncate(fork, at.pos, &err), WEFT_OK);
    assert_int_equal(fork->n_items, 0);
    weft_sequence_destroy(&fork);
    weft_sequence_destroy(&q);
    weft_item_release(&item);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids), cmocka_unit_test(test_pages),
                                       cmocka_unit_test(test_cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
