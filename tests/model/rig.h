/* SPDX-License-Identifier: Apache-2.0 */
/* An engine, items from a parity file and whole runs, for tests that compare bytes. */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include "support.h"

#include "core/engine/engine.h"
#include "core/io/safetensors.h"

#define RIG_ITEMS 4

typedef struct rig {
    weft_settings *settings;
    weft_engine   *e;
    weft_item     *items[RIG_ITEMS];
    uint32_t       n_items;
    wf_st_file     file; /* the parity file that the first items came from */
    void          *data[8];
    int32_t        n_data;
    char           said[512]; /* the settings */
} rig;

/* Opens with settings_of(pairs); parity (may be NULL) gives the items. */
void rig_open(rig *r, const char *const *pairs, const char *parity);
/* Adds the items of a further parity file. */
void rig_add(rig *r, const char *parity);
void rig_close(rig *r);

/* A script of a sequence: each entry a run of n pseudo-random tokens (n > 0) or item -n-1 (n < 0);
 * 0 ends. Tokens depend on their place only. */
weft_sequence *rig_sequence(rig *r, const int32_t *script);
/* Logits of every row from n_done on, computed in chunks of at most `chunk` (0: as many as fit);
 * malloc'ed [rows, vocab]. */
float *rig_logits(rig *r, weft_sequence *s, int64_t chunk);

/* Logits of a whole script, nothing cached before or after. rows: NULL, or how many they are. */
float *rig_run(rig *r, const int32_t *script, int64_t chunk, int64_t *rows);
/* Fails where a row of logits differs in a byte; what, and the settings, say where. */
void rig_same(const float *a, const float *b, int64_t rows, const rig *r, const char *what);

/* The cosine of the angle between two rows of n numbers. */
double rig_cosine(const float *a, const float *b, int64_t n);

void rig_check(weft_status status, const weft_error *err);

#endif
