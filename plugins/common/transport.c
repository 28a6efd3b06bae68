/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the packets of a transport stream: see transport.h. */
#include "transport.h"

#define SYNC 0x47

/* How many packets there are from `first` on, up to SURE; 0 where one that has room begins with
 * another byte. */
static uint32_t packets_from(const uint8_t *bytes, uint64_t n, uint64_t first, uint64_t step)
{
    uint32_t packets = 0;
    for (uint64_t at = first; at < n && packets < PLG_TRANSPORT_SURE; at += step) {
        if (bytes[at] != SYNC)
            return 0;
        packets++;
    }
    return packets;
}

plg_transport plg_transport_find(const uint8_t *bytes, uint64_t n)
{
    static const struct {
        uint32_t first, step;
    } forms[] = {{0, 188}, {4, 192}, {0, 204}};
    plg_transport best = {0, 0, 0};
    for (uint32_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        for (uint32_t k = 0; k < forms[i].step; k++) {
            const uint32_t first = (forms[i].first + k) % forms[i].step;
            const uint32_t least = k == 0 ? PLG_TRANSPORT_LEAST : PLG_TRANSPORT_SURE;
            const uint32_t packets = packets_from(bytes, n, first, forms[i].step);
            if (packets >= least && packets > best.packets)
                best = (plg_transport){packets, first, forms[i].step};
        }
    return best;
}
