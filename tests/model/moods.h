/* SPDX-License-Identifier: Apache-2.0 */
/* Engines with the plugin of moods (plugins/moods.c says what its files hold), and such files. */
#ifndef TEST_MOODS_H
#define TEST_MOODS_H

#include "expect.h"

#include <unistd.h>

#define MOODS_MODEL WEFT_SOURCE_DIR "/models/demo/text"

/* A file of that mood whose rows are n bytes of its own; path is this process's. */
static inline const char *mood_file(char mood, const char *rows)
{
    static char path[80];
    snprintf(path, sizeof path, "/tmp/weft-moods-%ld-%c", (long)getpid(), mood);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "MOOD%c%s", mood, rows);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline void mood_item(weft_engine *e, char mood, const char *rows, weft_item **out)
{
    weft_error        err = WF_ERROR_INIT;
    weft_item_request rq = WEFT_ITEM_REQUEST(mood_file(mood, rows));
    rig_check(weft_item_open(e, &rq, out, &err), &err);
    unlink(rq.path);
}

/* model: "model=DIR"; more: one further setting, or NULL. progress may be NULL. */
static inline void moods_open(rig *r, const char *model, const char *more,
                              const weft_progress *progress)
{
    const char *pairs[] = {model, "plugin=" WEFT_MOODS_PLUGIN, "threads=2", more, NULL};
    weft_error  err = WF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, 0, progress, &r->e, &err), &err);
}

#endif
