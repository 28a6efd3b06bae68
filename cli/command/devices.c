/* SPDX-License-Identifier: Apache-2.0 */
/* --list-devices: one line for each, '*' before the one that would be used. */
#include "command/config.h"
#include "output/out.h"

static double gigabytes(uint64_t bytes)
{
    return (double)bytes * 1e-9;
}

void cli_list_devices(const cli *c)
{
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    for (uint32_t i = 0; weft_device_at(c->settings, i, &d) != 0; i++) {
        cli_outf("%c %-11s", d.chosen ? '*' : ' ', d.name);
        if (d.usable)
            cli_outf(" %.1f GB free of %.1f GB\n", gigabytes(d.free_bytes),
                     gigabytes(d.total_bytes));
        else
            cli_outf(" not usable: %s\n", d.why);
    }
}
