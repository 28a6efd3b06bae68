/* SPDX-License-Identifier: Apache-2.0 */
/* Reads typed values from one JSON file and checks their ranges. All messages about such values are
 * made here. */
#include "keys.h"

typedef char json_path[PLG_MAX_PATH];

plg_keys plg_keys_of(const weft_host *h, const weft_package *p, const char *file,
                     const char *prefix, weft_error *err)
{
    plg_keys k = {h, p, h->get_interface(h, WEFT_IF_PACKAGE), file, prefix, err};
    return k;
}

static const char *path_of(const plg_keys *k, const char *key, char *path)
{
    snprintf(path, PLG_MAX_PATH, "%s%s", k->prefix, key);
    return path;
}

weft_status plg_keys_i64(const plg_keys *k, const char *key, int64_t min, int64_t max, int64_t *v)
{
    json_path   path;
    int64_t     got = *v;
    weft_status status =
        k->from->json_i64(k->host, k->package, k->file, path_of(k, key, path), &got, k->err);
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

weft_status plg_keys_f64(const plg_keys *k, const char *key, double min, double max, double *v)
{
    json_path   path;
    double      got = *v;
    weft_status status =
        k->from->json_f64(k->host, k->package, k->file, path_of(k, key, path), &got, k->err);
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

weft_status plg_keys_bool(const plg_keys *k, const char *key, int32_t *v)
{
    json_path   path;
    int32_t     got = *v;
    weft_status status =
        k->from->json_bool(k->host, k->package, k->file, path_of(k, key, path), &got, k->err);
    if (status == WEFT_OK)
        *v = got != 0;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status plg_keys_str(const plg_keys *k, const char *key, const char **v)
{
    json_path   path;
    const char *got = NULL;
    weft_status status =
        k->from->json_str(k->host, k->package, k->file, path_of(k, key, path), &got, k->err);
    if (status == WEFT_OK)
        *v = got;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status plg_keys_count(const plg_keys *k, const char *key, int64_t max, int64_t *n)
{
    json_path path;
    *n = -1;
    weft_status status =
        k->from->json_count(k->host, k->package, k->file, path_of(k, key, path), n, k->err);
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

weft_status plg_keys_entry(const plg_keys *k, const char *list, int64_t i, int64_t min, int64_t max,
                           int64_t *v)
{
    json_path key, path;
    snprintf(key, sizeof key, "%s[%lld]", list, (long long)i);
    *v = min - 1; /* unchanged by the read: the entry is null, or there is no such list */
    weft_status status = plg_keys_i64(k, key, min, max, v);
    if (status == WEFT_OK && *v < min)
        return weft_fail(k->err, WEFT_E_CORRUPT, "%s: %s is not a number", k->file,
                         path_of(k, key, path));
    return status;
}

weft_status plg_keys_ints(const plg_keys *k, const plg_int_key *keys, size_t n_keys, void *out)
{
    for (size_t i = 0; i < n_keys; i++) {
        int64_t     v = keys[i].dflt;
        weft_status status = plg_keys_i64(k, keys[i].key, keys[i].min, keys[i].max, &v);
        if (status != WEFT_OK)
            return status;
        int32_t narrow = (int32_t)v;
        memcpy((char *)out + keys[i].at, &narrow, sizeof narrow);
    }
    return WEFT_OK;
}

weft_status plg_keys_has_file(const plg_keys *k, int32_t *there)
{
    weft_source source = {WEFT_HDR(weft_source), NULL, NULL, NULL};
    weft_status status = k->from->open(k->host, k->package, k->file, &source, k->err);
    *there = status == WEFT_OK;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status plg_keys_channels(const plg_keys *k, const char *list, double min, const float dflt[3],
                              float out[3])
{
    json_path   key;
    int64_t     n;
    weft_status status = plg_keys_count(k, list, 3, &n);
    if (status == WEFT_OK && n >= 0 && n != 3)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s has %lld entries, and it must have 3",
                         k->file, path_of(k, list, key), (long long)n);
    for (int i = 0; status == WEFT_OK && i < 3; i++) {
        double v = (double)dflt[i];
        snprintf(key, sizeof key, "%s[%d]", list, i);
        status = plg_keys_f64(k, key, min, 1e6, &v);
        out[i] = (float)v;
    }
    return status;
}

/* The names that transformers has (activations.py, ACT2FN) for the functions that ops.h has. Its
 * gelu_fast, gelu_new, gelu_accurate, gelu_pytorch_tanh and gelu_python_tanh are one formula, and
 * so are gelu and gelu_python. */
static const struct {
    const char *name;
    int32_t     act;
} acts[] = {{"gelu", WEFT_ACT_GELU},
            {"gelu_python", WEFT_ACT_GELU},
            {"silu", WEFT_ACT_SILU},
            {"swish", WEFT_ACT_SILU},
            {"relu", WEFT_ACT_RELU},
            {"quick_gelu", WEFT_ACT_QUICK_GELU},
            {"gelu_pytorch_tanh", WEFT_ACT_TANH_GELU},
            {"gelu_python_tanh", WEFT_ACT_TANH_GELU},
            {"gelu_new", WEFT_ACT_TANH_GELU},
            {"gelu_fast", WEFT_ACT_TANH_GELU},
            {"gelu_accurate", WEFT_ACT_TANH_GELU}};

weft_status plg_keys_act(const plg_keys *k, const char *key, int32_t *act)
{
    json_path   path;
    const char *name = NULL;
    char        known[256] = "";
    weft_status status = plg_keys_str(k, key, &name);
    if (status != WEFT_OK || name == NULL)
        return status;
    for (size_t i = 0, n = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(name, acts[i].name) == 0) {
            *act = acts[i].act;
            return WEFT_OK;
        }
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", acts[i].name);
    }
    return weft_fail(k->err, WEFT_E_UNSUPPORTED, "%s: %s is \"%.40s\", and only %s are known",
                     k->file, path_of(k, key, path), name, known);
}
