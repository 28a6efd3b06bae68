/* SPDX-License-Identifier: Apache-2.0 */
/* Tells MPEG transport streams (ISO/IEC 13818-1): packets of 188 bytes, each of which begins with
 * the byte 47 hex. Cameras (AVCHD, M2TS) write a time of four bytes before each, some receivers 16
 * check bytes behind. A recording may begin within a packet. */
#ifndef PLG_TRANSPORT_H
#define PLG_TRANSPORT_H

#include <stdint.h>

#define PLG_TRANSPORT_SURE 5     /* packets in a row that chance does not make */
#define PLG_TRANSPORT_LEAST 3    /* ... that make a file which has no more a likely one */
#define PLG_TRANSPORT_BYTES 1024 /* in these SURE packets are found, wherever they begin */

typedef struct plg_transport {
    uint32_t packets;     /* 0: it is none; LEAST to SURE */
    uint32_t first, step; /* the offset of the first packet's 47, and from each to the next */
} plg_transport;

/* Looks at the first n bytes of a file, or at n of its bytes anywhere. Fewer packets than SURE are
 * enough only where the bytes hold no more of them; a file so short must begin with a packet (or
 * with the time before it), since few packets would fit some other beginning by chance. [any] */
plg_transport plg_transport_find(const uint8_t *bytes, uint64_t n);

#endif
