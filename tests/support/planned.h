/* SPDX-License-Identifier: Apache-2.0 */
/* Empty plans for tests that call a modality's plan themselves, with the memory that a host lends.
 */
#ifndef TEST_PLANNED_H
#define TEST_PLANNED_H

#include "weft/sdk.h"

#define PLANNED_ROOMS 32 /* plans that are looked at at the same time, at most */

/* *p becomes an empty plan. Its memory is good until PLANNED_ROOMS more plans were begun. */
static inline void planned_begin(weft_plan *p)
{
    static struct {
        weft_plan_tensor input[WEFT_PLAN_TENSORS], output[WEFT_PLAN_TENSORS];
        _Alignas(16) uint8_t carried[WEFT_PLAN_CARRIED];
    } rooms[PLANNED_ROOMS];
    static uint32_t at;
    uint32_t        i = at++ % PLANNED_ROOMS;
    memset(&rooms[i], 0, sizeof rooms[i]);
    for (int k = 0; k < WEFT_PLAN_TENSORS; k++)
        rooms[i].input[k].hdr.size = rooms[i].output[k].hdr.size =
            (uint32_t)sizeof(weft_plan_tensor);
    *p = (weft_plan){.hdr = WEFT_HDR(weft_plan),
                     .max_inputs = WEFT_PLAN_TENSORS,
                     .max_outputs = WEFT_PLAN_TENSORS,
                     .inputs = rooms[i].input,
                     .outputs = rooms[i].output,
                     .carried = rooms[i].carried,
                     .carried_bytes = WEFT_PLAN_CARRIED};
}

#endif
