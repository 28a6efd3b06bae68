/* SPDX-License-Identifier: Apache-2.0 */
/* The mistakes that the test device finds in recorded work: memory that is not there, was never
 * written or is written around, and work of two queues that nothing puts in order. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/test/internal.h"

/* One command's look at its areas. */
typedef struct look {
    wf_test_device        *d;
    wf_test_queue         *q;
    const wf_test_command *c;
    const char            *who;          /* the op's name */
    wf_area                carried_area; /* of WF_CARRIES: its marks go to what is written next */
} look;

void wf_test_mistake(wf_test_device *d, weft_error *why, const char *who, const char *kind,
                     const char *fmt, ...)
{
    char    text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (why->code != WEFT_OK)
        return;
    wf_fail(why, WEFT_E_DEVICE, "async-test: %s: %s: %s (WEFT_TEST_SEED=%llu shows it again)", who,
            kind, text, (unsigned long long)d->seed);
    if (d->log != NULL)
        d->log(WEFT_LOG_ERROR, "%s", why->message);
}

/* ---- where an area lies ---- */

typedef struct extent {
    const uint8_t *from, *to;
} extent;

/* false: the area is empty. */
static bool extent_of(const wf_area *a, extent *out)
{
    int64_t low = 0, high = a->each;
    for (int i = 0; i < 4; i++) {
        int64_t reach = (a->shape[i] - 1) * a->stride[i];
        if (a->shape[i] <= 0 || a->each <= 0)
            return false;
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    out->from = (const uint8_t *)a->at + low;
    out->to = (const uint8_t *)a->at + high;
    return true;
}

static bool fault(const look *k, const wf_area *a, const char *kind, const char *why)
{
    wf_test_mistake(k->d, &k->q->why, k->who, kind, "%s at %p %s", a->name, a->at, why);
    return false;
}

/* The live allocation that holds the whole of e; NULL: told what is wrong. */
static const wf_test_block *block_of(const look *k, const wf_area *a, const extent *e)
{
    const wf_test_memory *m = &k->d->memory;
    const wf_test_block  *b = wf_test_memory_block(m, a->at);
    if (b == NULL) {
        fault(k, a, "out of bounds", "is no address of this device");
        return NULL;
    }
    if (!b->live) {
        fault(k, a, b->freed ? "use after free" : "out of bounds",
              b->freed ? "was freed" : "was never allocated");
        return NULL;
    }
    const uint8_t *data = wf_test_block_data(m, b);
    if (e->from >= data && e->to <= data + b->asked)
        return b;
    wf_test_mistake(k->d, &k->q->why, k->who, "out of bounds",
                    "%s covers bytes %lld..%lld of an allocation of %llu", a->name,
                    (long long)(e->from - data), (long long)(e->to - data),
                    (unsigned long long)b->asked);
    return NULL;
}

/* ---- each place of an area ---- */

typedef bool (*place_fn)(look *k, const wf_area *a, const uint8_t *p);

static bool each_place(look *k, const wf_area *a, place_fn fn)
{
    int64_t n = a->shape[0] * a->shape[1] * a->shape[2] * a->shape[3];
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, at = 0;
        for (int axis = 3; axis >= 0; axis--) {
            at += rest % a->shape[axis] * a->stride[axis];
            rest /= a->shape[axis];
        }
        if (!fn(k, a, (const uint8_t *)a->at + at))
            return false;
    }
    return true;
}

static bool was_written(look *k, const wf_area *a, const uint8_t *p)
{
    const uint8_t *marks = wf_test_written(&k->d->memory, p);
    const uint8_t *gap = memchr(marks, 0, (size_t)a->each);
    if (gap == NULL)
        return true;
    wf_test_mistake(k->d, &k->q->why, k->who, "never written",
                    "%s reads byte %lld past its start, which nobody has written", a->name,
                    (long long)(p + (gap - marks) - (const uint8_t *)a->at));
    return false;
}

static bool mark_written(look *k, const wf_area *a, const uint8_t *p)
{
    memset(wf_test_written(&k->d->memory, p), 1, (size_t)a->each);
    return true;
}

/* ---- order of queues ---- */

static bool overlaps(const wf_test_use *u, const extent *e)
{
    return u->from < e->to && e->from < u->to;
}

/* Has another queue, of which nothing says that it comes before, used e? Two that only read do no
 * harm. */
static bool in_order(const look *k, const wf_area *a, const extent *e, bool writes)
{
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++) {
        const wf_test_slot *s = &k->d->slots[i];
        for (size_t u = 0; u < s->n_uses && i != k->q->slot; u++) {
            const wf_test_use *use = &s->uses[u];
            if (use->ticket <= k->c->clock[i] || !(writes || use->writes) || !overlaps(use, e))
                continue;
            wf_test_mistake(k->d, &k->q->why, k->who, "missing after",
                            "%s and %s of another queue use the same memory in no order", a->name,
                            use->op);
            return false;
        }
    }
    return true;
}

static bool remember(const look *k, const extent *e, bool writes)
{
    wf_test_slot *s = &k->d->slots[k->q->slot];
    if (s->n_uses == s->cap_uses) {
        size_t       cap = s->cap_uses * 2 + 64;
        wf_test_use *p = wf_realloc(s->uses, cap * sizeof *p);
        if (p == NULL) {
            wf_fail_nomem(&k->q->why, cap * sizeof *p, "the async-test device's notes");
            return false;
        }
        s->uses = p;
        s->cap_uses = cap;
    }
    s->uses[s->n_uses++] = (wf_test_use){s->done + 1, e->from, e->to, k->who, writes};
    return true;
}

bool wf_test_in_use(const wf_test_device *d, const uint8_t *from, const uint8_t *to)
{
    extent e = {from, to};
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++)
        for (size_t u = 0; u < d->slots[i].n_uses; u++)
            if (d->slots[i].uses[u].ticket > d->known[i] && overlaps(&d->slots[i].uses[u], &e))
                return true;
    return false;
}

void wf_test_forget(wf_test_device *d)
{
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++)
        if (d->slots[i].head !=
            NULL) /* the device runs later and may not know yet what the host knows by now */
            return;
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++) {
        wf_test_slot *s = &d->slots[i];
        size_t        n = 0;
        for (size_t u = 0; u < s->n_uses; u++)
            if (s->uses[u].ticket > d->known[i])
                s->uses[n++] = s->uses[u];
        s->n_uses = n;
    }
}

/* ---- a command ---- */

static bool check_area(void *ctx, const wf_area *a)
{
    look  *k = ctx;
    extent e;
    bool   writes = (a->access & WF_WRITES) != 0;
    if (!extent_of(a, &e))
        return true;
    if (a->access == WF_TOUCHES && !wf_test_memory_has(&k->d->memory, a->at))
        return true; /* a number, not an address */
    const wf_test_block *b = block_of(k, a, &e);
    if (b == NULL)
        return false;
    if (a->access == WF_TOUCHES) {
        e.from = wf_test_block_data(&k->d->memory, b);
        e.to = e.from + b->asked;
    }
    return in_order(k, a, &e, writes) && (a->access != WF_READS || each_place(k, a, was_written)) &&
           remember(k, &e, writes);
}

/* Copies the marks along: what was never written stays so at its new place. */
static void carry(look *k, const wf_area *to)
{
    const wf_area *from = &k->carried_area;
    int64_t        each = from->each < to->each ? from->each : to->each;
    int64_t        n = from->shape[0] * from->shape[1] * from->shape[2];
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, f = 0, t = 0;
        for (int axis = 2; axis >= 0; axis--) {
            f += rest % from->shape[axis] * from->stride[axis];
            t += rest % from->shape[axis] * to->stride[axis];
            rest /= from->shape[axis];
        }
        int64_t parts = (from->each * from->shape[3]) / each;
        for (int64_t j = 0; j < parts; j++) {
            int64_t step_f = from->shape[3] == 1 ? each : from->stride[3];
            int64_t step_t = to->shape[3] == 1 ? each : to->stride[3];
            memcpy(wf_test_written(&k->d->memory, (const uint8_t *)to->at + t + j * step_t),
                   wf_test_written(&k->d->memory, (const uint8_t *)from->at + f + j * step_f),
                   (size_t)each);
        }
    }
}

static bool settle_area(void *ctx, const wf_area *a)
{
    look  *k = ctx;
    extent e;
    if (!extent_of(a, &e) || !wf_test_memory_has(&k->d->memory, a->at))
        return true;
    const wf_test_block *b = wf_test_memory_block(&k->d->memory, a->at);
    if (a->access == WF_TOUCHES)
        wf_test_block_find_written(&k->d->memory, b);
    if (a->access == WF_CARRIES)
        k->carried_area = *a;
    else if (a->access == WF_WRITES && k->carried_area.at != NULL)
        carry(k, a);
    else if (a->access == WF_WRITES)
        each_place(k, a, mark_written);
    if (!wf_test_block_check(&k->d->memory, b))
        wf_test_mistake(k->d, &k->q->why, k->who, "overrun",
                        "it wrote around the allocation of %llu bytes of %s",
                        (unsigned long long)b->asked, a->name);
    return true;
}

static wf_area plain(const char *name, const void *at, uint64_t bytes, int32_t access)
{
    return (wf_area){name, at, {1, 1, 1, 1}, {0}, (int64_t)bytes, access, 0};
}

static bool walk(look *k, wf_area_fn fn)
{
    wf_area area;
    switch (k->c->kind) {
    case WF_TEST_OP:
        return wf_op_areas(&k->c->op, k->d->ops.weight_bytes, fn, k);
    case WF_TEST_UPLOAD:
    case WF_TEST_ZERO:
        area = plain("dst", k->c->dst, k->c->bytes, WF_WRITES);
        return fn(k, &area);
    case WF_TEST_DOWNLOAD:
        area = plain("src", k->c->src, k->c->bytes, WF_READS);
        return fn(k, &area);
    default:
        return true;
    }
}

static look look_at(wf_test_device *d, wf_test_queue *q, const wf_test_command *c)
{
    static const char *const names[] = {"op", "upload", "download", "zero", "after"};
    look                     k = {.d = d, .q = q, .c = c, .who = names[c->kind]};
    if (c->kind == WF_TEST_OP)
        k.who = wf_op_name(c->op.kind);
    return k;
}

bool wf_test_check(wf_test_device *d, wf_test_queue *q, const wf_test_command *c)
{
    look k = look_at(d, q, c);
    return walk(&k, check_area);
}

void wf_test_settle(wf_test_device *d, wf_test_queue *q, const wf_test_command *c)
{
    look k = look_at(d, q, c);
    (void)walk(&k, settle_area);
}
