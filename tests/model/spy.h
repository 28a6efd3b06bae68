/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine asks of its device, counted: one engine at a time, from spy_on to spy_off. */
#ifndef TEST_SPY_H
#define TEST_SPY_H

#include "core/engine/engine.h"

typedef struct spy {
    const wf_device_fns *real;
    wf_device_fns        fns;
    uint64_t             downloaded; /* bytes */
    int32_t              waits, afters;
    weft_queue          *encoders;
    int32_t              encoder_waits; /* of the queue of encoders */
    int32_t              refuse;        /* so many times more is that queue said to be at work */
} spy;

extern spy the_spy;

void spy_on(weft_engine *e);
void spy_off(weft_engine *e);
void spy_zero(void); /* counts again from 0 */

#endif
