/* SPDX-License-Identifier: Apache-2.0 */
/* Reads values from one JSON file of a package (a model directory) and checks their ranges. The
 * functions look a key up under `prefix` followed by the key. So the same reader serves a file that
 * is all about one model, and a file in which that model is one object among others.
 *
 * In all of these functions a key that is absent (or null) leaves the caller's default in *v. A
 * value that is present and wrong gives INVALID or CORRUPT, and the message names the file, the
 * key, the value and the range. [setup] */
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

/* One whole number that plg_keys_ints reads: its key, the offset of the int32_t that it goes to in
 * the struct being filled, the value where the key is absent, and the range that is accepted. */
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
/* Sets *n to the number of entries of a list, or to -1 where the list is absent. */
weft_status plg_keys_count(const plg_keys *k, const char *key, int64_t max, int64_t *n);
/* Reads entry i of a list. The entry must be there and be a number: there is no default. */
weft_status plg_keys_entry(const plg_keys *k, const char *list, int64_t i, int64_t min, int64_t max,
                           int64_t *v);
/* Reads a list of three numbers, one for each colour channel, such as image_mean or image_std. */
weft_status plg_keys_channels(const plg_keys *k, const char *list, double min, const float dflt[3],
                              float out[3]);
/* Reads the name that transformers has for an activation function and sets *act to its WEFT_ACT_*.
 * A name of another function is UNSUPPORTED, and the message lists those that are known. */
weft_status plg_keys_act(const plg_keys *k, const char *key, int32_t *act);
/* Sets *there to 1 where the package has the file, else to 0. */
weft_status plg_keys_has_file(const plg_keys *k, int32_t *there);

#endif
