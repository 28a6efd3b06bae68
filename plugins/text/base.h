/* SPDX-License-Identifier: Apache-2.0 */
/* What all files of the tokenizer plugin use: limits, a growing buffer, a reader of files. */
#ifndef TXT_BASE_H
#define TXT_BASE_H

#include <stdbool.h>

#include "weft/sdk.h"

/* The limits on what a file may ask for. */
#define TXT_MAX_VOCAB ((uint32_t)1 << 20)
#define TXT_MAX_MERGES ((uint32_t)1 << 22)
#define TXT_MAX_TOKEN 4096u
#define TXT_MAX_ADDED ((uint32_t)1 << 16)
#define TXT_MAX_ADDED_BYTES 256u /* bounds the work of one match attempt in patterns.c */
#define TXT_MAX_IDS (TXT_MAX_VOCAB + TXT_MAX_ADDED)
#define TXT_MAX_STOPS 64u
#define TXT_MAX_MODEL_FILE ((uint64_t)64 << 20)
#define TXT_MAX_JSON_FILE ((uint64_t)256 << 20)
#define TXT_MAX_STRING ((uint64_t)16 << 20)
#define TXT_MAX_DEPTH 64u
#define TXT_MAX_STEPS 16u
#define TXT_MAX_STEP_TEXT 2048u
#define TXT_NONE UINT32_MAX

/* mem.c: a growing buffer of bytes, allocated from the host. */
typedef struct txt_buf {
    const weft_host *host;
    uint8_t         *p;
    uint64_t         n, cap; /* bytes in use, bytes there */
} txt_buf;
/* Makes room for `more` bytes after the n in use. */
weft_status txt_buf_reserve(txt_buf *b, uint64_t more, weft_error *err);
weft_status txt_buf_add(txt_buf *b, const void *src, uint64_t n, weft_error *err);
void        txt_buf_free(txt_buf *b);
weft_status txt_fail_nomem(weft_error *err, uint64_t bytes);

/* reader.c: reads a file of the package byte by byte, through one block of memory. */
#define TXT_BLOCK 65536u
typedef struct txt_reader {
    const weft_host *host;
    weft_source      source;
    const char      *name; /* for messages; borrowed */
    uint8_t         *block;
    uint64_t         at, max_bytes; /* bytes fetched so far, and the cap on them */
    uint32_t         pos, end;      /* within block */
    uint32_t         line, column;  /* of the last byte given, from 1 */
    bool             ended_line;
} txt_reader;
/* NOTFOUND where the package has no such file; LIMIT where it is longer than max_bytes. Nothing is
 * held on failure. */
weft_status txt_reader_open(const weft_host *h, const weft_package *p, const char *file,
                            uint64_t max_bytes, txt_reader *out, weft_error *err);
/* The same for bytes from elsewhere, which `name` is said to hold; the source is copied. */
weft_status txt_reader_open_source(const weft_host *h, const weft_source *source, const char *name,
                                   uint64_t max_bytes, txt_reader *out, weft_error *err);
/* Sets *byte to the next byte, or to -1 at the end. */
weft_status txt_reader_next(txt_reader *r, int *byte, weft_error *err);
void        txt_reader_close(txt_reader *r);

#endif
