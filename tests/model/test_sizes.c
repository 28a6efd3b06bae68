/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of programs that were compiled with another version of weft.h: of what they give no byte
 * beyond its size is read, and of what they get as much is filled as fits. */
#include "expect.h"

#define MODEL WEFT_SOURCE_DIR "/models/demo/text"
#define ROOM 1024
#define LATER 32 /* bytes that a later version has more */
#define WILD 0xA5

typedef struct given { /* whatever the functions below are called with */
    weft_engine   *e;
    weft_sequence *s;
    weft_settings *settings;
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

static const struct {
    const char *name;
    void (*fill)(const given *g, void *out);
    size_t size, compared; /* bytes of this version, and of those the ones that repeat */
} outs[] = {
    {"weft_engine_info", describe, sizeof(weft_engine_info), sizeof(weft_engine_info)},
    {"weft_device_info", device, sizeof(weft_device_info), offsetof(weft_device_info, free_bytes)},
    {"weft_sampling", sampling, sizeof(weft_sampling), sizeof(weft_sampling)},
    {"weft_generation", generation, sizeof(weft_generation), offsetof(weft_generation, prefill_s)},
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
        else if (k >= outs[i].size)
            assert_int_equal(has[k], 0);
        else if (k < outs[i].compared && has[k] != right[k])
            fail_msg("%s of %u bytes: byte %zu", outs[i].name, size, k);
    }
}

static void test_filled(void **state)
{
    const char *pairs[] = {"model=" MODEL, "threads=1", NULL};
    weft_error  err = WF_ERROR_INIT;
    given       g = {.settings = settings_of(pairs)};
    (void)state;
    rig_check(weft_engine_open(g.settings, 0, NULL, &g.e, &err), &err);
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
    weft_engine_close(&g.e);
    weft_settings_destroy(&g.settings);
}

/* A prompt that ends before its last fields, which are wild, and one with more than is known. */
static void test_read(void **state)
{
    const char *pairs[] = {"model=" MODEL, "threads=1", NULL};
    weft_error  err = WF_ERROR_INIT;
    given       g = {.settings = settings_of(pairs)};
    int64_t     length[3];
    struct {
        weft_prompt known;
        void       *later;
    } p[3];
    (void)state;
    rig_check(weft_engine_open(g.settings, 0, NULL, &g.e, &err), &err);
    memset(p, WILD, sizeof p);
    for (int i = 0; i < 3; i++) {
        p[i].known = (weft_prompt){.hdr = WEFT_HDR(weft_prompt), .user = "a large red apple"};
        if (i == 1)
            memset(&p[i].known.user_bytes, WILD,
                   sizeof p[i].known - offsetof(weft_prompt, user_bytes));
    }
    p[1].known.hdr.size = (uint32_t)offsetof(weft_prompt, user_bytes);
    p[2].known.hdr.size = (uint32_t)sizeof p[2];
    for (int i = 0; i < 3; i++) {
        rig_check(weft_sequence_create(g.e, &g.s, &err), &err);
        rig_check(weft_sequence_feed_prompt(g.s, &p[i].known, &err), &err);
        length[i] = weft_sequence_length(g.s);
        weft_sequence_destroy(&g.s);
    }
    assert_true(length[0] > 3);
    assert_int_equal(length[1], length[0]);
    assert_int_equal(length[2], length[0]);
    weft_engine_close(&g.e);
    weft_settings_destroy(&g.settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_filled), cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
