/* SPDX-License-Identifier: Apache-2.0 */
/* What a model needs of its files, listed and checked whole before anything is read, so that every
 * missing or misshapen name is reported together. */
#ifndef WF_WANT_H
#define WF_WANT_H

#include <stdbool.h>

#include "core/model/directory.h"

/* One expected tensor. */
typedef struct wf_want {
    const char *name;
    int32_t     rank;
    int64_t     shape[4];
} wf_want;

/* Whether a tensor is what is wanted: numbers of a format, in that shape; or a matrix in q8 or q4
 * of as many rows and columns, the axes behind the first flattened. */
bool wf_want_fits(const wf_st_tensor *t, const wf_want *w);

/* Collects problems: up to a handful of names in one sentence, and the count. Weights that cannot
 * be opened are one problem, which takes the place of all others. */
typedef struct wf_problems {
    uint64_t   n;
    bool       no_weights; /* the directory has none at all */
    weft_error broken;     /* the files, the index or memory; OK: the names could be looked up */
    char       text[360];
} wf_problems;
#define WF_PROBLEMS_INIT                                                                           \
    {                                                                                              \
        .broken = WF_ERROR_INIT                                                                    \
    }
void        wf_problems_check(wf_problems *pr, weft_package *p, const wf_want *w);
weft_status wf_problems_report(const wf_problems *pr, const weft_package *p, weft_error *err);

#endif
