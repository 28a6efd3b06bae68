/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a message shows a pointer, for every test of messages. */
#ifndef TEST_ADDRESS_H
#define TEST_ADDRESS_H

#include <string.h>

/* A pointer as printf writes it: more digits than a byte of the input ("byte 0xff") has, or than
 * follow a "0x" that mkdtemp made up for a scratch folder. */
static inline int has_address(const char *message)
{
    const char *x = message;
    while ((x = strstr(x, "0x")) != NULL) {
        x += 2;
        if (strspn(x, "0123456789abcdefABCDEF") > 4)
            return 1;
    }
    return 0;
}

#endif
