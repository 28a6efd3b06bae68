/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a path, a line end, and a JSON text. What parses must come back the same from its
 * own text, and every kind of read must agree on whether there is something at the path. */
#include <string.h>

#include "core/base/mem.h"
#include "weft/utf8.h"
#include "core/io/json.h"
#include "core/io/text.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

static void reads_check(const json_t *root, const char *path)
{
    const json_t *at = wf_json_at(root, path);
    int64_t       i;
    int32_t       b;
    double        d;
    const char   *s;
    weft_status   got[] = {
          wf_json_i64(root, "f", path, &i, NULL),   wf_json_f64(root, "f", path, &d, NULL),
          wf_json_str(root, "f", path, &s, NULL),   wf_json_bool(root, "f", path, &b, NULL),
          wf_json_count(root, "f", path, &i, NULL),
    };
    int32_t ok = 0;
    for (size_t k = 0; k < sizeof(got) / sizeof(got[0]); k++) {
        CHECK((got[k] == WEFT_E_NOTFOUND) == (at == NULL));
        ok += got[k] == WEFT_OK;
    }
    CHECK(at == NULL || (ok >= 1 && ok <= 2)); /* an integer is also a number */
}

static void again_check(const json_t *root)
{
    json_t *again = NULL;
    char   *text = json_dumps(root, JSON_REAL_PRECISION(17));
    CHECK(text != NULL);
    CHECK(wf_json_parse(text, strlen(text), "again", &again, NULL) == WEFT_OK);
    CHECK(json_equal(root, again));
    json_decref(again);
    wf_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t         n = line != NULL ? (size_t)(line - data) : 0;
    char           path[256];
    weft_error     err = WF_ERROR_INIT;
    json_t        *root;
    if (line == NULL || n >= sizeof(path))
        return 0;
    memcpy(path, data, n);
    path[n] = '\0';
    /* A copy of its own size, so that a read past its end is seen. */
    size_t bytes = size - n - 1;
    char  *text = wf_alloc(bytes);
    memcpy(text, line + 1, bytes);
    if (wf_json_parse(text, bytes, "input", &root, &err) == WEFT_OK) {
        reads_check(root, path);
        again_check(root);
        json_decref(root);
    } else {
        size_t length = strlen(err.message);
        CHECK(length > 0 && weft_utf8_prefix(err.message, length) == length);
    }
    wf_free(text);
    return 0;
}
