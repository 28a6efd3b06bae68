/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over the files of a command. */
#include "command/walk.h"

#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "input/interrupt.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

static bool must_stop(const cli *c, const cli_tally *t)
{
    return cli_out_failed() || cli_interrupted() ||
           (t->code != CLI_EXIT_OK && cli_has(c, OWN_FAIL_FAST));
}

/* A walk in progress. */
typedef struct state {
    const cli_walk *walk;
    cli_files      *files;
    cli_tally      *tally;
    cli_ordered     order;
    uint32_t        at_work;
    bool            at_end;
} state;

/* A folder that cannot be read is one failure among others; without memory nothing goes on. */
static void fail_next(state *s, cli_place **place, const weft_error *err)
{
    cli_tally_fail(s->tally, *place, err, weft_exit_code(err));
    if (*place != NULL)
        cli_tally_end(s->tally, place);
    s->at_end = err->code == WEFT_E_NOMEM;
}

static void start_next(state *s)
{
    weft_error  err = CLI_ERROR_INIT;
    cli_file    file = {.path = NULL};
    weft_status st = cli_files_next(s->files, &file, &err);
    if (st == WEFT_OK && file.path == NULL) {
        s->at_end = true;
        return;
    }
    cli_place *place = cli_place_begin(&s->order, file.path);
    if (place == NULL) {
        free(file.path);
        err.code = st = WEFT_E_NOMEM;
        strcpy(err.message, "out of memory: the results of a file");
    }
    if (st != WEFT_OK) {
        fail_next(s, &place, &err);
        return;
    }
    cli_ordered_starting(&s->order, place);
    s->at_work += s->walk->start(s->walk->ctx, &file, place);
    cli_ordered_starting(&s->order, NULL);
}

static bool has_room(const state *s)
{
    const cli_walk *w = s->walk;
    return s->at_work == 0 || (s->at_work < w->at_once && (w->room == NULL || w->room(w->ctx)));
}

void cli_walk_files(const cli_walk *w, const cli *c, cli_files *f, cli_tally *t)
{
    state s = {.walk = w, .files = f, .tally = t};
    if (f->many && cli_err_is_terminal())
        cli_progress_total(cli_files_count(c->operands, c->n_operands, f->recursive));
    cli_ordered_listen(&s.order);
    for (;;) {
        while (has_room(&s) && !s.at_end && !must_stop(c, t))
            start_next(&s);
        if (s.at_work == 0)
            break;
        s.at_work -= w->wait(w->ctx);
    }
    cli_ordered_listen(NULL);
    if (t->n_done > 0 || t->n_failed > 0)
        cli_tally_tell_skipped(t);
    if (cli_interrupted()) {
        t->code = CLI_EXIT_INTERRUPTED;
    } else if (t->n_done == 0 && t->n_failed == 0 && !cli_out_failed() && c->n_operands > 0) {
        cli_say("%.600s: %s%s", c->operands[0], w->nothing,
                t->n_skipped > 0 ? " (-v says which files were skipped)" : "");
        t->code = CLI_EXIT_MEDIA;
    }
}

uint64_t cli_spare_memory(const cli *c)
{
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    for (uint32_t i = 0; weft_device_at(c->settings, i, &d); i++)
        if (d.chosen)
            return d.free_bytes / 2;
    return 0;
}
