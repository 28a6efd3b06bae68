/* SPDX-License-Identifier: Apache-2.0 */
/* Images: a fat binary with code for several GPUs, or the text of PTX. The real driver takes the
 * code that fits the device, or compiles the newest PTX that does; here it is always PTX that runs,
 * so an image must hold some, uncompressed (nvcc --no-compress). */
#include <stdio.h>
#include <string.h>

#include "fake.h"

#define MAGIC 0xba55ed50u

/* The head of a fat binary, and of each code in it, as nvcc 12 and 13 write them. */
typedef struct head {
    uint32_t magic;
    uint16_t version, head_bytes;
    uint64_t bytes; /* of all that follows */
} head;
typedef struct code {
    uint16_t kind, reserved; /* 1: PTX, 2: a cubin */
    uint32_t head_bytes;
    uint64_t bytes;
    uint32_t compressed, unknown;
    uint16_t minor, major; /* of the format */
    uint32_t capability;
    uint32_t name_offset, name_bytes;
    uint64_t flags;
} code;
#define IS_COMPRESSED 0xf000u /* by LZ4 or zstd */

/* Code for 8.0 runs on all of 8.x from there on, and PTX on everything later. */
static bool fits(const code *c, int capability)
{
    const int of = (int)c->capability;
    return c->kind == 1 ? of <= capability : of / 10 == capability / 10 && of <= capability;
}

static const char *newest(const uint8_t *at, const uint8_t *end, int capability, size_t *bytes,
                          result *why)
{
    const char *text = NULL;
    uint32_t    of = 0;
    *why = NO_BINARY_FOR_GPU;
    while (at + sizeof(code) <= end) {
        code c;
        memcpy(&c, at, sizeof c);
        if (c.head_bytes < sizeof c || c.bytes > (uint64_t)(end - at) - c.head_bytes)
            break;
        if (fits(&c, capability))
            *why = OK;
        if (c.kind == 1 && c.capability >= of) {
            if ((c.flags & IS_COMPRESSED) != 0) {
                fprintf(stderr, "fake driver: the PTX of an image is compressed; nvcc "
                                "--no-compress leaves it plain\n");
            } else {
                text = (const char *)at + c.head_bytes;
                *bytes = strnlen(text, c.bytes);
                of = c.capability;
            }
        }
        at += c.head_bytes + c.bytes;
    }
    return text;
}

const char *ptx_in_image(const void *image, int capability, size_t *bytes, result *why)
{
    head h;
    memcpy(&h, image, sizeof h.magic);
    *why = OK;
    if (h.magic != MAGIC) {
        *bytes = strnlen(image, 1u << 24);
        *why = memmem(image, *bytes, ".version", 8) != NULL ? OK : INVALID_IMAGE;
        return *why == OK ? image : NULL;
    }
    memcpy(&h, image, sizeof h);
    const uint8_t *at = (const uint8_t *)image + h.head_bytes;
    const char    *text = newest(at, at + h.bytes, capability, bytes, why);
    if (text == NULL && *why == OK) {
        fault("an image fits the device and holds no PTX that could be run");
        *why = INVALID_IMAGE;
    }
    return *why == OK ? text : NULL;
}
