/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts of a directory with tekken.json alone are those that mistral-common writes
 * (tests/fixtures/voxtral/mini/prompts.json): conversations, and requests for a transcript. */
#include "rig.h"

#include "core/sequence/sequence.h"
#include "tests/vision/expect.h"

#define AUDIO 24
#define BEGIN_AUDIO 25

static void open_mini(rig *r)
{
    const char *pairs[] = {"model=" FIXTURE("voxtral/mini"), "dtype=f32", NULL};
    rig_open(r, pairs, FIXTURE("voxtral/mini/parity-two.safetensors"));
    assert_int_equal(r->n_items, 2);
}

/* The sequence's ids with one AUDIO for the rows of an item and without the BEGIN_AUDIO that must
 * stand before them. Returns how many there are. */
static size_t collapse(const weft_sequence *s, int64_t *ids)
{
    size_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const int is_item = s->toks[i].item >= 0, follows = i > 0 && s->toks[i - 1].item >= 0;
        if (is_item && !follows) {
            assert_true(i > 0 && s->toks[i - 1].id == BEGIN_AUDIO);
            ids[n - 1] = AUDIO;
        } else if (!is_item) {
            ids[n++] = s->toks[i].id;
        }
    }
    return n;
}

static void check_ids(const weft_sequence *s, const json_t *want, const char *what)
{
    int64_t      *ids = malloc((size_t)(s->n + 1) * sizeof *ids);
    const size_t  n = collapse(s, ids);
    const json_t *one;
    size_t        i;
    if (n != json_array_size(want))
        fail_msg("%s: %zu ids, and the reference has %zu", what, n, json_array_size(want));
    json_array_foreach(want, i, one) if (ids[i] != json_integer_value(one))
        fail_msg("%s: id %zu is %lld, and the reference has %lld", what, i, (long long)ids[i],
                 (long long)json_integer_value(one));
    free(ids);
}

static void check_transcribe(rig *r, const char *language, uint32_t flags, const json_t *want)
{
    const weft_prompt p = {.hdr = WEFT_HDR(weft_prompt),
                           .flags = flags,
                           .n_items = 1,
                           .task = "transcribe",
                           .items = r->items,
                           .language = language};
    weft_error        err = WF_ERROR_INIT;
    weft_sequence    *s;
    rig_check(weft_sequence_create(r->e, &s, &err), &err);
    rig_check(weft_sequence_feed_prompt(s, &p, &err), &err);
    check_ids(s, want, language != NULL ? language : "no language");
    weft_sequence_destroy(&s);
}

static void test_transcribe(void **state)
{
    json_t       *doc = fixture_json("voxtral/mini/prompts.json");
    const json_t *all = json_object_get(doc, "transcribe");
    rig           r;
    (void)state;
    open_mini(&r);
    for (uint32_t flags = 0; flags <= WEFT_PROMPT_CHAT; flags++) {
        check_transcribe(&r, NULL, flags, json_object_get(all, ""));
        check_transcribe(&r, "English", flags, json_object_get(all, "en"));
        check_transcribe(&r, "de", flags, json_object_get(all, "de"));
    }
    rig_close(&r);
    json_decref(doc);
}

/* The text of a message; *has_sound: with the marker's place in it. */
static void text_of(const json_t *content, char *text, size_t cap, int *has_sound)
{
    const json_t *part;
    size_t        i, used = 0;
    text[0] = '\0';
    if (json_is_string(content))
        snprintf(text, cap, "%s", json_string_value(content));
    json_array_foreach(content, i, part)
    {
        const char *words = json_string_value(json_object_get(part, "text"));
        *has_sound |= words == NULL;
        used += (size_t)snprintf(text + used, cap - used, "%s", words != NULL ? words : "[AUDIO]");
    }
}

static void check_chat(rig *r, const json_t *one)
{
    weft_turn      turns[8];
    char           texts[8][256];
    const json_t  *messages = json_object_get(one, "messages"), *m;
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s;
    size_t         i, n = json_array_size(messages);
    assert_in_range(n, 1, 8);
    json_array_foreach(messages, i, m)
    {
        int has_sound = 0;
        text_of(json_object_get(m, "content"), texts[i], sizeof texts[i], &has_sound);
        turns[i] = (weft_turn){WEFT_HDR(weft_turn),
                               json_string_value(json_object_get(m, "role")),
                               texts[i],
                               0,
                               r->items,
                               (uint32_t)has_sound,
                               0};
    }
    rig_check(weft_sequence_create(r->e, &s, &err), &err);
    rig_check(weft_sequence_feed_turns(s, turns, (uint32_t)n, NULL, &err), &err);
    check_ids(s, json_object_get(one, "ids"), texts[0]);
    weft_sequence_destroy(&s);
}

static void test_chat(void **state)
{
    json_t *doc = fixture_json("voxtral/mini/prompts.json"), *one;
    size_t  i;
    rig     r;
    (void)state;
    open_mini(&r);
    assert_true(json_array_size(json_object_get(doc, "chat")) >= 5);
    json_array_foreach(json_object_get(doc, "chat"), i, one) check_chat(&r, one);
    rig_close(&r);
    json_decref(doc);
}

/* The user's own words go into the chat format, and so do those beside a system message. */
static void test_own_words(void **state)
{
    weft_prompt              p = {.hdr = WEFT_HDR(weft_prompt),
                                  .flags = WEFT_PROMPT_CHAT,
                                  .n_items = 1,
                                  .task = "transcribe"};
    static const char *const systems[] = {NULL, "Be brief."};
    rig                      r;
    (void)state;
    open_mini(&r);
    p.items = r.items;
    for (int i = 0; i < 2; i++) {
        weft_error     err = WF_ERROR_INIT;
        weft_sequence *s;
        p.system = systems[i];
        p.user = i == 0 ? "Write it down." : NULL;
        rig_check(weft_sequence_create(r.e, &s, &err), &err);
        rig_check(weft_sequence_feed_prompt(s, &p, &err), &err);
        assert_int_equal(s->toks[s->n - 1].id, 4); /* [/INST] */
        weft_sequence_destroy(&s);
    }
    rig_close(&r);
}

/* A language that nobody knows has no code for the prompt of a transcript. */
static void test_unknown_language(void **state)
{
    weft_prompt p = {
        .hdr = WEFT_HDR(weft_prompt), .n_items = 1, .task = "transcribe", .language = "Nowhereish"};
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s;
    rig            r;
    (void)state;
    open_mini(&r);
    p.items = r.items;
    rig_check(weft_sequence_create(r.e, &s, &err), &err);
    assert_int_equal(weft_sequence_feed_prompt(s, &p, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "Nowhereish"));
    p.language = "German";
    rig_check(weft_sequence_feed_prompt(s, &p, &err), &err);
    weft_sequence_destroy(&s);
    rig_close(&r);
}

/* A role that the format does not have. */
static void test_roles(void **state)
{
    const weft_turn tool = {WEFT_HDR(weft_turn), "tool", "x", 0, NULL, 0, 0};
    weft_error      err = WF_ERROR_INIT;
    weft_sequence  *s;
    rig             r;
    (void)state;
    open_mini(&r);
    rig_check(weft_sequence_create(r.e, &s, &err), &err);
    assert_int_equal(weft_sequence_feed_turns(s, &tool, 1, NULL, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "tool"));
    weft_sequence_destroy(&s);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transcribe), cmocka_unit_test(test_chat),
        cmocka_unit_test(test_own_words),  cmocka_unit_test(test_unknown_language),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
