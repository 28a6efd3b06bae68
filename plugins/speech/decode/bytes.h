/* SPDX-License-Identifier: Apache-2.0 */
/* Shows a weft_source to libsndfile as one of its virtual files. What libsndfile sees is a window
 * of the source: all of it, or a range of its bytes. A source that is a pipe is either read
 * straight through, or first taken into memory as a whole ("held"). All functions are [worker],
 * with one thread per object. */
#ifndef SPK_BYTES_H
#define SPK_BYTES_H

#include "weft/package.h"

#include <sndfile.h>

/* The most bytes of a pipe that are held in memory. Only formats that have to look at the end of
 * the file first need it. */
#define SPK_BYTES_HELD_MAX ((uint64_t)64 << 20)

typedef struct spk_bytes {
    const weft_host *host;
    weft_source      source;
    uint64_t         base, at; /* where the window begins in the source; position in the window */
    int64_t          n;        /* bytes of the window; -1: until the source ends */
    weft_status      status;   /* why the source failed; stays WEFT_OK where it merely ended */
    uint8_t         *held;     /* all bytes of a pipe; NULL: they are read from the source */
    int32_t          ended, reserved; /* a read met the end of the window */
} spk_bytes;

/* Starts with the whole source as the window. *source is copied; its ctx must outlive b.
 * spk_bytes_deinit releases what b holds. */
void spk_bytes_init(spk_bytes *b, const weft_host *host, const weft_source *source);
void spk_bytes_deinit(spk_bytes *b);

/* Reads n bytes at an offset of the window without moving the position. Returns how many were read:
 * fewer than n only at the end, or where the source fails (b->status then says why). */
uint64_t spk_bytes_peek(spk_bytes *b, uint64_t at, void *dst, uint64_t n);

/* Narrows the window to n bytes from base (-1: to the end) and goes to its start. */
void spk_bytes_window(spk_bytes *b, uint64_t base, int64_t n);

/* Takes a source of unknown length into memory; does nothing where the length is known. LIMIT where
 * it has more than SPK_BYTES_HELD_MAX bytes. `format` names the format in that message. */
weft_status spk_bytes_hold(spk_bytes *b, const char *format, weft_error *err);

/* As spk_bytes_peek, but reads at the position and moves it past what was read. */
uint64_t spk_bytes_read(spk_bytes *b, void *dst, uint64_t n);

/* Opens libsndfile on the window: NULL on failure. *info as sf_open_virtual takes and gives it. */
SNDFILE *spk_bytes_open(spk_bytes *b, SF_INFO *info);

#endif
