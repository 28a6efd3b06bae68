/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that the library knows and how the CPU is used, for lists. */
#include <stdio.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/device/cpu/choose.h"
#include "core/device/registry.h"
#include "core/engine/engine.h"
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

static int32_t give_path(const wf_cpu_choice *c, uint32_t index, weft_path_info *out)
{
    wf_cpu_path    path;
    weft_path_info i = {.hdr = WEFT_HDR(weft_path_info)};
    if (!wf_cpu_path_at(c, index, &path))
        return 0;
    i.family = path.family;
    i.isa = path.isa;
    snprintf(i.why, sizeof i.why, "%s", path.why);
    wf_give_sized(out, &i, sizeof i);
    return 1;
}

int32_t weft_path_at(const weft_settings *s, uint32_t index, weft_path_info *out, weft_error *err)
{
    wf_cpu_choice c;
    if (wf_cpu_choose(wf_settings_str(s, "cpu_mask"), wf_settings_str(s, "isa"), &c, err) !=
        WEFT_OK)
        return 0;
    return give_path(&c, index, out);
}

int32_t weft_engine_path(const weft_engine *e, uint32_t index, weft_path_info *out)
{
    return e->device->reads_host || e->device->type == WEFT_DEV_OTHER
               ? give_path(&e->cpu, index, out)
               : 0;
}
