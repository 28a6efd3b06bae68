/* SPDX-License-Identifier: Apache-2.0 */
/* Items that wait in the requests of a scheduler go through their encoder together: which do, and
 * what becomes of them where one is cancelled or fails, or somebody else comes between. */
#include "jobs.h"

#define MOST 20

/* The items that the encoder was given in each call, as "3 1 1 ". */
static char calls[80];

static void note(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    size_t n = strlen(calls);
    (void)done, (void)unit;
    if (strcmp(what, "encode") != 0)
        return;
    snprintf(calls + n, sizeof calls - n, "%d ", (int)total);
    for (weft_job **job = ctx; job != NULL && *job != NULL; job++)
        weft_job_cancel(*job);
}

/* cancels: requests up to NULL that are cancelled within each call of the encoder, or NULL. */
static void listen(rig *r, weft_job **cancels)
{
    r->e->progress = (weft_progress){note, cancels};
    calls[0] = '\0';
}

/* Requests, each with an item of its own. */
typedef struct many {
    weft_scheduler *s;
    int32_t         n;
    char            rows[MOST][4];
    weft_item      *items[MOST];
    weft_sequence  *seqs[MOST];
    weft_job       *jobs[MOST];
    heard           heard[MOST];
} many;

/* One of each mood. */
static void open_many(rig *r, const char *moods, many *m)
{
    *m = (many){.s = scheduler(r), .n = (int32_t)strlen(moods)};
    for (int32_t i = 0; i < m->n; i++) {
        snprintf(m->rows[i], sizeof m->rows[i], "%c%s", 'a' + i, i % 3 == 1 ? "yz" : "x");
        m->items[i] = open_item(r, moods[i], m->rows[i]);
        m->seqs[i] = with_item(r, m->items[i]);
        m->seqs[i]->no_cache = 1;
        m->jobs[i] = add(m->s, m->seqs[i], 4, &m->heard[i]);
    }
}

static void finish(many *m)
{
    while (step(m->s) > 0)
        continue;
}

/* The answers of those that ended well are those that they give alone, and so are their items. */
static void close_many(rig *r, many *m)
{
    r->e->progress = (weft_progress){NULL, NULL}; /* the requests to cancel go */
    weft_scheduler_destroy(&m->s);
    for (int32_t i = 0; i < m->n; i++) {
        told want;
        assert_int_equal(m->heard[i].ended, 1);
        weft_job_release(&m->jobs[i]);
        weft_sequence_destroy(&m->seqs[i]);
        if (m->heard[i].status == WEFT_OK) {
            sound(m->items[i], m->rows[i]);
            weft_item_release(&m->items[i]); /* another takes its place */
            m->items[i] = open_item(r, 'n', m->rows[i]);
            alone(r, m->items[i], &want);
            same_ids(&m->heard[i].t, &want);
        }
        weft_item_release(&m->items[i]);
    }
}

/* As many as wait and fit, in the order of their requests. */
static void form(rig *r)
{
    many m;
    open_many(r, "nnnnnnnnnnnnnnnnnn", &m);
    listen(r, NULL);
    finish(&m);
    assert_string_equal(calls, "16 2 ");
    for (int32_t i = 0; i < m.n; i++)
        assert_int_equal(m.heard[i].status, WEFT_OK);
    close_many(r, &m);
}

static void test_form(void **state)
{
    (void)state;
    each(form, MODEL, NULL);
}

/* A batch stays under way while text goes on, and what comes meanwhile is the next batch. An item
 * that several requests hold, or one holds twice, is encoded once. */
static void under_way(rig *r)
{
    many           m;
    weft_error     err = WF_ERROR_INIT;
    heard          text = {.ended = 0}, twice = {.ended = 0};
    weft_sequence *a = rig_sequence(r, (const int32_t[]){20, 0}), *b;
    open_many(r, "nnn", &m);
    b = with_item(r, m.items[1]);
    rig_check(weft_sequence_feed_item(b, m.items[1], &err), &err);
    weft_job *jobs[] = {add(m.s, a, 9, &text), add(m.s, b, 4, &twice), NULL};
    listen(r, NULL);
    spy_zero();
    the_spy.refuse = 1000;
    for (int i = 0; i < 8; i++) {
        step(m.s);
        assert_true(the_spy.encoder_waits == 0 && m.items[0]->encoding != NULL);
        assert_ptr_equal(m.items[2]->encoding, m.items[0]->encoding);
    }
    assert_true(text.t.n == 8 && m.heard[0].t.n == 0);
    weft_item     *late[] = {open_item(r, 'n', "late"), open_item(r, 'n', "later")};
    weft_sequence *c[] = {with_item(r, late[0]), with_item(r, late[1])};
    heard          of_late[] = {{.ended = 0}, {.ended = 0}};
    weft_job      *more[] = {add(m.s, c[0], 4, &of_late[0]), add(m.s, c[1], 4, &of_late[1])};
    finish(&m);
    the_spy.refuse = 0;
    assert_string_equal(calls, "3 2 ");
    assert_true(text.status == WEFT_OK && twice.status == WEFT_OK && twice.t.n == 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(of_late[i].status, WEFT_OK);
        weft_job_release(&jobs[i]);
        weft_job_release(&more[i]);
        weft_sequence_destroy(&c[i]);
        weft_item_release(&late[i]);
    }
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&b);
    close_many(r, &m);
}

static void test_under_way(void **state)
{
    (void)state;
    each(under_way, MODEL, NULL);
}

/* One that fails in the call, and one that gives no numbers: each is told of its own file, to every
 * request that has it, and the others have their answers. */
static void one_fails(rig *r)
{
    static const struct {
        const char *moods, *calls;
        weft_status status;
        int32_t     code;
        const char *said;
    } cases[] = {{"nnfn", "4 1 1 1 1 ", WEFT_E_CORRUPT, 3, "in a bad mood"},
                 {"fnn", "3 1 1 1 ", WEFT_E_CORRUPT, 3, "in a bad mood"},
                 {"nNnn", "4 1 ", WEFT_E_NUMERIC, 8, "holds NaN"},
                 {"nnNf", "4 1 1 1 1 ", WEFT_E_NUMERIC, 8, "holds NaN"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        many    m;
        int32_t bad = (int32_t)strcspn(cases[c].moods, "fN");
        open_many(r, cases[c].moods, &m);
        listen(r, NULL);
        finish(&m);
        assert_string_equal(calls, cases[c].calls);
        for (int32_t i = 0; i < m.n; i++)
            assert_int_equal(m.heard[i].status == WEFT_OK, cases[c].moods[i] == 'n');
        assert_non_null(strstr(m.heard[bad].why.message, m.items[bad]->file));
        refused(m.heard[bad].status, &m.heard[bad].why, cases[c].status, cases[c].code,
                cases[c].said);
        close_many(r, &m);
    }
}

static void test_one_fails(void **state)
{
    (void)state;
    each(one_fails, MODEL, NULL);
}

/* Two requests have the item that fails: both are told. */
static void shared_failure(rig *r)
{
    many  m;
    heard too = {.ended = 0};
    open_many(r, "nNn", &m);
    weft_sequence *b = with_item(r, m.items[1]);
    weft_job      *job = add(m.s, b, 4, &too);
    finish(&m);
    assert_true(too.status == WEFT_E_NUMERIC && m.heard[1].status == WEFT_E_NUMERIC);
    assert_true(m.heard[0].status == WEFT_OK && m.heard[2].status == WEFT_OK);
    weft_job_release(&job);
    weft_sequence_destroy(&b);
    close_many(r, &m);
}

static void test_shared_failure(void **state)
{
    (void)state;
    each(shared_failure, MODEL, NULL);
}

/* Requests 0 to n - 1 of three are cancelled within the call: the encoder goes on for the others,
 * and stops once all are. */
static void cancelled_within(rig *r)
{
    for (int32_t n = 1; n <= 3; n++) {
        many m;
        open_many(r, "nnn", &m);
        weft_job *cancels[4] = {NULL};
        memcpy(cancels, m.jobs, (size_t)n * sizeof(weft_job *));
        listen(r, cancels);
        finish(&m);
        assert_string_equal(calls, "3 ");
        for (int32_t i = 0; i < 3; i++) {
            assert_int_equal(m.heard[i].status, i < n ? WEFT_E_CANCELLED : WEFT_OK);
            assert_int_equal(m.items[i]->encoded, n < 3);
            assert_false(m.items[i]->spoils);
        }
        close_many(r, &m);
    }
}

static void test_cancelled_within(void **state)
{
    (void)state;
    each(cancelled_within, MODEL, NULL);
}

/* One is cancelled while the batch is under way: its request ends at once, and its sequence and
 * item may go. */
static void cancelled_meanwhile(rig *r)
{
    many           m;
    heard          text = {.ended = 0};
    weft_sequence *a = rig_sequence(r, (const int32_t[]){20, 0});
    open_many(r, "nnn", &m);
    weft_job *job = add(m.s, a, 30, &text);
    listen(r, NULL);
    the_spy.refuse = 4;
    step(m.s);
    assert_non_null(m.items[0]->encoding);
    weft_job_cancel(m.jobs[0]);
    step(m.s);
    assert_true(m.heard[0].ended == 1 && m.heard[0].status == WEFT_E_CANCELLED);
    weft_sequence_destroy(&m.seqs[0]);
    weft_item_release(&m.items[0]); /* the scheduler holds it */
    assert_non_null(m.items[1]->encoding);
    finish(&m);
    assert_string_equal(calls, "3 ");
    assert_true(m.heard[1].status == WEFT_OK && m.heard[2].status == WEFT_OK);
    assert_true(text.status == WEFT_OK && text.t.n == 30);
    weft_job_release(&job);
    weft_sequence_destroy(&a);
    close_many(r, &m);
}

static void test_cancelled_meanwhile(void **state)
{
    (void)state;
    each(cancelled_meanwhile, MODEL, NULL);
}

/* While a batch is under way another scheduler's request comes for one of its items, or somebody
 * steps with one. */
static void come_between(rig *r, bool steps)
{
    many            m;
    weft_error      err = WF_ERROR_INIT;
    heard           other = {.ended = 0}, text = {.ended = 0};
    float          *logits = malloc((size_t)r->e->config.vocab * sizeof *logits);
    weft_scheduler *second = scheduler(r);
    open_many(r, "nNnn", &m);
    weft_sequence *own = with_item(r, m.items[2]), *a = rig_sequence(r, (const int32_t[]){20, 0});
    weft_job      *jobs[] = {add(m.s, a, 9, &text), NULL};
    listen(r, NULL);
    the_spy.refuse = 1000;
    step(m.s);
    assert_true(m.items[2]->encoding != NULL && m.items[2]->encoding == m.items[0]->encoding);
    if (steps)
        rig_check(weft_step(r->e, &own, 1, logits, &err), &err);
    else
        jobs[1] = add(second, own, 4, &other);
    while (step(second) > 0)
        continue;
    sound(m.items[2], m.rows[2]);
    assert_true(m.items[0]->encoded && !m.items[1]->encoded);
    finish(&m);
    the_spy.refuse = 0;
    assert_string_equal(calls, "4 1 ");
    assert_true(other.status == WEFT_OK && m.heard[1].status == WEFT_E_NUMERIC);
    for (int i = 0; i < 2; i++)
        weft_job_release(&jobs[i]);
    weft_scheduler_destroy(&second);
    weft_sequence_destroy(&own);
    weft_sequence_destroy(&a);
    free(logits);
    close_many(r, &m);
}

static void others_between(rig *r)
{
    come_between(r, true);
    come_between(r, false);
}

static void test_others_between(void **state)
{
    (void)state;
    each(others_between, MODEL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_under_way),
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_shared_failure),
        cmocka_unit_test(test_cancelled_within),
        cmocka_unit_test(test_cancelled_meanwhile),
        cmocka_unit_test(test_others_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
