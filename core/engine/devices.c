/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that the library knows, for a list. */
#include <stdio.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/base/sized.h"
#include "core/device/registry.h"
#include "core/plugin/dirs.h"
#include "core/settings/settings.h"
#include "weft/weft.h"

int32_t weft_device_at(const weft_settings *s, uint32_t index, weft_device_info *out)
{
    char             modules[WF_DIR_CAP];
    wf_device_info   info;
    const char      *wanted = wf_settings_str(s, "device");
    wf_device_config config = {.cpu_flags = wf_cpu_detect(), .module_dir = modules};
    wf_dir_modules(modules);
    if (!wf_device_at(index, &config, &info))
        return 0;
    if (wanted == NULL || strcmp(wanted, "auto") == 0)
        wanted = wf_device_auto(&config);
    weft_device_info i = {.hdr = WEFT_HDR(weft_device_info),
                          .name = info.name,
                          .usable = info.usable,
                          .chosen = strcmp(info.name, wanted) == 0,
                          .free_bytes = info.free_bytes,
                          .total_bytes = info.total_bytes};
    if (!info.usable)
        snprintf(i.why, sizeof i.why, "%s", info.why.message);
    wf_give_sized(out, &i, sizeof i);
    return 1;
}
