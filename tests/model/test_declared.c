/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins declare is looked at when they are installed, and a prompt's markers are counted. */
#include "moods.h"

#define MODEL "model=" FIXTURE("llama-untied")
#define SOFT "plugin=" WEFT_SOFT_PLUGIN

static void opens_not(const char *declares, weft_status status, int32_t code, const char *what,
                      const char *other)
{
    char           set[64];
    weft_settings *s;
    weft_engine   *e = NULL;
    weft_error     err = WF_ERROR_INIT;
    const char    *pairs[] = {MODEL, "plugin=" WEFT_MOODS_PLUGIN, other, NULL};
    snprintf(set, sizeof set, "test.moods.declares=%s", declares);
    s = settings_of(pairs);
    rig_check(weft_settings_set_pair(s, set, &err), &err);
    refused(weft_engine_open(s, WEFT_OPEN_CONFIG, NULL, &e, &err), &err, status, code, what);
    weft_settings_destroy(&s);
}

static void test_nonsense_is_the_plugins_fault(void **state)
{
    static const struct {
        const char *declares, *what;
    } cases[] = {
        {"token", "test.moods declares a marker whose token is empty (test.moods in install)"},
        {"control", "a marker whose before holds a control character"},
        {"utf8", "a marker whose token is not UTF-8"},
        {"id", "marker <|moods|> has token_id -7 (-1 to 33554432)"},
        {"end", "marker <|moods|> has end_id -1 (0 to 33554432)"},
        {"row", "marker <|moods|> has embedding_row -1"},
        {"kind", "site moods is of unknown kind 99"},
        {"layer", "soft tokens moods are not at layer -1"},
        {"alone", "marker <|moods|> and the sites of stream test/nobody do not fit together"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        opens_not(cases[i].declares, WEFT_E_INVALID, 5, cases[i].what, NULL);
}

static void test_what_another_has(void **state)
{
    (void)state;
    opens_not("twice", WEFT_E_CONFLICT, 4, "both have the marker <|moods|>", NULL);
    opens_not("clash", WEFT_E_CONFLICT, 4,
              "markers <|moods|> (test.moods) and <|clash|> (test.moods) are both token 5000",
              NULL);
    opens_not("order", WEFT_E_CONFLICT, 4,
              "moods (test.moods) and moods (test.moods) are both at layer -1 with order 0", NULL);
    opens_not("well", WEFT_E_CONFLICT, 4, "(test.soft)", SOFT); /* its order is 0 too */
}

static void test_parameters_past_all_sums(void **state)
{
    rig              r = {.n_items = 0};
    weft_error       err = WF_ERROR_INIT;
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    const char      *pairs[] = {MODEL, "plugin=" WEFT_MOODS_PLUGIN, NULL};
    (void)state;
    r.settings = settings_of(pairs);
    rig_check(weft_settings_set_pair(r.settings, "test.moods.declares=parameters", &err), &err);
    rig_check(weft_engine_open(r.settings, WEFT_OPEN_CONFIG, NULL, &r.e, &err), &err);
    refused(weft_engine_describe(r.e, &d, &err), &err, WEFT_E_INTERNAL, 5,
            "test.moods gave 18446744073709551614 parameters");
    rig_close(&r);
}

/* What a modality says of its weights is looked at as if it asked for them. */
static void test_weights_that_cannot_be(void **state)
{
    static const struct {
        const char *weights, *what;
    } cases[] = {
        {NULL, "weights: a package and what is wanted of it are needed"},
        {FIXTURE("composed"), "weights: rows: a LINEAR weight has at least 2 axes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig              r = {.n_items = 0};
        weft_error       err = WF_ERROR_INIT;
        weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
        const char      *pairs[] = {MODEL, "plugin=" WEFT_MOODS_PLUGIN, NULL};
        char             set[300];
        r.settings = settings_of(pairs);
        rig_check(weft_settings_set_pair(r.settings, "test.moods.declares=weights", &err), &err);
        if (cases[i].weights != NULL) {
            snprintf(set, sizeof set, "test.moods.weights=%s", cases[i].weights);
            rig_check(weft_settings_set_pair(r.settings, set, &err), &err);
        }
        rig_check(weft_engine_open(r.settings, WEFT_OPEN_CONFIG, NULL, &r.e, &err), &err);
        refused(weft_engine_describe(r.e, &d, &err), &err, WEFT_E_INVALID, 5, cases[i].what);
        rig_close(&r);
    }
}

static void test_rows_and_places_agree(void **state)
{
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(mood_file('r', "abc"));
    (void)state;
    moods_open(&r, MODEL, NULL, NULL);
    refused(
        weft_item_open(r.e, &rq, &item, &err), &err, WEFT_E_INTERNAL, 5,
        "test.moods gave a plan with n_placeholders 2 and outputs[0].stream_rows 3 of soft tokens");
    unlink(rq.path);
    rig_close(&r);
}

/* The last warning. */
static char warned[400];

static void hear(void *ctx, int32_t level, const char *text)
{
    (void)ctx;
    if (level == WEFT_LOG_WARN)
        snprintf(warned, sizeof warned, "%s", text);
}

static void asks(rig *r, const char *user, uint32_t n_items, const char *want)
{
    weft_error     err = WF_ERROR_INIT;
    weft_item     *items[2];
    weft_sequence *s;
    for (uint32_t i = 0; i < 2; i++)
        mood_item(r->e, 'n', i == 0 ? "a" : "bc", &items[i]);
    weft_prompt p = {
        .hdr = WEFT_HDR(weft_prompt), .n_items = n_items, .user = user, .items = items};
    warned[0] = '\0';
    rig_check(weft_sequence_create(r->e, &s, &err), &err);
    rig_check(weft_sequence_feed_prompt(s, &p, &err), &err);
    if (want == NULL ? warned[0] != '\0' : strstr(warned, want) == NULL)
        fail_msg("%s, %u items: \"%s\"", user, n_items, warned);
    weft_sequence_destroy(&s);
    for (uint32_t i = 0; i < 2; i++)
        weft_item_release(&items[i]);
}

static void test_counts_are_told(void **state)
{
    rig r;
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, NULL, NULL);
    weft_set_log(hear, NULL);
    asks(&r, "say it", 2, NULL);
    asks(&r, "say <|moods|> and <|moods|>", 2, NULL);
    asks(&r, "say <|moods|> and <|moods|>", 1,
         "the prompt has 2 times <|moods|> and 1 item for it: the further ones are read as text");
    asks(&r, "say <|moods|>", 0, "1 time <|moods|> and 0 items");
    asks(&r, "say <|moods|>", 2,
         "1 time <|moods|> and 2 items for it: the first items stand before the text");
    asks(&r, "say <|mood|>, a <| b |> and <||>", 0,
         "the prompt has <|mood|>, which is no marker of this model (<|moods|>): it is read as "
         "text");
    asks(&r, "say <| b |>, <||>, <|moods| and |>", 0, NULL);
    weft_set_log(NULL, NULL);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonsense_is_the_plugins_fault),
        cmocka_unit_test(test_what_another_has),
        cmocka_unit_test(test_parameters_past_all_sums),
        cmocka_unit_test(test_weights_that_cannot_be),
        cmocka_unit_test(test_rows_and_places_agree),
        cmocka_unit_test(test_counts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
