/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of programs that were compiled with another version of weft.h, of what they get: as much
 * is filled as fits, whatever the size. test_sizes_given.c has those that they give. */
#include "moods.h"

#include "core/base/running.h"
#include "core/base/status.h"

#define ROOM 1024
#define LATER 32 /* bytes that a later version has more */
#define WILD 0xA5

typedef struct given { /* whatever the functions below are called with */
    weft_engine    *e;
    weft_settings  *settings;
    weft_item      *item;
    weft_scheduler *scheduler;
} given;

static void describe(const given *g, void *out)
{
    assert_int_equal(weft_engine_describe(g->e, out, NULL), WEFT_OK);
}

static void device(const given *g, void *out)
{
    assert_int_equal(weft_device_at(g->settings, 0, out), 1);
}

static void sampling(const given *g, void *out)
{
    weft_sampling_from_settings(g->settings, out);
}

/* One token; what it took is not compared. */
static void generation(const given *g, void *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sampling  p = greedy(1);
    const int32_t  id = 5;
    weft_sequence *s;
    rig_check(weft_sequence_create(g->e, &s, &err), &err);
    rig_check(weft_sequence_feed_ids(s, &id, 1, &err), &err);
    rig_check(weft_generate(s, &p, NULL, NULL, out, &err), &err);
    weft_sequence_destroy(&s);
}

static void path(const given *g, void *out)
{
    assert_int_equal(weft_path_at(g->settings, 0, out, NULL), 1);
}

static void site(const given *g, void *out)
{
    assert_int_equal(weft_engine_site(g->e, 0, out), 1);
}

static void marker(const given *g, void *out)
{
    assert_int_equal(weft_engine_marker(g->e, 0, out), 1);
}

static void item(const given *g, void *out)
{
    assert_int_equal(weft_item_describe(g->item, out, NULL), WEFT_OK);
}

static void scheduler(const given *g, void *out)
{
    assert_int_equal(weft_scheduler_describe(g->scheduler, out, NULL), WEFT_OK);
}

static void turns(const given *g, void *out)
{
    weft_turn      turn = {WEFT_HDR(weft_turn), "user", "a large red apple", 0, NULL, 0, 0};
    weft_sequence *s;
    assert_int_equal(weft_sequence_create(g->e, &s, NULL), WEFT_OK);
    assert_int_equal(weft_sequence_feed_turns(s, &turn, 1, out, NULL), WEFT_OK);
    weft_sequence_destroy(&s);
}

/* As from within a call of a plugin. */
static void running(const given *g, void *out)
{
    wf_running r = {.plugin = "org.example.jpeg", .function = "read_frames", .file = "a.jpg"};
    (void)g;
    wf_running *before = wf_running_set(&r);
    assert_int_equal(weft_plugin_running(out), 1);
    (void)wf_running_set(before);
}

/* A sentence that is longer than a weft_error holds. */
static void error(const given *g, void *out)
{
    char text[600];
    (void)g;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)wf_fail(out, WEFT_E_CORRUPT, "%s", text);
    (void)wf_fail_stage(out, WEFT_E_CORRUPT, WEFT_STAGE_MEDIA);
}

/* REST_ZERO: what this version does not know of a struct is zero then; REST_STAYS: as it was. */
enum rest { REST_ZERO, REST_STAYS };

static const struct {
    const char *name;
    void (*fill)(const given *g, void *out);
    size_t    size, compared; /* bytes of this version, and of those the ones that repeat */
    enum rest rest;
} outs[] = {
    {"weft_engine_info", describe, sizeof(weft_engine_info), sizeof(weft_engine_info), REST_ZERO},
    {"weft_device_info", device, sizeof(weft_device_info), offsetof(weft_device_info, free_bytes),
     REST_ZERO},
    {"weft_path_info", path, sizeof(weft_path_info), sizeof(weft_path_info), REST_ZERO},
    {"weft_site_info", site, sizeof(weft_site_info), sizeof(weft_site_info), REST_ZERO},
    {"weft_marker_info", marker, sizeof(weft_marker_info), sizeof(weft_marker_info), REST_ZERO},
    {"weft_item_info", item, sizeof(weft_item_info), sizeof(weft_item_info), REST_ZERO},
    {"weft_scheduler_info", scheduler, sizeof(weft_scheduler_info), sizeof(weft_scheduler_info),
     REST_ZERO},
    {"weft_turns_info", turns, sizeof(weft_turns_info), sizeof(weft_turns_info), REST_ZERO},
    {"weft_running", running, sizeof(weft_running), sizeof(weft_running), REST_ZERO},
    {"weft_sampling", sampling, sizeof(weft_sampling), sizeof(weft_sampling), REST_ZERO},
    {"weft_generation", generation, sizeof(weft_generation), offsetof(weft_generation, prefill_s),
     REST_ZERO},
    {"weft_error", error, sizeof(weft_error), offsetof(weft_error, message) + 400, REST_STAYS},
};

/* A struct of `size` bytes, filled, within wild ones. */
static void filled(size_t i, const given *g, uint32_t size, uint64_t *room)
{
    const weft_hdr hdr = {size, 0};
    memset(room, WILD, ROOM);
    memcpy(room, &hdr, sizeof hdr);
    outs[i].fill(g, room);
}

static void check_size(size_t i, const given *g, const uint8_t *right, uint32_t size)
{
    uint64_t       room[ROOM / 8];
    const uint8_t *has = (const uint8_t *)room;
    weft_hdr       hdr;
    filled(i, g, size, room);
    memcpy(&hdr, has, sizeof hdr);
    assert_int_equal(hdr.size, size);
    for (size_t k = sizeof hdr; k < ROOM; k++) {
        if (k >= size)
            assert_int_equal(has[k], WILD);
        else if (k >= outs[i].size) {
            if (has[k] != (outs[i].rest == REST_STAYS ? WILD : 0))
                fail_msg("%s of %u bytes: byte %zu is %02x", outs[i].name, size, k, has[k]);
        } else if (k < outs[i].compared && has[k] != right[k])
            fail_msg("%s of %u bytes: byte %zu", outs[i].name, size, k);
    }
}

static void test_filled(void **state)
{
    const char *pairs[] = {"model=" MOODS_MODEL, "plugin=" WEFT_MOODS_PLUGIN, "threads=1", NULL};
    weft_error  err = WF_ERROR_INIT;
    given       g = {.settings = settings_of(pairs)};
    (void)state;
    rig_check(weft_engine_open(g.settings, 0, NULL, &g.e, &err), &err);
    rig_check(weft_scheduler_create(g.e, NULL, &g.scheduler, &err), &err);
    mood_item(g.e, 'n', "abc", &g.item);
    for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++) {
        uint64_t right[ROOM / 8];
        uint32_t size = (uint32_t)outs[i].size;
        assert_true(size + LATER < ROOM);
        filled(i, &g, size, right);
        check_size(i, &g, (const uint8_t *)right, size);
        check_size(i, &g, (const uint8_t *)right, size + LATER);
        check_size(i, &g, (const uint8_t *)right, size - 8);
        check_size(i, &g, (const uint8_t *)right, 16);
    }
    weft_item_release(&g.item);
    weft_scheduler_destroy(&g.scheduler);
    weft_engine_close(&g.e);
    weft_settings_destroy(&g.settings);
}

/* A failure of opening told to an error of that size; the exit code that it then means. */
static int32_t exit_code(weft_settings *s, weft_error *e)
{
    weft_engine *engine;
    assert_int_equal(weft_engine_open(s, 0, NULL, &engine, e), WEFT_E_NOTFOUND);
    return weft_exit_code(e);
}

/* An error too small for a sentence, for its stage or for its code is no place to write to, and one
 * that can be judged. */
static void test_small_errors(void **state)
{
    const char    *pairs[] = {"model=/nonexistent", NULL};
    weft_settings *s = settings_of(pairs);
    weft_error     whole = WF_ERROR_INIT;
    const int32_t  code = exit_code(s, &whole);
    (void)state;
    assert_int_equal(code, 4);
    for (uint32_t size = 0; size <= sizeof(weft_error); size++) {
        uint64_t       room[ROOM / 8];
        const weft_hdr hdr = {size, 0};
        weft_error    *e = (weft_error *)(void *)room;
        memset(room, WILD, ROOM);
        memset(room, 0, size);
        memcpy(room, &hdr, sizeof hdr);
        const int32_t got = exit_code(s, e);
        assert_int_equal(got, WEFT_HAS(e, weft_error, stage) ? code : 1);
        assert_int_equal(e->hdr.size, size);
        for (size_t k = size < sizeof hdr ? sizeof hdr : size; k < ROOM; k++)
            assert_int_equal(((const uint8_t *)room)[k], WILD);
    }
    weft_settings_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_filled),
                                       cmocka_unit_test(test_small_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
