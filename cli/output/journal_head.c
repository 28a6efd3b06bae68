/* SPDX-License-Identifier: Apache-2.0 */
/* What a journal's parts were made of and with. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "output/journal.h"
#include "output/json.h"

#define BLOCK_BYTES ((size_t)1 << 20)

/* The checksum that zlib has at hand: a recording is compared with itself of an hour ago, and
 * nobody gains by forging one. */
static bool sum_file(const char *path, uint64_t *bytes, uint32_t *sum)
{
    FILE  *f = fopen(path, "re");
    Bytef *block = malloc(BLOCK_BYTES);
    uLong  crc = crc32(0, NULL, 0);
    size_t n = 0;
    *bytes = 0;
    while (f != NULL && block != NULL && (n = fread(block, 1, BLOCK_BYTES, f)) > 0) {
        crc = crc32(crc, block, (uInt)n);
        *bytes += n;
    }
    bool ok = f != NULL && block != NULL && ferror(f) == 0;
    free(block);
    if (f != NULL)
        fclose(f);
    *sum = (uint32_t)crc;
    return ok;
}

json_t *cli_journal_head(const json_t *identity, const char *source)
{
    const char *slash = strrchr(source, '/');
    uint64_t    bytes;
    uint32_t    sum;
    json_t     *head = json_deep_copy(identity);
    if (head == NULL || !sum_file(source, &bytes, &sum) ||
        json_object_set_new(head, "recording",
                            json_pack("{s:o, s:I, s:I}", "name",
                                      cli_json_string(slash != NULL ? slash + 1 : source), "bytes",
                                      (json_int_t)bytes, "crc32", (json_int_t)sum)) != 0) {
        json_decref(head);
        return NULL;
    }
    return head;
}

static const char *said(const json_t *v)
{
    return json_is_string(v) ? json_string_value(v) : "not given";
}

/* The first key of a whose value in b is another one. */
static const char *first_other(const json_t *a, const json_t *b)
{
    void *at = json_object_iter((json_t *)a);
    for (; at != NULL; at = json_object_iter_next((json_t *)a, at))
        if (json_equal(json_object_iter_value(at), json_object_get(b, json_object_iter_key(at))) ==
            0)
            return json_object_iter_key(at);
    return NULL;
}

static const char *first_difference(const json_t *then, const json_t *now)
{
    const char *key = first_other(now, then);
    return key != NULL ? key : first_other(then, now);
}

bool cli_journal_differs(const json_t *then, const json_t *now, char *buf, size_t cap)
{
    const json_t *was = json_object_get(then, "options"), *is = json_object_get(now, "options");
    const char   *key;
    if (json_equal(json_object_get(then, "recording"), json_object_get(now, "recording")) == 0)
        snprintf(buf, cap, "the recording has changed");
    else if (json_equal(json_object_get(then, "weft"), json_object_get(now, "weft")) == 0)
        snprintf(buf, cap, "it was begun by weft %.40s", said(json_object_get(then, "weft")));
    else if ((key = first_difference(was, is)) != NULL)
        snprintf(buf, cap, "%.80s was %.120s and is %.120s", key, said(json_object_get(was, key)),
                 said(json_object_get(is, key)));
    else if ((key = first_difference(json_object_get(then, "files"),
                                     json_object_get(now, "files"))) != NULL)
        snprintf(buf, cap, "the files that %.300s names have changed", key);
    else
        return false;
    return true;
}
