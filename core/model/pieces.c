/* SPDX-License-Identifier: Apache-2.0 */
/* Two slots, filled in turn by a thread and emptied in turn by the caller. */
#include "core/model/pieces.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/base/mem.h"

#define SLOTS 2
#define READER_LEAST                                                                               \
    ((uint64_t)256 << 10) /* a smaller piece is read before a thread would wake                    \
                           */

enum slot_state { FREE, OWN, ASKED, READ }; /* OWN: the caller reads it when it comes to it */

typedef struct slot {
    wf_piece    piece;
    int32_t     state;
    weft_status status; /* of reading */
    weft_error  err;
    void       *host, *device; /* device NULL: ops read the host's memory */
    uint64_t    room;          /* bytes of each */
} slot;

struct wf_pieces {
    wf_device      *device;
    weft_queue     *queue;
    slot            slots[SLOTS];
    uint64_t        begun, ended; /* pieces so far; the nth lies in slot n % SLOTS */
    pthread_t       thread;
    pthread_mutex_t lock; /* of begun, ended, the slots' states and stop */
    pthread_cond_t  asked, read;
    bool            threaded, no_thread, stop;
};

weft_status wf_piece_read(const wf_piece *piece, void *dst, weft_error *err)
{
    weft_status status = WEFT_OK;
    uint64_t    row = piece->row_bytes, rows = (uint64_t)piece->rows;
    if (row == piece->stride)
        return wf_st_read(piece->file, piece->t, piece->offset, dst, rows * row, err);
    for (uint64_t r = 0; r < rows && status == WEFT_OK; r++)
        status = wf_st_read(piece->file, piece->t, piece->offset + r * piece->stride,
                            (uint8_t *)dst + r * row, row, err);
    return status;
}

static uint64_t bytes_of(const wf_piece *piece)
{
    return (uint64_t)piece->rows * piece->row_bytes;
}

static void slot_read(slot *s)
{
    s->err = (weft_error)WF_ERROR_INIT;
    s->status = wf_piece_read(&s->piece, s->host, &s->err);
}

/* The oldest slot in a state; NULL: none is. */
static slot *oldest(wf_pieces *p, int32_t state)
{
    for (uint64_t n = p->ended; n < p->begun; n++)
        if (p->slots[n % SLOTS].state == state)
            return &p->slots[n % SLOTS];
    return NULL;
}

/* Reads what is asked for, in turn, until told to stop. */
static void *reader_main(void *arg)
{
    wf_pieces *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        slot *s = oldest(p, ASKED);
        if (s == NULL) {
            pthread_cond_wait(&p->asked, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        slot_read(s);
        pthread_mutex_lock(&p->lock);
        s->state = READ;
        pthread_cond_signal(&p->read);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

weft_status wf_pieces_open(wf_device *d, weft_queue *queue, wf_pieces **out, weft_error *err)
{
    wf_pieces *p = wf_zalloc(sizeof *p);
    *out = p;
    if (p == NULL)
        return wf_fail_nomem(err, sizeof *p, "reading weights");
    p->device = d;
    p->queue = queue;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->asked, NULL);
    pthread_cond_init(&p->read, NULL);
    return WEFT_OK;
}

static void slot_release(wf_pieces *p, slot *s)
{
    wf_device_host_free(p->device, s->host);
    wf_device_free(p->device, s->device);
    s->host = s->device = NULL;
    s->room = 0;
}

static void reader_stop(wf_pieces *p)
{
    if (!p->threaded)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->asked);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
}

void wf_pieces_close(wf_pieces **pieces)
{
    wf_pieces *p = *pieces;
    *pieces = NULL;
    if (p == NULL)
        return;
    reader_stop(p);
    (void)wf_queue_wait(p->queue, NULL);
    for (int32_t i = 0; i < SLOTS; i++)
        slot_release(p, &p->slots[i]);
    pthread_cond_destroy(&p->read);
    pthread_cond_destroy(&p->asked);
    pthread_mutex_destroy(&p->lock);
    wf_free(p);
}

bool wf_pieces_full(const wf_pieces *p)
{
    return p->begun - p->ended == SLOTS;
}

bool wf_pieces_empty(const wf_pieces *p)
{
    return p->begun == p->ended;
}

static weft_status slot_reserve(wf_pieces *p, slot *s, uint64_t bytes, weft_error *err)
{
    uint64_t    room = bytes > WF_PIECE_BYTES ? bytes : WF_PIECE_BYTES;
    weft_status status = WEFT_OK;
    if (s->room >= room)
        return WEFT_OK;
    slot_release(p, s);
    status = wf_device_host_alloc(p->device, room, &s->host, err);
    if (status == WEFT_OK && !p->device->reads_host)
        status = wf_device_alloc(p->device, room, &s->device, err);
    s->room = status == WEFT_OK ? room : 0;
    return status;
}

/* A thread for pieces that are worth one. Where the system gives none, the caller reads. */
static bool read_by_thread(wf_pieces *p, uint64_t bytes)
{
    if (bytes < READER_LEAST || p->no_thread)
        return false;
    if (!p->threaded)
        p->threaded = pthread_create(&p->thread, NULL, reader_main, p) == 0;
    p->no_thread = !p->threaded;
    return p->threaded;
}

weft_status wf_pieces_begin(wf_pieces *p, const wf_piece *piece, weft_error *err)
{
    assert(!wf_pieces_full(p) && bytes_of(piece) <= WF_PIECE_MOST);
    slot       *s = &p->slots[p->begun % SLOTS];
    weft_status status = slot_reserve(p, s, bytes_of(piece), err);
    if (status != WEFT_OK)
        return status;
    bool threaded = read_by_thread(p, bytes_of(piece));
    s->piece = *piece;
    pthread_mutex_lock(&p->lock);
    s->state = threaded ? ASKED : OWN;
    p->begun++;
    pthread_cond_signal(&p->asked);
    pthread_mutex_unlock(&p->lock);
    return WEFT_OK;
}

/* Runs the slot's op over what was read. The wait lets its memory be filled again. */
static weft_status slot_run(wf_pieces *p, slot *s, weft_error *err)
{
    wf_op      *op = &s->piece.op;
    const void *src = s->device != NULL ? s->device : s->host;
    weft_status status = WEFT_OK;
    if (op->kind == WF_OP_PACK)
        op->u.pack.src = src;
    else
        op->u.convert.src = src;
    if (s->device != NULL)
        status = wf_queue_upload(p->queue, s->device, s->host, bytes_of(&s->piece), err);
    if (status == WEFT_OK)
        status = wf_queue_submit(p->queue, op, err);
    return status == WEFT_OK ? wf_queue_wait(p->queue, err) : status;
}

weft_status wf_pieces_end(wf_pieces *p, uint64_t *bytes, weft_error *err)
{
    assert(!wf_pieces_empty(p));
    slot *s = &p->slots[p->ended % SLOTS];
    *bytes = bytes_of(&s->piece);
    pthread_mutex_lock(&p->lock);
    while (s->state == ASKED)
        pthread_cond_wait(&p->read, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (s->state == OWN)
        slot_read(s);
    weft_status status =
        s->status == WEFT_OK ? slot_run(p, s, err) : wf_fail(err, s->status, "%s", s->err.message);
    pthread_mutex_lock(&p->lock);
    s->state = FREE;
    p->ended++;
    pthread_mutex_unlock(&p->lock);
    return status;
}
