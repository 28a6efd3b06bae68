/* SPDX-License-Identifier: Apache-2.0 */
/* A weft_source as libsndfile's virtual file: a window of it, a pipe without an end, or a pipe held
 * in memory. All [worker]; one thread per object. */
#ifndef SPK_BYTES_H
#define SPK_BYTES_H

#include "weft/package.h"

#include <sndfile.h>

/* What a pipe may hold where the format has to look at its end first. */
#define SPK_BYTES_HELD_MAX ((uint64_t)64 << 20)

typedef struct spk_bytes {
    const weft_host *host;
    weft_source      source;
    uint64_t         base, at; /* where the window begins in the source; position in the window */
    int64_t          n;        /* bytes of the window; -1: until the source ends */
    weft_status      status;   /* why the source failed; stays WEFT_OK where it merely ended */
    uint8_t         *held;     /* a pipe's bytes, all of them; NULL: read from the source */
    int32_t          ended, reserved; /* a read met the end of the window */
} spk_bytes;

/* *source is copied; its ctx must outlive b. The window is the whole source. Ended by
 * spk_bytes_deinit. */
void spk_bytes_init(spk_bytes *b, const weft_host *host, const weft_source *source);
void spk_bytes_deinit(spk_bytes *b);

/* Reads at an offset of the window without moving; fewer than n bytes come only at the end or where
 * the source fails (then b->status says why). Returns how many. */
uint64_t spk_bytes_peek(spk_bytes *b, uint64_t at, void *dst, uint64_t n);

/* Narrows the window to n bytes from base (-1: to the end) and goes to its start. */
void spk_bytes_window(spk_bytes *b, uint64_t base, int64_t n);

/* Takes a source of unknown length into memory. LIMIT over SPK_BYTES_HELD_MAX; format is the
 * subject of the sentence. Does nothing where the length is known. */
weft_status spk_bytes_hold(spk_bytes *b, const char *format, weft_error *err);

/* Reads at the position and moves. As spk_bytes_peek. */
uint64_t spk_bytes_read(spk_bytes *b, void *dst, uint64_t n);

/* Opens libsndfile on the window: NULL on failure. *info as sf_open_virtual takes and gives it. */
SNDFILE *spk_bytes_open(spk_bytes *b, SF_INFO *info);

#endif
