/* SPDX-License-Identifier: Apache-2.0 */
/* Races. Every unit of memory remembers its last writer and its readers with the moment; moments
 * count the barriers. Two accesses are in order when they are of one thread, when a barrier of the
 * block lies between them, or a warp barrier that both lanes took part in. Threads of different
 * blocks are in order only where one block has seen, by an atomic operation, what the other did by
 * an atomic operation behind a fence. */
#include <stdlib.h>

#include "inside.h"

/* Units become bytes or pairs of bytes once something narrower than a word is touched. */
static bool refine(pt_segment *s, uint32_t shift)
{
    const uint64_t n = (s->bytes >> shift) + 4, ratio = 1u << (s->shift - shift);
    pt_cell       *cell = calloc(n, sizeof *cell);
    if (cell == NULL)
        return false;
    for (uint64_t k = 0; s->cell != NULL && k < n; k++)
        cell[k] = s->cell[k / ratio];
    free(s->cell);
    s->cell = cell;
    s->shift = shift;
    return true;
}

/* Whether what `thread` did at `moment` comes before what the lane does now. */
static bool ordered(const pt_warp *w, uint32_t lane, uint32_t since, uint32_t thread,
                    uint32_t moment)
{
    const pt_run  *run = w->run;
    const uint32_t me = run->block_thread + w->first + lane + 1;
    if (thread == me || moment < since)
        return true;
    if (moment < run->began)
        return moment < run->foreign;
    if (moment < run->barrier)
        return true;
    const uint32_t other = thread - 1 - run->block_thread - w->first;
    return other < PT_LANES && moment < w->met[lane][other];
}

/* The same of several readers. */
static bool readers_ordered(const pt_warp *w, uint32_t lane, uint32_t since, const pt_cell *c)
{
    const uint32_t kind = c->reader & ~PT_THREAD;
    if (c->reader == 0 || kind == PT_ONE)
        return c->reader == 0 || ordered(w, lane, since, c->reader, c->read);
    if (c->read < since)
        return true;
    if (kind == PT_GRID || c->read < w->run->began)
        return c->read < w->run->foreign;
    if (c->read < w->run->barrier)
        return true;
    if (kind == PT_BLOCK || (c->reader & PT_THREAD) != w->run->block_thread + w->first + 1)
        return false;
    for (uint32_t l = 0; l < PT_LANES; l++)
        if ((w->lanes >> l & 1) != 0 && l != lane && c->read >= w->met[lane][l])
            return false;
    return true;
}

static void read_by(pt_warp *w, uint32_t lane, uint32_t since, pt_cell *c)
{
    const pt_run  *run = w->run;
    const uint32_t base = run->block_thread + w->first, me = base + lane + 1;
    if (c->reader != me && c->read >= since && !readers_ordered(w, lane, since, c)) {
        const uint32_t one = c->reader & PT_THREAD, kind = c->reader & ~PT_THREAD;
        if (c->read < run->began || kind == PT_GRID)
            c->reader = PT_GRID | me;
        else if (kind == PT_BLOCK || one <= base || one > base + PT_LANES)
            c->reader = PT_BLOCK | me;
        else
            c->reader = PT_WARP | (base + 1);
    } else {
        c->reader = me;
    }
    c->read = run->memory->now;
}

static void found(pt_warp *w, const pt_insn *i, uint32_t lane, const pt_segment *s, uint64_t at,
                  const char *what, uint32_t other)
{
    const bool     shared = s == &w->run->shared;
    const uint32_t base = w->run->block_thread + w->first;
    const bool     near = other > base && other <= base + PT_LANES;
    char           sentence[112];
    snprintf(sentence, sizeof sentence, "%s of %s%s", what,
             shared ? "shared memory" : "global memory", near ? ", both in one warp" : "");
    pt_report(w, i, lane, shared ? PTX_RACE_SHARED : PTX_RACE_GLOBAL, sentence, s->base + at);
}

static void check(pt_warp *w, const pt_insn *i, uint32_t lane, pt_segment *s, uint64_t unit,
                  int mode)
{
    pt_cell       *c = &s->cell[unit];
    pt_run        *run = w->run;
    const uint32_t me = run->block_thread + w->first + lane + 1;
    const uint32_t writer = c->writer & PT_THREAD;
    const bool     atomic = (c->writer & PT_ATOMIC) != 0, since_began = c->written >= run->began;
    const uint64_t at = unit << s->shift;
    if (mode == A_ATOMIC && atomic && !since_began && c->written >= s->since &&
        c->written > run->foreign)
        run->foreign = c->written;
    if (writer != me && c->written >= s->since && !(mode == A_ATOMIC && atomic) &&
        !ordered(w, lane, s->since, writer, c->written))
        found(w, i, lane, s, at,
              mode == A_READ ? "a read and another thread's write" : "two threads' writes", writer);
    if (mode == A_READ) {
        read_by(w, lane, s->since, c);
        return;
    }
    if (c->reader != me && c->read >= s->since && !readers_ordered(w, lane, s->since, c))
        found(w, i, lane, s, at, "a write and another thread's read", c->reader & PT_THREAD);
    c->writer = me | (mode == A_ATOMIC ? PT_ATOMIC : 0);
    c->written = run->memory->now;
}

void pt_check_race(pt_warp *w, const pt_insn *i, uint32_t lane, pt_segment *s, uint64_t at,
                   uint32_t bytes, int mode)
{
    const uint32_t shift = bytes >= 4 ? 2 : bytes == 2 ? 1 : 0;
    if ((s->cell == NULL || s->shift > shift) && !refine(s, s->shift < shift ? s->shift : shift))
        return;
    for (uint64_t unit = at >> s->shift; unit < (at + bytes + (1u << s->shift) - 1) >> s->shift;
         unit++)
        check(w, i, lane, s, unit, mode);
}

void pt_met(pt_warp *w, uint32_t lanes)
{
    const uint32_t now = ++w->run->memory->now;
    for (uint32_t b = 0; b < PT_LANES; b++) {
        uint32_t most = 0;
        PT_EACH(lanes, l)
        most = w->met[l][b] > most ? w->met[l][b] : most;
        if (lanes >> b & 1)
            most = now;
        PT_EACH(lanes, l)
        w->met[l][b] = most;
    }
}
