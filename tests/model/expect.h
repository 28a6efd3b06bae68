/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of weft.h expect of a call, and one greedy generation. */
#ifndef TEST_EXPECT_H
#define TEST_EXPECT_H

#include "rig.h"
#include "tests/support/address.h"

#include <stdatomic.h>
#include <time.h>

#define TOLD_MAX 64

/* The call failed with this status and exit code, and its one line holds `what`. *err is cleared
 * for the next. */
static inline void refused(weft_status got, weft_error *err, weft_status want, int32_t code,
                           const char *what)
{
    if (got != want || weft_exit_code(err) != code || strstr(err->message, what) == NULL ||
        strchr(err->message, '\n') != NULL || has_address(err->message))
        fail_msg("%s, exit %d: %s; wanted %s, exit %d, \"%s\"", weft_status_name(got),
                 weft_exit_code(err), err->message, weft_status_name(want), code, what);
    *err = (weft_error)WF_ERROR_INIT;
}

static inline void nap(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static inline weft_sampling greedy(int32_t n)
{
    return (weft_sampling){
        .hdr = WEFT_HDR(weft_sampling), .top_p = 1, .repetition_penalty = 1, .max_new_tokens = n};
}

/* What a generation told its callback. */
typedef struct told {
    int32_t     ids[TOLD_MAX];
    int32_t     n, n_stop, stop_after; /* stop_after 0: never says enough */
    char        text[1024];
    size_t      bytes;
    atomic_int  said;     /* tokens so far, for other threads */
    atomic_int *wait_for; /* the callback returns when this is not 0 */
} told;

static inline int32_t take(void *ctx, const weft_token *t)
{
    told *k = ctx;
    assert_true(k->n < TOLD_MAX && k->bytes + t->text_bytes < sizeof k->text);
    k->n_stop += t->is_stop;
    if (t->id >= 0 && !t->is_stop) /* -1: the rest of a half character */
        k->ids[k->n++] = t->id;
    memcpy(k->text + k->bytes, t->text, (size_t)t->text_bytes);
    k->bytes += (size_t)t->text_bytes;
    atomic_fetch_add(&k->said, 1);
    while (k->wait_for != NULL && atomic_load(k->wait_for) == 0)
        nap();
    return k->n == k->stop_after;
}

/* n tokens after a fresh sequence of the script. */
static inline void generate(rig *r, const int32_t *script, int32_t n, told *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sampling  p = greedy(n);
    weft_sequence *s = rig_sequence(r, script);
    *out = (told){.n = 0};
    rig_check(weft_generate(s, &p, take, out, NULL, &err), &err);
    weft_sequence_destroy(&s);
}

static inline void same_ids(const told *a, const told *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->ids, b->ids, (size_t)a->n * sizeof *a->ids);
}

#endif
