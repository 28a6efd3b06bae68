/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a GGUF file from which values are read one after the other, through a block of memory.
 * Nothing is read, and no memory is taken, before it is known that the file has as many bytes. */
#ifndef WF_GGUF_CURSOR_H
#define WF_GGUF_CURSOR_H

#include "core/io/gguf.h"

#define WF_GGUF_BLOCK 65536u

typedef struct wf_gguf_cursor {
    const wf_file *file;
    uint64_t       at;         /* of the next byte in the file */
    uint64_t       from, have; /* what the block holds of it */
    uint8_t       *block;
    char          *text; /* the last string, or NULL */
    uint64_t       room;
} wf_gguf_cursor;

weft_status wf_gguf_cursor_open(const wf_file *f, uint64_t at, wf_gguf_cursor *out,
                                weft_error *err);
void        wf_gguf_cursor_close(wf_gguf_cursor *c);

/* Fails with "PATH: byte N: WHAT". */
weft_status wf_gguf_bad(const wf_gguf_cursor *c, const char *what, weft_error *err);
/* CORRUPT where the file has fewer than n bytes from here on. `what` names them. */
weft_status wf_gguf_room(const wf_gguf_cursor *c, uint64_t n, const char *what, weft_error *err);
/* A little-endian number of 1 to 8 bytes. */
weft_status wf_gguf_uint(wf_gguf_cursor *c, uint32_t bytes, uint64_t *v, weft_error *err);
/* A string of at most `most` bytes: its length, then its bytes, which must be UTF-8. It lies at
 * c->text, with a NUL behind it, until the next one is read. */
weft_status wf_gguf_text(wf_gguf_cursor *c, uint64_t most, uint64_t *n, weft_error *err);
/* A number, bool or string. */
weft_status wf_gguf_scalar_read(wf_gguf_cursor *c, int32_t kind, wf_gguf_scalar *s,
                                weft_error *err);
/* gguf_places.c: checks the alignment, and the places of the tensors, whose entries end at byte
 * `data` and which stand in the order of the file. Their offsets become those in the file. */
weft_status wf_gguf_places(wf_gguf_file *f, uint64_t data, weft_error *err);
/* Bytes of a number or bool; 0: the kind has no fixed size. */
uint32_t wf_gguf_kind_bytes(int32_t kind);

#endif
