/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that there are, by name: "cpu" and "async-test" are built in, "cuda" is a module
 * (core/device/module.h). */
#ifndef WF_DEVICE_REGISTRY_H
#define WF_DEVICE_REGISTRY_H

#include "core/device/module.h"

#define WF_DEVICE_NAMES "auto|cpu|cuda|async-test" /* what may be asked for */

/* The device of that name. "auto": the first module that is there and fit, else the CPU; why a
 * module was passed over is logged. INVALID: no such name. DEVICE: it is not installed, or fits
 * this machine or this build of weft not; one sentence says what is missing. On failure *out is
 * NULL. A module's library stays open. [setup] */
weft_status wf_device_open(const char *name, const wf_device_config *c, wf_device **out,
                           weft_error *err);

/* What one device is, for a list. */
typedef struct wf_device_info {
    const char *name;
    bool        usable;
    uint64_t    free_bytes, total_bytes; /* 0: unknown */
    weft_error  why;                     /* the sentence, where it is not usable */
} wf_device_info;

/* The index-th device that this library knows, opened for a moment to ask it; false: no more. */
bool wf_device_at(uint32_t index, const wf_device_config *c, wf_device_info *out);
/* The name that wf_device_open would come to for "auto". */
const char *wf_device_auto(const wf_device_config *c);

#endif
