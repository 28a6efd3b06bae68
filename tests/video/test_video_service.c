/* SPDX-License-Identifier: Apache-2.0 */
/* weft.video on a fake host where somebody else gives the picture encoder: a table of an earlier
 * version, which lacks functions, is refused with a sentence and nothing in it is called. */
#include "tests/support/fake_host.h"
#include "tests/support/load.h"

#include "weft/services/vision_encoder.h"

static weft_if_vision_encoder eyes; /* no function of it may be called */

static weft_status acquire(const weft_host *h, const char *id, const void **vtable, void **self,
                           weft_error *err)
{
    (void)h, (void)err;
    assert_string_equal(id, WEFT_IF_VISION_ENCODER);
    *vtable = &eyes;
    *self = NULL;
    return WEFT_OK;
}

static const weft_if_services services = {WEFT_HDR(weft_if_services), NULL, acquire};

static void test_earlier_table(void **state)
{
    fake_host   h;
    weft_error  err = {.hdr = WEFT_HDR(weft_error)};
    void       *self = NULL;
    const char *said = "of an earlier version";
    (void)state;
    fake_host_init(&h, NULL, 0);
    fake_host_provide(&h, WEFT_IF_SERVICES, &services);
    const weft_plugin     me = module_load("weft-video");
    const weft_modality  *video = module_component(&me, WEFT_C_MODALITY);
    const weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                                .package = fake_package_open(&h, WEFT_FIXTURES "/video"),
                                .n_layers = 3,
                                .d_model = 48,
                                .vocab = 128};
    if (me.init != NULL)
        assert_int_equal(me.init(&h.host, &err), WEFT_OK);
    /* `weights` came later and may be missing. */
    for (uint32_t size = 0; size <= offsetof(weft_if_vision_encoder, encode); size += 8) {
        eyes.hdr.size = size;
        assert_int_equal(video->create(&h.host, &mi, &self, &err), WEFT_E_VERSION);
        assert_null(self);
        if (strstr(err.message, said) == NULL)
            fail_msg("%s", err.message);
    }
    if (me.deinit != NULL)
        me.deinit(&h.host);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_earlier_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
