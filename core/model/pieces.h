/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of tensors on their way from a file to a device: while one is worked on by the queue, the
 * next is read by a thread. Two are on the way at most, and memory for two is all that is taken. */
#ifndef WF_PIECES_H
#define WF_PIECES_H

#include <stdbool.h>

#include "core/device/device.h"
#include "core/io/safetensors.h"

#define WF_PIECE_BYTES ((uint64_t)8 << 20) /* of a piece, where its rows are not longer */
#define WF_PIECE_MOST ((uint64_t)32 << 20) /* of any piece: the longest row that can be loaded */

/* rows of row_bytes from offset within t on, stride bytes apart; together at most WF_PIECE_MOST.
 * They lie within the tensor. file and t outlive the piece. */
typedef struct wf_piece {
    const wf_st_file   *file;
    const wf_st_tensor *t;
    uint64_t            offset, row_bytes, stride;
    int64_t             rows;
    wf_op op; /* WF_OP_PACK or WF_OP_CONVERT: what to do with them; src is filled in */
} wf_piece;

typedef struct wf_pieces wf_pieces;

/* Takes no memory and starts no thread before a piece needs it. queue is borrowed; every call is
 * made by one thread. */
weft_status wf_pieces_open(wf_device *d, weft_queue *queue, wf_pieces **out, weft_error *err);
/* Drops what is on the way: waits for the read in progress and for the queue. NULL inside is fine.
 */
void wf_pieces_close(wf_pieces **p);

bool wf_pieces_full(const wf_pieces *p);
bool wf_pieces_empty(const wf_pieces *p);
/* Begins to read a piece; p is not full. NOMEM: there is no memory for it, and it is not begun. */
weft_status wf_pieces_begin(wf_pieces *p, const wf_piece *piece, weft_error *err);
/* Waits for the oldest piece's bytes, runs its op and waits for the queue; p is not empty. bytes:
 * how many the piece had, also on failure. The failure of reading is told here. */
weft_status wf_pieces_end(wf_pieces *p, uint64_t *bytes, weft_error *err);

/* The rows of a piece to dst, one after the other. Any thread. */
weft_status wf_piece_read(const wf_piece *piece, void *dst, weft_error *err);

#endif
