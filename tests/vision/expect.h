/* SPDX-License-Identifier: Apache-2.0 */
/* Fixture files for the tests of pictures: whole files, and safetensors read by a reader of the
 * test's own, so that a fault of the product's cannot hide here. A missing file fails the test. */
#ifndef TEST_EXPECT_H
#define TEST_EXPECT_H

#include <jansson.h>
#include <stdint.h>

typedef struct bytes {
    uint8_t *p;
    uint64_t n;
} bytes;

/* name: below tests/fixtures. The caller frees p. */
bytes fixture_read(const char *name);
/* The caller gives it to json_decref. */
json_t *fixture_json(const char *name);

typedef struct expect {
    bytes   file;
    json_t *header;
} expect;

expect expect_open(const char *name);
void   expect_close(expect *e);
/* The tensor's bytes; *n counts them, dims [rank <= 6] may be NULL. NULL where there is none. */
const void *expect_tensor(const expect *e, const char *name, uint64_t *n, int64_t *dims);

/* FNV-1a, 64 bits. Start with FNV_START. */
#define FNV_START 14695981039346656037u
uint64_t fnv(uint64_t hash, const void *p, uint64_t n);

/* The hash that a generator wrote as text. */
uint64_t hash_of(const json_t *object, const char *key);

/* Scratch memory of n bytes, filled, as what is stale in it must not show. The caller frees it. */
void *scratch_of(uint64_t n);

/* The u8 [h, w, 3] picture of the generators in tools/: ((7 x + 13 y + 29 c) xor (x y)) and 255.
 * The caller frees it. */
uint8_t *formula_picture(int32_t w, int32_t h);

#endif
