/* SPDX-License-Identifier: Apache-2.0 */
/* Typed, range-checked reads of one JSON file: the only place where messages about values are made.
 */
#include "keys.h"

vis_keys vis_keys_of(const weft_host *h, const weft_package *p, const char *file, weft_error *err)
{
    vis_keys k = {h, p, h->get_interface(h, WEFT_IF_PACKAGE), file, err};
    return k;
}

weft_status vis_keys_i64(const vis_keys *k, const char *path, int64_t min, int64_t max, int64_t *v)
{
    int64_t     got = *v;
    weft_status status = k->from->json_i64(k->host, k->package, k->file, path, &got, k->err);
    if (status == WEFT_E_NOTFOUND)
        return WEFT_OK;
    if (status != WEFT_OK)
        return status;
    if (got < min || got > max)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s is %lld, and it must be %lld to %lld",
                         k->file, path, (long long)got, (long long)min, (long long)max);
    *v = got;
    return WEFT_OK;
}

weft_status vis_keys_f64(const vis_keys *k, const char *path, double min, double max, double *v)
{
    double      got = *v;
    weft_status status = k->from->json_f64(k->host, k->package, k->file, path, &got, k->err);
    if (status == WEFT_E_NOTFOUND)
        return WEFT_OK;
    if (status != WEFT_OK)
        return status;
    if (!(got >= min && got <= max))
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s is %g, and it must be %g to %g", k->file,
                         path, got, min, max);
    *v = got;
    return WEFT_OK;
}

weft_status vis_keys_bool(const vis_keys *k, const char *path, int32_t *v)
{
    int32_t     got = *v;
    weft_status status = k->from->json_bool(k->host, k->package, k->file, path, &got, k->err);
    if (status == WEFT_OK)
        *v = got != 0;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status vis_keys_str(const vis_keys *k, const char *path, const char **v)
{
    const char *got = NULL;
    weft_status status = k->from->json_str(k->host, k->package, k->file, path, &got, k->err);
    if (status == WEFT_OK)
        *v = got;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status vis_keys_count(const vis_keys *k, const char *path, int64_t max, int64_t *n)
{
    *n = -1;
    weft_status status = k->from->json_count(k->host, k->package, k->file, path, n, k->err);
    if (status == WEFT_E_NOTFOUND) {
        *n = -1;
        return WEFT_OK;
    }
    if (status == WEFT_OK && *n > max)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %s has %lld entries, and at most %lld are possible", k->file, path,
                         (long long)*n, (long long)max);
    return status;
}

weft_status vis_keys_entry(const vis_keys *k, const char *list, int64_t i, int64_t min, int64_t max,
                           int64_t *v)
{
    char path[160];
    snprintf(path, sizeof path, "%s[%lld]", list, (long long)i);
    *v = min - 1; /* still that afterwards: a null, or no list of numbers at all */
    weft_status status = vis_keys_i64(k, path, min, max, v);
    if (status == WEFT_OK && *v < min)
        return weft_fail(k->err, WEFT_E_CORRUPT, "%s: %s is not a number", k->file, path);
    return status;
}

weft_status vis_keys_ints(const vis_keys *k, const vis_int_key *keys, size_t n_keys, void *out)
{
    for (size_t i = 0; i < n_keys; i++) {
        int64_t     v = keys[i].dflt;
        weft_status status = vis_keys_i64(k, keys[i].path, keys[i].min, keys[i].max, &v);
        if (status != WEFT_OK)
            return status;
        int32_t narrow = (int32_t)v;
        memcpy((char *)out + keys[i].at, &narrow, sizeof narrow);
    }
    return WEFT_OK;
}
