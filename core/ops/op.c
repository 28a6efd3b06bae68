/* SPDX-License-Identifier: Apache-2.0 */
/* Names of formats, for messages and reports. */
#include "core/ops/op.h"

const char *wf_format_name(int32_t format)
{
    static const char *const names[WF_FORMATS] = {"f32", "bf16", "f16", "q8", "q4", "fp8"};
    return format >= 0 && format < WF_FORMATS ? names[format] : "?";
}
