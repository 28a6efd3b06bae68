/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a GGUF model: what its source files share. */
#ifndef WF_MODEL_GGUF_PARTS_H
#define WF_MODEL_GGUF_PARTS_H

#include "core/model/gguf.h"
#include "core/model/gguf_blocks.h"

#define WF_GGUF_ARCH "llama"

/* Where a tensor's rows come from. */
typedef struct wf_gguf_origin {
    const wf_gguf_tensor *t;
    const wf_gguf_rows   *rows;
    int64_t               head; /* rows of a head whose order is GGUF's; 0: it is the same */
} wf_gguf_origin;

typedef struct wf_gguf_part_file {
    wf_st_file      st; /* first: its reader is given this. Its file is the other one's */
    wf_gguf_file    gguf;
    wf_gguf_origin *origins; /* of st.tensors, one each */
} wf_gguf_part_file;

struct wf_gguf_model {
    wf_gguf_part_file *parts;
    uint32_t           n_parts;
};

/* gguf_tensors.c: fills part->st and its origins from part->gguf. m: with the first part open,
 * which has the numbers of heads. */
weft_status wf_gguf_name_tensors(const wf_gguf_model *m, wf_gguf_part_file *part, weft_error *err);

#endif
