/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a device table that every device of host memory has: the CPU, and the test device
 * over the CPU's arithmetic. */
#ifndef WF_CPU_DEVICE_H
#define WF_CPU_DEVICE_H

#include "core/device/cpu/dispatch.h"
#include "core/device/device.h"

/* Bytes of memory that this process may still take and that it may have in all: the machine's,
 * lowered by what the control group allows. IO: the system does not say. */
weft_status wf_cpu_memory(uint64_t *free, uint64_t *total, weft_error *err);

/* wf_device_weight_bytes for a table: UNSUPPORTED names the format, LIMIT the size. */
weft_status wf_cpu_weight_bytes(const wf_ops *ops, int32_t format, int64_t n, int64_t k,
                                uint64_t *bytes, weft_error *err);

/* A handle whose only face is the CPU body; INVALID where there is none. */
weft_status wf_cpu_kernel_create(const wf_kernel_decl *k, wf_kernel **out, weft_error *err);
void        wf_cpu_kernel_destroy(wf_kernel *k);

#endif
