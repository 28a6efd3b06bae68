/* SPDX-License-Identifier: Apache-2.0 */
/* What encoders will want of the device's memory, before there is anything to encode. */
#include "core/base/mem.h"
#include "core/media/calls.h"
#include "core/media/plan.h"

#define SIDE 1024 /* pixels of a picture, and of a frame */
#define RATE 16000
#define LENGTH_US ((int64_t)30000000)

/* A medium of an everyday size, of any kind: each reads what it knows. */
static weft_media_info medium(const wf_modality *m, const char *kind)
{
    const int64_t longest = wf_modality_longest_us(m);
    const int64_t length = longest < LENGTH_US ? longest : LENGTH_US;
    return (weft_media_info){.hdr = WEFT_HDR(weft_media_info),
                             .kind = kind,
                             .width = SIDE,
                             .height = SIDE,
                             .channels = 1,
                             .sample_rate = RATE,
                             .n_samples = length / 1000 * RATE / 1000,
                             .duration_us = length};
}

static uint64_t bytes_of(const weft_plan *p)
{
    uint64_t bytes = p->scratch_bytes;
    for (uint32_t i = 0; i < p->n_inputs; i++)
        if (!wf_add(bytes, wf_spec_bytes(&p->inputs[i].spec), &bytes))
            return UINT64_MAX;
    for (uint32_t i = 0; i < p->n_outputs; i++)
        if (!wf_add(bytes, wf_spec_bytes(&p->outputs[i].spec), &bytes))
            return UINT64_MAX;
    return bytes;
}

uint64_t wf_plan_typical_bytes(const wf_modalities *m, const weft_limits *lim)
{
    const weft_request rq = {.hdr = WEFT_HDR(weft_request), .end_us = INT64_MAX, .max_frames = -1};
    uint64_t           most = 0;
    for (int32_t i = 0; i < m->n; i++)
        for (const char *const *kind = m->v[i].vt->kinds; *kind != NULL; kind++) {
            const weft_media_info mi = medium(&m->v[i], *kind);
            weft_plan             p;
            wf_plan_room          room;
            char                  wrong[160];
            if (wf_modality_plan(&m->v[i], NULL, &mi, &rq, lim, &p, &room, NULL) != WEFT_OK ||
                wf_plan_fault(&p, lim->max_decoded_bytes, wrong, sizeof wrong))
                continue;
            const uint64_t bytes = bytes_of(&p);
            most = bytes > most ? bytes : most;
        }
    return most;
}
