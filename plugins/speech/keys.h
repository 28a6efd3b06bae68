/* SPDX-License-Identifier: Apache-2.0 */
/* Range-checked values of one JSON file of a package. A path is `prefix` and the key, so that one
 * reader serves a directory of its own and a part of a larger one. In all of these a key that is
 * absent (or null) leaves the caller's default in *v; what is present and wrong gives INVALID or
 * CORRUPT with the file, the key, the value and the range. [setup] */
#ifndef SPK_KEYS_H
#define SPK_KEYS_H

#include "weft/sdk.h"

typedef struct spk_keys {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_package *from;
    const char            *file, *prefix; /* prefix: "" or "encoder_config." */
    weft_error            *err;
} spk_keys;

#define SPK_MAX_PATH 96

/* One whole number: its key, where it goes (offset of an int32_t in the struct being filled), what
 * it is when absent, what it may be. */
typedef struct spk_int_key {
    const char *key;
    size_t      at;
    int64_t     dflt, min, max;
} spk_int_key;

spk_keys spk_keys_of(const weft_host *h, const weft_package *p, const char *file,
                     const char *prefix, weft_error *err);
weft_status spk_keys_i64(const spk_keys *k, const char *key, int64_t min, int64_t max, int64_t *v);
weft_status spk_keys_f64(const spk_keys *k, const char *key, double min, double max, double *v);
weft_status spk_keys_bool(const spk_keys *k, const char *key, int32_t *v);
weft_status spk_keys_str(const spk_keys *k, const char *key, const char **v);
weft_status spk_keys_ints(const spk_keys *k, const spk_int_key *keys, size_t n_keys, void *out);
/* An activation's name as WEFT_ACT_*; one that is not known is UNSUPPORTED. */
weft_status spk_keys_act(const spk_keys *k, const char *key, int32_t *act);

#endif
