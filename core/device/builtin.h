/* SPDX-License-Identifier: Apache-2.0 */
/* The two devices that are part of the library. */
#ifndef WF_DEVICE_BUILTIN_H
#define WF_DEVICE_BUILTIN_H

#include "core/device/module.h"

/* Host memory as a device; ops run at submit on pool (borrowed) with the variants of cpu_flags. */
weft_status wf_device_cpu_create(wf_pool *pool, uint64_t cpu_flags, wf_device **out,
                                 weft_error *err);
/* The same arithmetic behind an asynchronous front: core/device/test/device.c says how it finds
 * mistakes. Uses c's pool (borrowed), cpu_flags, seed and log. */
weft_status wf_device_test_create(const wf_device_config *c, wf_device **out, weft_error *err);

#endif
