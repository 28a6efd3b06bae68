/* SPDX-License-Identifier: Apache-2.0 */
/* A pull reader for JSON: each call of txt_json_next goes to the next value, in the order of the
 * file, and gives its path. */
#ifndef TXT_JSON_H
#define TXT_JSON_H

#include "base.h"

enum {
    TXT_J_END,
    TXT_J_OBJECT,
    TXT_J_ARRAY,
    TXT_J_CLOSE,
    TXT_J_STRING,
    TXT_J_NUMBER,
    TXT_J_TRUE,
    TXT_J_FALSE,
    TXT_J_NULL
};
#define TXT_PATH_BYTES 128u
typedef struct txt_json {
    txt_reader in;
    int        event; /* TXT_J_* of the last txt_json_next */
    txt_buf    text;  /* STRING, NUMBER: the value, with a NUL after its n bytes */
    txt_buf    key;   /* in an object: the value's key, likewise; undefined after CLOSE */
    /* The value's path, such as "model.vocab" or "added_tokens[3].id"; a longer one is cut short.
     */
    char path[TXT_PATH_BYTES];
    /* How many containers are open: OBJECT and ARRAY count themselves, CLOSE does not. */
    uint32_t depth;
    struct {
        uint32_t path_bytes, count;
        bool     array;
    } level[TXT_MAX_DEPTH];
    int  c; /* the byte read ahead, -1: the end */
    bool begun;
} txt_json;
weft_status txt_json_open(const weft_host *h, const weft_package *p, const char *file,
                          txt_json *out, weft_error *err);
/* Of bytes from elsewhere, which `name` is said to hold. */
weft_status txt_json_open_source(const weft_host *h, const weft_source *source, const char *name,
                                 txt_json *out, weft_error *err);
weft_status txt_json_next(txt_json *j, weft_error *err); /* CORRUPT with file, line and column */
/* After OBJECT or ARRAY: goes past its end. */
weft_status txt_json_skip(txt_json *j, weft_error *err);
/* Fails with CORRUPT and the message "file:line:column: what". */
weft_status txt_json_bad(txt_json *j, weft_error *err, const char *what);
/* Sets *out to the number just read, which must be a whole number in 0..max; else CORRUPT. */
weft_status txt_json_uint(txt_json *j, uint32_t max, uint32_t *out, weft_error *err);
void        txt_json_close(txt_json *j);
/* What a value must be. TXT_IS_EMPTY: null or "". FALSE: null counts. */
enum { TXT_IS_NULL, TXT_IS_EMPTY, TXT_IS_TRUE, TXT_IS_FALSE, TXT_IS_TEXT };
bool txt_json_is(const txt_json *j, int what, const char *text);

#endif
