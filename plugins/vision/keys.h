/* SPDX-License-Identifier: Apache-2.0 */
/* Range-checked values of one JSON file of a package. In all of these a key that is absent (or
 * null) leaves the caller's default in *v; what is present and wrong gives INVALID or CORRUPT with
 * the file, the key, the value and the range. [setup] */
#ifndef VIS_KEYS_H
#define VIS_KEYS_H

#include "weft/sdk.h"

typedef struct vis_keys {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_package *from;
    const char            *file;
    weft_error            *err;
} vis_keys;

/* One whole number: its path, where it goes (offset of an int32_t in the struct being filled), what
 * it is when absent, what it may be. */
typedef struct vis_int_key {
    const char *path;
    size_t      at;
    int64_t     dflt, min, max;
} vis_int_key;

vis_keys vis_keys_of(const weft_host *h, const weft_package *p, const char *file, weft_error *err);
weft_status vis_keys_i64(const vis_keys *k, const char *path, int64_t min, int64_t max, int64_t *v);
weft_status vis_keys_f64(const vis_keys *k, const char *path, double min, double max, double *v);
weft_status vis_keys_bool(const vis_keys *k, const char *path, int32_t *v);
weft_status vis_keys_str(const vis_keys *k, const char *path, const char **v);
/* Number of entries of a list; *n is -1 where it is absent. */
weft_status vis_keys_count(const vis_keys *k, const char *path, int64_t max, int64_t *n);
/* list[i], which must be there. */
weft_status vis_keys_entry(const vis_keys *k, const char *list, int64_t i, int64_t min, int64_t max,
                           int64_t *v);
weft_status vis_keys_ints(const vis_keys *k, const vis_int_key *keys, size_t n_keys, void *out);
/* Whether the file itself is there. */
weft_status vis_keys_has_file(const vis_keys *k, int32_t *there);
/* The three values of image_mean or image_std. */
weft_status vis_keys_channels(const vis_keys *k, const char *list, double min, const float dflt[3],
                              float out[3]);
/* An activation's name as WEFT_ACT_*; one that is not known is UNSUPPORTED. */
weft_status vis_keys_act(const vis_keys *k, const char *path, int32_t dflt, int32_t *act);

#endif
