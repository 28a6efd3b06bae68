/* SPDX-License-Identifier: Apache-2.0 */
/* weft_item_preview of a modality that tells of pictures that cannot be, or fills others than it
 * told of: a fault of the plugin, named, and nothing is written outside of what the caller has. */
#include "moods.h"

#define BYTES (2 * 2 * 3 * 3) /* of the two pictures */
#define BEHIND 64
#define WILD 0xA5

static void open_sight(rig *r, weft_item **item, const char *shows, int validate)
{
    char        line[64];
    weft_error  err = WF_ERROR_INIT;
    const char *pairs[] = {"model=" MOODS_MODEL, "plugin=" WEFT_MOODS_PLUGIN, "threads=1",
                           validate ? "validate=1" : NULL, NULL};
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    snprintf(line, sizeof line, "test.moods.shows=%s", shows);
    rig_check(weft_settings_set_pair(r->settings, line, &err), &err);
    rig_check(weft_engine_open(r->settings, 0, NULL, &r->e, &err), &err);
    mood_item(r->e, 'n', "abc", item);
}

/* The preview into a caller's memory, behind which nothing may change. */
static weft_status look(const weft_item *item, uint8_t *room, uint64_t bytes, weft_error *err)
{
    weft_tensor t = {.data = NULL};
    memset(room, WILD, BYTES + BEHIND);
    weft_status status = weft_item_preview(item, &t, err);
    if (status != WEFT_OK)
        return status;
    assert_null(t.data);
    assert_int_equal(t.bytes, BYTES);
    t.data = room;
    t.bytes = bytes;
    return weft_item_preview(item, &t, err);
}

static void test_well(void **state)
{
    (void)state;
    for (int validate = 0; validate < 2; validate++) {
        weft_error err = WF_ERROR_INIT;
        uint8_t    room[BYTES + BEHIND];
        weft_item *item;
        rig        r;
        open_sight(&r, &item, "well", validate);
        rig_check(look(item, room, BYTES, &err), &err);
        for (int i = 0; i < BYTES + BEHIND; i++)
            assert_int_equal(room[i], i < BYTES ? i : WILD);
        refused(look(item, room, BYTES - 1, &err), &err, WEFT_E_INVALID, 2, "takes 36 bytes");
        for (int i = 0; i < BYTES + BEHIND; i++)
            assert_int_equal(room[i], WILD);
        weft_item_release(&item);
        rig_close(&r);
    }
}

static const struct {
    const char *shows, *says;
    int         filling; /* only then it goes wrong: else when it tells of them as well */
} faults[] = {
    {"axes", "rgb.ndim 3", 0},           {"more axes", "rgb.ndim 1048576", 0},
    {"none", "rgb.shape[0] 0", 0},       {"negative", "rgb.shape[1] -2", 0},
    {"channels", "rgb.shape[3] 4", 0},   {"huge", "rgb.shape[0] 9223372036854775807", 0},
    {"large", "--max-decoded-bytes", 0}, {"strides", "rgb.stride[1]", 0},
    {"bytes", "rgb.bytes 37", 0},        {"type", "rgb.dtype.bits 32", 0},
    {"device", "rgb.device_type 12", 0}, {"address", "rgb.data", 0},
    {"later axes", "rgb.ndim 3", 1},     {"later bytes", "rgb.bytes 109", 1},
    {"later address", "rgb.data", 1},    {"later size", "rgb.shape[2] 9 where it said 3", 1},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        weft_error  err = WF_ERROR_INIT;
        uint8_t     room[BYTES + BEHIND];
        weft_tensor t = {.data = NULL};
        weft_item  *item;
        rig         r;
        open_sight(&r, &item, faults[i].shows, 0);
        if (!faults[i].filling)
            refused(weft_item_preview(item, &t, &err), &err, WEFT_E_INTERNAL, 5, faults[i].says);
        refused(look(item, room, BYTES, &err), &err, WEFT_E_INTERNAL, 5, faults[i].says);
        for (int k = BYTES; k < BYTES + BEHIND; k++)
            assert_int_equal(room[k], WILD);
        rig_check(weft_item_encode(item, &err), &err); /* the item is as it was */
        weft_item_release(&item);
        rig_close(&r);
    }
}

static void test_named(void **state)
{
    weft_error  err = WF_ERROR_INIT;
    weft_tensor t = {.data = NULL};
    weft_item  *item;
    rig         r;
    (void)state;
    open_sight(&r, &item, "axes", 0);
    refused(weft_item_preview(item, &t, &err), &err, WEFT_E_INTERNAL, 5, "test.moods gave");
    refused(weft_item_preview(item, &t, &err), &err, WEFT_E_INTERNAL, 5, "in preview");
    weft_item_release(&item);
    rig_close(&r);
    open_sight(&r, &item, "fails", 0);
    refused(weft_item_preview(item, &t, &err), &err, WEFT_E_CORRUPT, 3, "nothing to see");
    weft_item_release(&item);
    rig_close(&r);
}

/* OK without a byte is zeros, and under validation what it is; so is a byte behind the pictures. */
static void test_filling(void **state)
{
    static const uint8_t zeros[BYTES];
    weft_error           err = WF_ERROR_INIT;
    uint8_t              room[BYTES + BEHIND];
    weft_item           *item;
    rig                  r;
    (void)state;
    open_sight(&r, &item, "silent", 0);
    rig_check(look(item, room, BYTES, &err), &err);
    assert_memory_equal(room, zeros, BYTES);
    weft_item_release(&item);
    rig_close(&r);
    open_sight(&r, &item, "silent", 1);
    refused(look(item, room, BYTES, &err), &err, WEFT_E_INTERNAL, 5, "without writing byte 0");
    weft_item_release(&item);
    rig_close(&r);
    open_sight(&r, &item, "behind", 1);
    refused(look(item, room, BYTES, &err), &err, WEFT_E_INTERNAL, 5, "bytes behind the 36");
    assert_int_equal(room[BYTES], WILD);
    weft_item_release(&item);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_filling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
