/* SPDX-License-Identifier: Apache-2.0 */
/* Range-checked values of one JSON file of a package. A path is `prefix` and the key, so that one
 * reader serves a directory of its own and a part of a larger one. In all of these a key that is
 * absent (or null) leaves the caller's default in *v; what is present and wrong gives INVALID or
 * CORRUPT with the file, the key, the value and the range. [setup] */
#ifndef PLG_KEYS_H
#define PLG_KEYS_H

#include "weft/sdk.h"

typedef struct plg_keys {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_package *from;
    const char            *file, *prefix; /* prefix: "" or "encoder_config." */
    weft_error            *err;
} plg_keys;

#define PLG_MAX_PATH 160 /* bytes of prefix and key */

/* One whole number: its key, where it goes (offset of an int32_t in the struct being filled), what
 * it is when absent, what it may be. */
typedef struct plg_int_key {
    const char *key;
    size_t      at;
    int64_t     dflt, min, max;
} plg_int_key;

plg_keys    plg_keys_of(const weft_host *h, const weft_package *p, const char *file,
                        const char *prefix, weft_error *err);
weft_status plg_keys_i64(const plg_keys *k, const char *key, int64_t min, int64_t max, int64_t *v);
weft_status plg_keys_f64(const plg_keys *k, const char *key, double min, double max, double *v);
weft_status plg_keys_bool(const plg_keys *k, const char *key, int32_t *v);
weft_status plg_keys_str(const plg_keys *k, const char *key, const char **v);
weft_status plg_keys_ints(const plg_keys *k, const plg_int_key *keys, size_t n_keys, void *out);
/* Number of entries of a list; *n is -1 where it is absent. */
weft_status plg_keys_count(const plg_keys *k, const char *key, int64_t max, int64_t *n);
/* list[i], which must be there. */
weft_status plg_keys_entry(const plg_keys *k, const char *list, int64_t i, int64_t min, int64_t max,
                           int64_t *v);
/* The three values of image_mean or image_std. */
weft_status plg_keys_channels(const plg_keys *k, const char *list, double min, const float dflt[3],
                              float out[3]);
/* An activation's name as WEFT_ACT_*. names: those of PLG_ACTS that may stand here, as the sentence
 * about any other lists them, which is UNSUPPORTED. */
#define PLG_ACTS "silu, swish, relu and gelu"
weft_status plg_keys_act(const plg_keys *k, const char *key, const char *names, int32_t *act);
/* Whether the file itself is there. */
weft_status plg_keys_has_file(const plg_keys *k, int32_t *there);

#endif
