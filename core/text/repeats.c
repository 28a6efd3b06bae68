/* SPDX-License-Identifier: Apache-2.0 */
/* The table of common endings, kept for the last token alone: the next one is made of it in place.
 */
#include "core/text/repeats.h"

#include <string.h>

#include "core/base/mem.h"

static weft_status grow(wf_repeats *r, weft_error *err)
{
    int32_t  cap = r->cap * 2 + 64;
    size_t   n = (size_t)cap;
    int32_t *ids = wf_realloc(r->ids, n * sizeof *ids);
    r->ids = ids != NULL ? ids : r->ids;
    int32_t *match = wf_realloc(r->match, n * sizeof *match);
    r->match = match != NULL ? match : r->match;
    float *logprob = wf_realloc(r->logprob, n * sizeof *logprob);
    r->logprob = logprob != NULL ? logprob : r->logprob;
    if (ids == NULL || match == NULL || logprob == NULL)
        return wf_fail_nomem(err, n * 3 * sizeof *ids, "an answer's tokens");
    r->cap = cap;
    return WEFT_OK;
}

weft_status wf_repeats_add(wf_repeats *r, int32_t id, float logprob, int32_t *held, weft_error *err)
{
    weft_status status = r->n == r->cap ? grow(r, err) : WEFT_OK;
    *held = 0;
    if (status != WEFT_OK)
        return status;
    for (int32_t i = r->n - 1; i >= 0; i--) {
        int32_t before = i > 0 ? r->match[i - 1] : 0;
        r->match[i] = r->ids[i] == id ? before + 1 : 0;
        if (r->match[i] > r->least)
            r->match[i] = r->least;
        if (r->match[i] > *held)
            *held = r->match[i];
    }
    r->ids[r->n] = id;
    r->logprob[r->n] = logprob;
    r->n++;
    return WEFT_OK;
}

void wf_repeats_free(wf_repeats *r)
{
    wf_free(r->ids);
    wf_free(r->match);
    wf_free(r->logprob);
    memset(r, 0, sizeof *r);
}
