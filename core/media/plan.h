/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of modalities: checked before anything is allocated by them, and measured. */
#ifndef WF_PLAN_H
#define WF_PLAN_H

#include "core/media/modalities.h"

#define WF_MAX_INPUTS 8 /* of a plan, which every plan is lent room for */
#define WF_MAX_OUTPUTS 8
#define WF_PLAN_CARRIED 256 /* bytes */
#define WF_PLAN_LAYOUT WEFT_PLAN_LAYOUT

/* The memory behind a plan's pointers. */
typedef struct wf_plan_room {
    weft_plan_tensor input[WF_MAX_INPUTS], output[WF_MAX_OUTPUTS];
    _Alignas(16) uint8_t carried[WF_PLAN_CARRIED];
    char layout[WF_PLAN_LAYOUT];
} wf_plan_room;

/* An empty plan, as a modality gets one to fill. room stays where it is while the plan is used. */
void wf_plan_begin(weft_plan *p, wf_plan_room *room);
/* *to, in room, becomes what from says. */
void wf_plan_copy(weft_plan *to, wf_plan_room *room, const weft_plan *from);

/* What a plan may come to, from the settings and the text core. */
typedef struct wf_plan_limits {
    uint64_t max_bytes, max_tokens; /* of one tensor; --max-decoded-bytes, --max-tokens */
    int32_t  d_model, reserved;
} wf_plan_limits;

/* Sizes that cannot be, or rows that do not fit the sites that read them, are the plugin's mistake
 * (INTERNAL); LIMIT names the option. */
weft_status wf_plan_check(const wf_plan_limits *l, const wf_hooks *sites, const wf_modality *m,
                          const weft_plan *p, weft_error *err);

/* How many runs of placeholders the layout of a checked plan has: how often it names the marker's
 * token; 1 where there is no layout. */
int64_t wf_plan_runs(const weft_plan *p, const char *token);

/* What the modality that wants most takes of the device's memory to encode one picture of 1024 x
 * 1024 or 30 s of sound: inputs, outputs and scratch. 0: none says. */
uint64_t wf_plan_typical_bytes(const wf_modalities *m, const weft_limits *lim);

/* Of a checked plan's tensors. */
uint64_t wf_spec_numel(const weft_tensor_spec *s);
uint64_t wf_spec_bytes(const weft_tensor_spec *s);
/* A tensor of that shape in C order over data (NULL: the shape alone), of the device given. */
weft_tensor wf_spec_view(const weft_tensor_spec *s, int32_t device_type, int32_t device_id,
                         void *data);

#endif
