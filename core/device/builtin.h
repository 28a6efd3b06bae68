/* SPDX-License-Identifier: Apache-2.0 */
/* The two devices that are part of the library. */
#ifndef WF_DEVICE_BUILTIN_H
#define WF_DEVICE_BUILTIN_H

#include "core/base/pool.h"
#include "core/device/device.h"

/* Host memory as a device; ops run at submit on pool (borrowed) with the variants of cpu_flags. */
weft_status wf_device_cpu_create(wf_pool *pool, uint64_t cpu_flags, wf_device **out,
                                 weft_error *err);
/* The same arithmetic behind an asynchronous front: core/device/test/device.c says how it provokes
 * mistakes. seed 0: one of this run's own. */
weft_status wf_device_test_create(wf_pool *pool, uint64_t cpu_flags, uint64_t seed, wf_device **out,
                                  weft_error *err);

#endif
