/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON with jansson, but more strictly. Depth, strings and the number of values are checked
 * before jansson sees the text, because it recurses on nesting and its tree takes many times the
 * memory of the text. */
#include "core/io/json.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"

/* While it parses, jansson ignores some failed allocations of its own buffers. A string could then
 * come out short, and its scanner would stop the program by an assertion. So while it parses
 * (`parsing`), an allocation that fails is noted in `starved`, and jansson is given memory from the
 * system directly where there is any; wf_json_parse then reports the failure. Code that builds a
 * tree checks its allocations, so there they simply fail. */
static _Thread_local bool parsing, starved;

static void *json_alloc(size_t bytes)
{
    void *p = wf_alloc(bytes);
    if (p != NULL || !parsing)
        return p;
    starved = true;
    return malloc(bytes);
}

static void alloc_route(void)
{
    json_set_alloc_funcs(json_alloc, wf_free);
}

void wf_json_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, alloc_route);
}

typedef struct text_in {
    const char *text, *name;
    uint64_t    bytes;
} text_in;

static weft_status fail_at(const text_in *in, uint64_t offset, const char *what, uint64_t limit,
                           weft_error *err)
{
    int32_t line, column;
    wf_text_place(in->text, offset, &line, &column);
    return wf_fail(err, WEFT_E_LIMIT, "%s:%d:%d: %s, over the limit of %" PRIu64,
                   wf_quote(in->name).s, line, column, what, limit);
}

/* Moves *i from an opening quote to its closing one, or to the end of the text. */
static weft_status string_skip(const text_in *in, uint64_t *i, weft_error *err)
{
    uint64_t begin = *i;
    for ((*i)++; *i < in->bytes && in->text[*i] != '"'; (*i)++) {
        if (in->text[*i] == '\\')
            (*i)++;
        if (*i - begin > WF_JSON_MAX_STRING)
            return fail_at(in, begin, "a string too long in bytes", WF_JSON_MAX_STRING, err);
    }
    return WEFT_OK;
}

/* Checks the limits, as far as that is possible without knowing whether the text is JSON. */
static weft_status caps_check(const text_in *in, weft_error *err)
{
    uint64_t    depth = 0, containers = 0, values = 0;
    weft_status status = WEFT_OK;
    for (uint64_t i = 0; i < in->bytes && status == WEFT_OK; i++) {
        char c = in->text[i];
        if (c == '"') {
            status = string_skip(in, &i, err);
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > WF_JSON_MAX_DEPTH)
                status = fail_at(in, i, "nested too deep", WF_JSON_MAX_DEPTH, err);
            else if (++containers > WF_JSON_MAX_CONTAINERS)
                status = fail_at(in, i, "too many arrays and objects", WF_JSON_MAX_CONTAINERS, err);
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if ((c == ',' || c == ':') && ++values > WF_JSON_MAX_VALUES) {
            status = fail_at(in, i, "too many values", WF_JSON_MAX_VALUES, err);
        }
    }
    return status;
}

weft_status wf_json_parse(const char *text, uint64_t bytes, const char *name, json_t **out,
                          weft_error *err)
{
    text_in      in = {text, name, bytes};
    json_error_t why;
    *out = NULL;
    if (bytes > WF_JSON_MAX_BYTES)
        return wf_fail(err, WEFT_E_LIMIT,
                       "%s: %" PRIu64 " bytes of JSON, over the limit of %" PRIu64,
                       wf_quote(name).s, bytes, WF_JSON_MAX_BYTES);
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s:1:1: a byte order mark, which JSON may not have: save the file as UTF-8 "
                       "without one",
                       wf_quote(name).s);
    if (wf_text_is_pointer(text, bytes))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: " WF_TEXT_POINTER, wf_quote(name).s);
    weft_status status = caps_check(&in, err);
    if (status != WEFT_OK)
        return status;
    wf_json_init();
    starved = false;
    parsing = true;
    json_t *root = json_loadb(text, (size_t)bytes, JSON_REJECT_DUPLICATES, &why);
    parsing = false;
    if (starved) {
        json_decref(root);
        return wf_fail(err, WEFT_E_NOMEM, "out of memory: reading %s", wf_quote(name).s);
    }
    if (root == NULL)
        return wf_fail(err, WEFT_E_CORRUPT, "%s:%d:%d: %s", wf_quote(name).s,
                       why.line > 0 ? why.line : 1, why.column > 0 ? why.column : 1,
                       wf_quote(why.text).s);
    *out = root;
    return WEFT_OK;
}

weft_status wf_json_load(const char *path, json_t **out, weft_error *err)
{
    char    *text;
    uint64_t bytes;
    *out = NULL;
    weft_status status = wf_file_load(path, WF_JSON_MAX_BYTES, &text, &bytes, err);
    if (status != WEFT_OK)
        return status;
    status = wf_json_parse(text, bytes, path, out, err);
    wf_free(text);
    return status;
}

/* Reads "123]" at *path into *index and moves past the bracket; false: no such form. */
static bool index_read(const char **path, size_t *index)
{
    const char *p = *path;
    uint64_t    v = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if (!wf_mul(v, 10, &v) || !wf_add(v, (uint64_t)(*p - '0'), &v))
            return false;
    if (*p != ']')
        return false;
    *path = p + 1;
    *index = (size_t)v;
    return true;
}

/* As json_object_getn does, which jansson has since 2.14. */
static const json_t *member(const json_t *object, const char *name, size_t n)
{
    const char *key;
    json_t     *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (strlen(key) == n && memcmp(key, name, n) == 0)
            return value;
    }
    return NULL;
}

json_t *wf_json_at(const json_t *root, const char *path)
{
    const json_t *at = root;
    while (*path != '\0' && at != NULL) {
        if (*path == '[') {
            size_t index;
            path++;
            if (!index_read(&path, &index))
                return NULL;
            at = json_array_get(at, index);
        } else {
            size_t n = strcspn(path, ".[");
            at = member(at, path, n);
            path += n;
        }
        if (*path == '.' && path[1] != '\0')
            path++;
        else if (*path != '\0' && *path != '[')
            return NULL;
    }
    return json_is_null(at) ? NULL : (json_t *)at;
}

static const char *type_text(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a real number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

/* Sets *v to the value at path; NOTFOUND where there is none. */
static weft_status value_get(const json_t *root, const char *name, const char *path,
                             const json_t **v, weft_error *err)
{
    *v = wf_json_at(root, path);
    if (*v == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: no value at \"%s\"", wf_quote(name).s,
                       wf_quote(path).s);
    return WEFT_OK;
}

static weft_status fail_type(const json_t *v, const char *name, const char *path, const char *want,
                             weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: \"%s\" must be %s and is %s", wf_quote(name).s,
                   wf_quote(path).s, want, type_text(v));
}

weft_status wf_json_i64(const json_t *root, const char *name, const char *path, int64_t *v,
                        weft_error *err)
{
    const json_t *at;
    weft_status   status = value_get(root, name, path, &at, err);
    if (status != WEFT_OK)
        return status;
    if (json_is_integer(at)) {
        *v = (int64_t)json_integer_value(at);
        return WEFT_OK;
    }
    double r = json_real_value(at); /* 0 where the type is another */
    if (!json_is_real(at) || r != floor(r) || r < -0x1p63 || r >= 0x1p63)
        return fail_type(at, name, path, "an integer", err);
    *v = (int64_t)r;
    return WEFT_OK;
}

weft_status wf_json_f64(const json_t *root, const char *name, const char *path, double *v,
                        weft_error *err)
{
    const json_t *at;
    weft_status   status = value_get(root, name, path, &at, err);
    if (status != WEFT_OK)
        return status;
    if (!json_is_number(at))
        return fail_type(at, name, path, "a number", err);
    *v = json_number_value(at);
    return WEFT_OK;
}

weft_status wf_json_str(const json_t *root, const char *name, const char *path, const char **v,
                        weft_error *err)
{
    const json_t *at;
    weft_status   status = value_get(root, name, path, &at, err);
    if (status != WEFT_OK)
        return status;
    if (!json_is_string(at))
        return fail_type(at, name, path, "a string", err);
    *v = json_string_value(at);
    return WEFT_OK;
}

weft_status wf_json_bool(const json_t *root, const char *name, const char *path, int32_t *v,
                         weft_error *err)
{
    const json_t *at;
    weft_status   status = value_get(root, name, path, &at, err);
    if (status != WEFT_OK)
        return status;
    if (!json_is_boolean(at))
        return fail_type(at, name, path, "true or false", err);
    *v = json_is_true(at) ? 1 : 0;
    return WEFT_OK;
}

weft_status wf_json_count(const json_t *root, const char *name, const char *path, int64_t *n,
                          weft_error *err)
{
    const json_t *at;
    weft_status   status = value_get(root, name, path, &at, err);
    if (status != WEFT_OK)
        return status;
    if (!json_is_array(at) && !json_is_object(at))
        return fail_type(at, name, path, "an array or object", err);
    *n = (int64_t)(json_is_array(at) ? json_array_size(at) : json_object_size(at));
    return WEFT_OK;
}
