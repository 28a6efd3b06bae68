/* SPDX-License-Identifier: Apache-2.0 */
/* A GGUF file, or the parts of one that was split, as the directory that it was made of: its
 * config.json and tokenizer_config.json, and its tensors under transformers' names, in the formats
 * that weft's weights have (core/ops/op.h).
 *
 * Only files of a plain Llama are read (general.architecture llama). F32, F16, BF16, Q8_0 and Q4_1
 * keep their bits, and so do Q4_0 in q4 and Q5_0 in q8. Q4_K becomes q4: its integers stay and its
 * scales are rounded to f16. Q5_1, Q5_K and Q6_K become q8, rounded anew. A type that is none of
 * these is refused by its name. The rows of q and k, which GGUF keeps in pairs for another way to
 * rotate them, are put back in transformers' order.
 * Source: llama.cpp, convert_hf_to_gguf.py (LlamaModel.permute) and gguf-py/gguf/tensor_mapping.py;
 * core/model/gguf_blocks.h for the blocks. */
#ifndef WF_MODEL_GGUF_H
#define WF_MODEL_GGUF_H

#include "core/io/gguf.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"

#define WF_GGUF_TYPES 64 /* no type has a number beyond */
#define WF_GGUF_MAX_PARTS 1024u
#define WF_GGUF_ROPE_DIVISORS "rope_freqs.weight" /* [head_dim / 2] */

typedef struct wf_gguf_model wf_gguf_model;

/* What became of the tensors of one type. */
typedef struct wf_gguf_held {
    const char *type, *held; /* "Q6_K"; "q8" */
    uint64_t    tensors, bytes;
    double      error; /* root mean square of held minus stored over that of stored; 0: none */
} wf_gguf_held;

/* path: the file, or the first of the parts (NAME-00001-of-00003.gguf). Headers are read and
 * checked, no tensor is. loose: for a tokenizer alone, so that a file without a model is fine.
 * NOTFOUND: a file, or one of the parts, is not there. UNSUPPORTED: the file is no plain Llama, or
 * has tensors or types that are not known here. CORRUPT, LIMIT: as wf_gguf_open. On failure *out is
 * NULL. [setup] */
weft_status wf_gguf_model_open(const char *path, bool loose, wf_gguf_model **out, weft_error *err);
void        wf_gguf_model_close(wf_gguf_model **m); /* NULL inside is fine */

/* What config.json and tokenizer_config.json of the directory would be, without the tokens: the
 * caller releases it with json_decref. [setup] */
weft_status wf_gguf_config(const wf_gguf_model *m, json_t **out, weft_error *err);
weft_status wf_gguf_tokenizer_config(const wf_gguf_model *m, json_t **out, weft_error *err);
/* All values of the file as the text of one JSON object, whose keys are the file's, for
 * wf_free. [setup] */
weft_status wf_gguf_text_json(const wf_gguf_model *m, char **text, uint64_t *bytes,
                              weft_error *err);

/* Part i, as a file of tensors; NULL: there are no more. It lives as long as m. */
const wf_st_file *wf_gguf_part(const wf_gguf_model *m, uint32_t i);
/* What became of the tensors, by type in the order of ggml's numbers. Errors are measured on some
 * rows of each tensor. held [cap] is filled; *n: how many there are. [setup] */
weft_status wf_gguf_held_read(const wf_gguf_model *m, wf_gguf_held *held, uint32_t cap, uint32_t *n,
                              weft_error *err);

#endif
