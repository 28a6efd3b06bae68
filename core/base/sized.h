/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of callers that were compiled with another version of the public headers: each begins
 * with a weft_hdr whose size says how much of it is there (weft/base.h, rule R1). */
#ifndef WF_SIZED_H
#define WF_SIZED_H

#include <string.h>

#include "weft/base.h"

/* *mine [bytes], a struct of this version that is aligned to align, becomes what *theirs has of it,
 * and zero where that has less. Its own size is this version's. theirs NULL: all zero. No version
 * ends within a field: of a size that does, the half field is left out, since half a pointer points
 * somewhere. */
static inline void wf_take_sized(void *mine, size_t bytes, size_t align, const void *theirs)
{
    weft_hdr hdr = {0, 0};
    memset(mine, 0, bytes);
    if (theirs != NULL)
        memcpy(&hdr, theirs, sizeof hdr);
    if (hdr.size > sizeof hdr)
        memcpy(mine, theirs, hdr.size < bytes ? hdr.size - hdr.size % align : bytes);
    hdr = (weft_hdr){(uint32_t)bytes, 0};
    memcpy(mine, &hdr, sizeof hdr);
}

/* *theirs gets what it has room for of *mine [bytes]; what this version does not know of it becomes
 * zero, and its size stays. theirs NULL: nothing. */
static inline void wf_give_sized(void *theirs, const void *mine, size_t bytes)
{
    weft_hdr hdr;
    if (theirs == NULL)
        return;
    memcpy(&hdr, theirs, sizeof hdr);
    if (hdr.size <= sizeof hdr)
        return;
    size_t n = hdr.size < bytes ? hdr.size : bytes;
    memcpy((char *)theirs + sizeof hdr, (const char *)mine + sizeof hdr, n - sizeof hdr);
    memset((char *)theirs + n, 0, hdr.size - n);
}

#define WF_TAKE(T, name, theirs)                                                                   \
    T name;                                                                                        \
    wf_take_sized(&(name), sizeof(T), _Alignof(T), (theirs))

#endif
