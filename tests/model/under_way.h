/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes with encodes that are under way: on the CPU, where an encode has run when it has begun,
 * and on the asynchronous test device with several orders of its queues. */
#ifndef TEST_UNDER_WAY_H
#define TEST_UNDER_WAY_H

#include "moods.h"
#include "spy.h"

#define MODEL "model=" FIXTURE("llama-untied")

typedef void (*scene)(rig *r);

/* On every device; each scene finds an engine and leaves nothing in it. */
static inline void each(scene run, const char *model, const char *parity)
{
    static const char *const seeds[] = {"", "1", "2", "3", "4", "5"};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        const char *device = seeds[i][0] != '\0' ? "device=async-test" : "device=cpu";
        const char *pairs[] = {model, "threads=2", device, "plugin=" WEFT_MOODS_PLUGIN, NULL};
        rig         r;
        assert_int_equal(setenv("WEFT_TEST_SEED", seeds[i], 1), 0);
        if (parity != NULL)
            pairs[3] = NULL;
        rig_open(&r, pairs, parity);
        spy_on(r.e);
        run(&r);
        assert_null(r.e->items.under_way);
        spy_off(r.e);
        rig_close(&r);
    }
    unsetenv("WEFT_TEST_SEED");
}

static inline weft_item *open_item(rig *r, char mood, const char *rows)
{
    weft_item *item;
    mood_item(r->e, mood, rows, &item);
    return item;
}

static inline void begin(weft_item *item)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(wf_item_encode_begin(item, &err), &err);
    assert_non_null(item->encoding);
}

/* The item's output is what its rows say (plugins/moods.c). */
static inline void sound(weft_item *item, const char *rows)
{
    weft_error err = WF_ERROR_INIT;
    size_t     d = (size_t)item->plan.outputs[0].spec.shape[1], n = strlen(rows) * d;
    float     *out = malloc(n * sizeof *out), *copies[WF_MAX_OUTPUTS] = {out};
    assert_true(item->encoded && item->encoding == NULL);
    rig_check(wf_item_encode(item, copies, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_true(out[i] == (float)rows[i / d] * 0.001f * (float)(i % d % 7 + 1) - 0.1f);
    free(out);
}

#endif
