/* SPDX-License-Identifier: Apache-2.0 */
/* The picture encoder that weft.vision gives other plugins: its table has its size, and what it
 * fills is as much as its caller's version of the struct holds. */
#include "module.h"

#include "weft/services/vision_encoder.h"

#define CONFIG "{\"architectures\": [\"MllamaForConditionalGeneration\"], \"vision_config\": {}}"
#define LATER 16 /* bytes that a later version has more */
#define WILD 0xA5

/* weft_vision_sizes of so many bytes, filled: those within it are right, those behind it stay. */
static void check_sizes(const weft_if_vision_encoder *eyes, const weft_vision_encoder *e,
                        const weft_vision_sizes *right, uint32_t size)
{
    uint8_t        room[sizeof *right + 2 * LATER];
    const weft_hdr hdr = {size, 0};
    memset(room, WILD, sizeof room);
    memcpy(room, &hdr, sizeof hdr);
    eyes->sizes(e, (weft_vision_sizes *)(void *)room);
    assert_memory_equal(room, &hdr, sizeof hdr);
    for (size_t i = sizeof hdr; i < sizeof room; i++)
        if (room[i] != (i < size && i < sizeof *right ? ((const uint8_t *)right)[i] : WILD))
            fail_msg("weft_vision_sizes of %u bytes, byte %zu is %02x", size, i, room[i]);
}

static void test_sizes(void **state)
{
    module               m;
    weft_vision_sizes    right = {.hdr = WEFT_HDR(weft_vision_sizes)};
    weft_vision_encoder *e;
    (void)state;
    module_open(&m);
    const weft_if_vision_encoder *eyes = module_service;
    if (eyes->hdr.size != sizeof *eyes)
        fail_msg("weft_if_vision_encoder of %u bytes", eyes->hdr.size);
    if (eyes->open(module_service_self, &m.host.host, module_package(&m, CONFIG, NULL), &e,
                   &m.err) != WEFT_OK)
        fail_msg("%s", m.err.message);
    eyes->sizes(e, &right);
    assert_int_equal(right.hdr.size, sizeof right);
    assert_true(right.tile > 0 && right.width > 0 && right.parameters > 0);
    for (uint32_t size = sizeof(weft_hdr); size <= sizeof right + LATER; size += 4)
        check_sizes(eyes, e, &right, size);
    eyes->close(e);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
