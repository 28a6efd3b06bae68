/* SPDX-License-Identifier: Apache-2.0 */
/* One lane's access to memory: which space, whether it is aligned and inside, whether anything
 * wrote what it reads. */
#include "inside.h"

pt_space pt_resolve(pt_space space, uint64_t *at)
{
    if (space != S_GENERIC)
        return space;
    if (*at - PT_SHARED_WINDOW < PT_WINDOW_BYTES) {
        *at -= PT_SHARED_WINDOW;
        return S_SHARED;
    }
    if (*at - PT_LOCAL_WINDOW < PT_WINDOW_BYTES) {
        *at -= PT_LOCAL_WINDOW;
        return S_LOCAL;
    }
    return S_GLOBAL;
}

static const char *name_of(pt_space s)
{
    return s == S_SHARED ? "shared memory" : s == S_LOCAL ? "local memory" : "global memory";
}

static ptx_fault outside(pt_space s)
{
    return s == S_SHARED ? PTX_OUT_OF_SHARED : s == S_LOCAL ? PTX_OUT_OF_LOCAL : PTX_OUT_OF_GLOBAL;
}

static void report(pt_warp *w, const pt_insn *i, uint32_t lane, ptx_fault f, const char *what,
                   pt_space s, uint64_t at)
{
    char sentence[96];
    snprintf(sentence, sizeof sentence, "%s of %s", what, name_of(s));
    pt_report(w, i, lane, f, sentence, at);
}

static bool all_defined(const uint8_t *known, uint32_t bytes)
{
    const uint64_t defined = 0x0101010101010101ull * K_DEFINED;
    uint64_t       a = defined, b = defined;
    switch (bytes) {
    case 4:
        memcpy(&a, known, 4);
        break;
    case 16:
        memcpy(&b, known + 8, 8);
        memcpy(&a, known, 8);
        break;
    case 8:
        memcpy(&a, known, 8);
        break;
    default:
        memcpy(&a, known, bytes);
    }
    return a == defined && b == defined;
}

/* What is read must have been written, and have arrived. */
static void check_known(pt_warp *w, const pt_insn *i, uint32_t lane, pt_space space,
                        const uint8_t *known, uint64_t at, uint32_t bytes)
{
    if (all_defined(known, bytes))
        return;
    if (memchr(known, K_COMING, bytes) != NULL)
        report(w, i, lane, PTX_ASYNC, "cp.async is not awaited: a read", space, at);
    else
        report(w, i, lane,
               space == S_SHARED  ? PTX_NEW_SHARED
               : space == S_LOCAL ? PTX_NEW_LOCAL
                                  : PTX_NEW_GLOBAL,
               "a read of what nothing wrote", space, at);
}

static uint8_t *parameter(pt_warp *w, const pt_insn *i, uint32_t lane, uint64_t at, uint32_t bytes)
{
    if (at + bytes <= w->run->k->param_bytes)
        return w->run->params + at;
    pt_report(w, i, lane, PTX_OUT_OF_GLOBAL, "an access past the parameters", at);
    return NULL;
}

static pt_segment *segment_of(pt_warp *w, pt_space space, uint64_t at, uint32_t bytes)
{
    pt_segment *s = space == S_SHARED ? &w->run->shared : &w->local;
    if (space == S_GLOBAL)
        return pt_segment_at(w->run->memory, at, bytes);
    return at + bytes <= s->bytes && at + bytes >= at ? s : NULL;
}

uint8_t *pt_touch(pt_warp *w, const pt_insn *i, uint32_t lane, pt_space space, uint64_t at,
                  uint32_t bytes, int mode)
{
    space = pt_resolve(space, &at);
    if (space == S_PARAM)
        return parameter(w, i, lane, at, bytes);
    if ((at & (bytes - 1)) != 0) {
        report(w, i, lane, PTX_MISALIGNED, "a misaligned access", space, at);
        return NULL;
    }
    if (space == S_LOCAL) { /* every lane has its own */
        if (at + bytes > w->run->k->facts.local_bytes) {
            report(w, i, lane, outside(space), "an access out of bounds", space, at);
            return NULL;
        }
        at += (uint64_t)lane * w->run->k->facts.local_bytes;
    }
    pt_segment *s = segment_of(w, space, at, bytes);
    if (s == NULL) {
        report(w, i, lane, outside(space), "an access out of bounds", space, at);
        return NULL;
    }
    const uint64_t offset = at - s->base;
    if (mode != A_WRITE)
        check_known(w, i, lane, space, s->known + offset, at, bytes);
    if (mode != A_READ)
        memset(s->known + offset, K_DEFINED, bytes);
    if (space != S_LOCAL)
        pt_check_race(w, i, lane, s, offset, bytes, mode);
    return s->data + offset;
}
