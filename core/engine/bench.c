/* SPDX-License-Identifier: Apache-2.0 */
/* weft/bench.h: models that are in no directory, and what the measuring room needs of an engine. */
#include "weft/bench.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/bench/cases.h"
#include "core/engine/engine.h"

weft_status weft_bench_open(weft_settings *settings, uint32_t flags, const weft_progress *progress,
                            const char *name, const weft_bench_file *files, uint32_t n_files,
                            weft_engine **out, weft_error *err)
{
    *out = NULL;
    if (n_files > 0 && !WEFT_HAS(files, weft_bench_file, text))
        return wf_fail(err, WEFT_E_INVALID, "weft_bench_file.hdr.size is not set");
    wf_package_text *texts = wf_zalloc_n(n_files, sizeof *texts);
    if (texts == NULL)
        return wf_fail_nomem(err, n_files * sizeof *texts, "a model's files");
    for (uint32_t i = 0; i < n_files; i++) {
        const weft_bench_file *f = WEFT_AT(files, i);
        texts[i] = (wf_package_text){f->name, f->text};
    }
    const wf_made_model made = {name, texts, n_files, 0};
    const wf_opening    o = {
           .settings = settings, .flags = flags, .progress = progress, .made = &made};
    weft_status status = wf_engine_open(&o, out, err);
    wf_free(texts);
    return status;
}

const char *weft_bench_peak(const weft_engine *e)
{
    return wf_bench_peak(e->device->isa,
                         e->model != NULL ? e->model->layers[0].qkv[0].format : wf_engine_dtype(e));
}

const char *weft_bench_op_at(uint32_t index)
{
    for (uint32_t i = 0; wf_bench_cases[i].name != NULL; i++)
        if (i == index)
            return wf_bench_cases[i].name;
    return NULL;
}

weft_status weft_bench_op_run(weft_engine *e, const char *op, int32_t repeat,
                              weft_bench_shape_fn wanted, weft_bench_op_fn fn, void *ctx,
                              weft_error *err)
{
    const wf_bench_case *c = wf_bench_cases;
    while (c->name != NULL && strcmp(c->name, op) != 0)
        c++;
    if (c->name == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "there is no op \"%.40s\" to time", op);
    if (repeat < 1)
        return wf_fail(err, WEFT_E_INVALID, "an op is timed at least once");
    wf_bench_timer t = {.device = e->device,
                        .queue = e->queue,
                        .op = c->name,
                        .repeat = repeat,
                        .format = WF_F32,
                        .wanted = wanted,
                        .fn = fn,
                        .ctx = ctx,
                        .err = err};
    weft_status    status = c->run(&t);
    wf_bench_timer_free(&t);
    return status;
}
