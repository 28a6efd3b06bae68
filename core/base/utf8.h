/* SPDX-License-Identifier: Apache-2.0 */
/* Reads UTF-8, the encoding of all text that the core handles. Well-formed is what table 3-7 of the
 * Unicode standard lists: no surrogates, no longer form than a character needs, at most U+10FFFF.
 */
#ifndef WF_UTF8_H
#define WF_UTF8_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the well-formed character at s, of which n >= 1 bytes may be read: 1 to 4. 0: these n
 * bytes are the beginning of a character that more bytes may complete. -1: no character begins
 * here. NUL is a character of one byte. Any thread. */
int32_t wf_utf8_char(const char *s, uint64_t n);

/* Bytes of the longest prefix of s[0..n) that is well-formed; n: all of it is. Any thread. */
uint64_t wf_utf8_prefix(const char *s, uint64_t n);

/* Is this a byte that continues a character, so that none begins at it? Any thread. */
static inline bool wf_utf8_continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

#endif
