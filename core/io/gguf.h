/* SPDX-License-Identifier: Apache-2.0 */
/* Reads GGUF files, versions 2 and 3: metadata, which are values by key, and tensors by name. When
 * a file is opened all of it but the tensors' bytes is checked against the file: counts, lengths
 * and offsets lie within it, types are known, strings are UTF-8, no key and no tensor is there
 * twice, and the tensors lie one behind the other, so that none overlaps another. Keys and scalars
 * are kept in memory; strings and arrays are read from the file when they are asked for.
 * Source: ggml, docs/gguf.md and src/gguf.cpp. */
#ifndef WF_GGUF_H
#define WF_GGUF_H

#include <stdbool.h>

#include "core/io/file.h"

#define WF_GGUF_MAGIC "GGUF"
#define WF_GGUF_MAX_KEYS 65536u
#define WF_GGUF_MAX_KEY 1024u /* bytes of a key */
#define WF_GGUF_MAX_TENSORS 1000000u
#define WF_GGUF_MAX_NAME 64u /* bytes of a tensor's name: the format's own limit */
#define WF_GGUF_MAX_RANK 4
#define WF_GGUF_MAX_STRING ((uint64_t)16 << 20)
#define WF_GGUF_MAX_METADATA                                                                       \
    ((uint64_t)256 << 20) /* where the tensors' bytes may begin at most                            \
                           */
#define WF_GGUF_MAX_ALIGNMENT ((uint32_t)1 << 20)

/* The types of values, by their numbers in the file. */
enum wf_gguf_kind {
    WF_GGUF_U8,
    WF_GGUF_I8,
    WF_GGUF_U16,
    WF_GGUF_I16,
    WF_GGUF_U32,
    WF_GGUF_I32,
    WF_GGUF_F32,
    WF_GGUF_BOOL,
    WF_GGUF_STRING,
    WF_GGUF_ARRAY,
    WF_GGUF_U64,
    WF_GGUF_I64,
    WF_GGUF_F64,
    WF_GGUF_KINDS
};

/* One value: a scalar, or one element of an array. */
typedef struct wf_gguf_scalar {
    int32_t     kind; /* no WF_GGUF_ARRAY */
    int32_t     reserved;
    int64_t     i;    /* of integers and of bools; a u64 beyond INT64_MAX is INT64_MAX */
    double      f;    /* of f32 and f64, exactly */
    const char *text; /* of strings, with a NUL behind its n bytes; NULL where it was not read */
    uint64_t    n;
} wf_gguf_scalar;

typedef struct wf_gguf_value {
    const char    *key; /* owned by the file */
    int32_t        kind;
    int32_t        item;     /* of an array: the kind of its elements, no array itself */
    uint64_t       count;    /* of an array: how many */
    uint64_t       at, size; /* of strings and arrays: where their bytes lie in the file */
    wf_gguf_scalar one;      /* of numbers and bools */
} wf_gguf_value;

typedef struct wf_gguf_tensor {
    const char *name; /* owned by the file */
    int32_t     type; /* a number of ggml's (wf_gguf_type) */
    int32_t     rank;
    int64_t     shape[WF_GGUF_MAX_RANK]; /* as the file has it: the first axis is the fastest; those
                                            beyond rank are 1 */
    uint64_t begin, bytes;               /* begin: absolute offset in the file */
} wf_gguf_tensor;

typedef struct wf_gguf_file {
    wf_file         file;
    uint32_t        version, alignment;
    wf_gguf_value  *values; /* sorted by key */
    uint64_t        n_values;
    wf_gguf_tensor *tensors; /* sorted by name */
    uint64_t        n_tensors;
    char           *names; /* storage of keys and names */
    uint64_t        names_bytes;
} wf_gguf_file;

/* A type of tensors: blocks of so many elements along the first axis, and a block's bytes. */
typedef struct wf_gguf_type {
    const char *name; /* "Q4_K"; NULL: ggml gives this number to no type */
    uint32_t    elements, bytes;
} wf_gguf_type;

/* Whether the file begins as a GGUF file does; false also where it cannot be read. */
bool wf_gguf_is(const char *path);

/* Opens and checks a file. NOTFOUND, IO: as wf_file_open. CORRUPT: it breaks a rule, with the byte
 * or the name where it does. UNSUPPORTED: a version or byte order that is not read here. LIMIT: it
 * is over one of the limits above. On failure nothing is held. [setup] */
weft_status wf_gguf_open(const char *path, wf_gguf_file *out, weft_error *err);
void        wf_gguf_close(wf_gguf_file *f);

/* The row of a type; one without a name where there is no such type. */
wf_gguf_type wf_gguf_type_of(int32_t type);

const wf_gguf_tensor *wf_gguf_tensor_find(const wf_gguf_file *f, const char *name);
const wf_gguf_value  *wf_gguf_find(const wf_gguf_file *f, const char *key); /* NULL: not there */

/* Read a value of a known type. NOTFOUND where the key is absent; CORRUPT where it has another
 * type. i64 accepts every integer, f64 both floating types, str gives a copy for wf_free with a NUL
 * at its end, whose length is *n (which may be NULL). */
weft_status wf_gguf_i64(const wf_gguf_file *f, const char *key, int64_t *v, weft_error *err);
weft_status wf_gguf_f64(const wf_gguf_file *f, const char *key, double *v, weft_error *err);
weft_status wf_gguf_bool(const wf_gguf_file *f, const char *key, bool *v, weft_error *err);
weft_status wf_gguf_str(const wf_gguf_file *f, const char *key, char **v, uint64_t *n,
                        weft_error *err);

/* Calls fn for the value or, of an array, for each of its elements in order. What an element points
 * to lives until fn returns. A failure of fn ends the walk and is the call's. Any thread. */
typedef weft_status (*wf_gguf_each_fn)(void *ctx, const wf_gguf_scalar *s, weft_error *err);
weft_status wf_gguf_each(const wf_gguf_file *f, const wf_gguf_value *v, wf_gguf_each_fn fn,
                         void *ctx, weft_error *err);
/* The string that is element `index` of an array of strings, as a copy for wf_free. NOTFOUND: the
 * key is absent or has no such element. */
weft_status wf_gguf_str_at(const wf_gguf_file *f, const char *key, int64_t index, char **v,
                           weft_error *err);

#endif
