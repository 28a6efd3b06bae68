/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors that are in no file: any tensor that is expected is there, bf16, with pseudo-random
 * values, so that a model of any shape can be loaded, packed and run to be measured.
 *
 * The values lie in one block of anonymous memory that is read like a file in the page cache (a
 * memfd: nothing has a name in any directory, and nothing is left behind however the program ends).
 * Each tensor begins at a place of the block that is drawn from its name, and goes round it as
 * often as it must. Most of the block is uniform with standard deviation 0.02, transformers'
 * initializer_range; the weights of norms begin in a part that is uniform in 0.5 to 1.5. */
#ifndef WF_MADE_H
#define WF_MADE_H

#include "core/io/safetensors.h"

typedef struct wf_made wf_made;

/* name is for messages. On success *out is the caller's until wf_made_close, which takes all that
 * was found with it; on failure it is NULL. */
weft_status wf_made_open(const char *name, wf_made **out, weft_error *err);
void        wf_made_close(wf_made **m); /* NULL inside is fine */
/* A tensor that is there from now on; one that is there already stays as it is. LIMIT: its bytes
 * overflow. [setup] */
weft_status wf_made_add(wf_made *m, const char *name, int32_t rank, const int64_t *shape,
                        weft_error *err);
/* NOTFOUND: it was never added. What is given lives as long as m. */
weft_status wf_made_find(const wf_made *m, const char *name, const wf_st_file **file,
                         const wf_st_tensor **t, weft_error *err);
void        wf_made_each(const wf_made *m, void (*fn)(void *ctx, const wf_st_tensor *t), void *ctx);
uint64_t    wf_made_bytes(const wf_made *m); /* of all tensors so far */

#endif
