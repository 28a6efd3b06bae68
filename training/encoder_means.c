/* SPDX-License-Identifier: Apache-2.0 */
/* For familiar.py: the mean of the rows that the encoder of a model makes of each picture, f32
 * [256] of the demo one after the other on standard output; paths come on standard input, one a
 * line.
 *
 *     cc -D_GNU_SOURCE -Iinclude -I. -o encoder_means training/encoder_means.c -rdynamic \
 *        -Wl,--whole-archive build/core/libweft_core.a -Wl,--no-whole-archive -lz -ljansson -ldl
 * -lm find scenes -type f | ./encoder_means models/demo/weft.ini >means.f32 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engine/engine.h"

static int print_mean(weft_item *item, weft_error *err)
{
    const weft_plan_tensor *t = &item->plan.outputs[0];
    uint64_t                bytes = wf_spec_bytes(&t->spec);
    int64_t                 d = t->spec.shape[t->spec.ndim - 1];
    float                  *copies[WF_MAX_OUTPUTS] = {malloc((size_t)bytes)};
    float                  *mean = calloc((size_t)d, sizeof *mean);
    int ok = copies[0] != NULL && mean != NULL && wf_item_encode(item, copies, err) == WEFT_OK;
    for (int64_t r = 0; ok && r < t->stream_rows; r++)
        for (int64_t k = 0; k < d; k++)
            mean[k] += copies[0][r * d + k] / (float)t->stream_rows;
    ok = ok && fwrite(mean, sizeof *mean, (size_t)d, stdout) == (size_t)d;
    free(mean);
    free(copies[0]);
    return ok;
}

int main(int argc, char **argv)
{
    weft_error     err = {.hdr = WEFT_HDR(weft_error)};
    weft_settings *settings;
    weft_engine   *engine;
    char           path[4096];
    int            ok = argc == 2 && weft_settings_create(&settings, &err) == WEFT_OK &&
             weft_settings_load(settings, argv[1], &err) == WEFT_OK &&
             weft_engine_open(settings, 0, NULL, &engine, &err) == WEFT_OK;
    while (ok && fgets(path, sizeof path, stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        weft_item        *item = NULL;
        weft_item_request request = WEFT_ITEM_REQUEST(path);
        request.kind = "image";
        ok = weft_item_open(engine, &request, &item, &err) == WEFT_OK && print_mean(item, &err);
        weft_item_release(&item);
    }
    if (!ok)
        fprintf(stderr, "encoder_means: %s\n", err.message);
    return !ok;
}
