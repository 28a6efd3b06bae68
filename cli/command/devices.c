/* SPDX-License-Identifier: Apache-2.0 */
/* --list-devices: one line for each, '*' before the one that would be used; and below the CPU one
 * for each family of ops, with the level that it runs at. */
#include <string.h>

#include "command/config.h"
#include "output/out.h"
#include "output/say.h"
#include "exit.h"

static double gigabytes(uint64_t bytes)
{
    return (double)bytes * 1e-9;
}

static void list_paths(const cli *c, weft_error *err)
{
    weft_path_info p = {.hdr = WEFT_HDR(weft_path_info)};
    for (uint32_t i = 0; weft_path_at(c->settings, i, &p, err) != 0; i++)
        cli_outf("    %-13s %-10s  %s\n", p.family, p.isa, p.why);
}

int32_t cli_list_devices(const cli *c)
{
    weft_error       err = CLI_ERROR_INIT;
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    for (uint32_t i = 0; weft_device_at(c->settings, i, &d) != 0; i++) {
        cli_outf("%c %-11s", d.chosen ? '*' : ' ', d.name);
        if (d.usable)
            cli_outf(" %.1f GB free of %.1f GB\n", gigabytes(d.free_bytes),
                     gigabytes(d.total_bytes));
        else
            cli_outf(" not usable: %s\n", d.why);
        if (strcmp(d.name, "cpu") == 0)
            list_paths(c, &err);
    }
    return err.code == WEFT_OK ? CLI_EXIT_OK : cli_say_error(&err);
}
