/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: the header fully checked against the file before anything is believed (the rules are
 * those of the reference reader plus: no holes, no duplicates, bounded rank and names). Source:
 * huggingface/safetensors README and tensor.rs. */
#ifndef WF_SAFETENSORS_H
#define WF_SAFETENSORS_H

#include "core/io/file.h"

#define WF_ST_MAX_HEADER 100000000u
#define WF_ST_MAX_TENSORS 1000000u
#define WF_ST_MAX_NAME 1024u
#define WF_ST_MAX_RANK 8

enum wf_st_dtype { WF_ST_F32, WF_ST_BF16, WF_ST_F16, WF_ST_I64, WF_ST_I32, WF_ST_U8, WF_ST_OTHER };

typedef struct wf_st_tensor {
    const char *name; /* owned by the file */
    int32_t     dtype, rank;
    int64_t     shape[WF_ST_MAX_RANK];
    uint64_t    begin, bytes; /* begin: absolute offset in the file */
} wf_st_tensor;

typedef struct wf_st_file {
    wf_file       file;
    wf_st_tensor *tensors; /* sorted by name */
    uint64_t      n_tensors;
    void         *names; /* storage of the names */
} wf_st_file;

weft_status         wf_st_open(const char *path, wf_st_file *out, weft_error *err);
void                wf_st_close(wf_st_file *f);
const wf_st_tensor *wf_st_find(const wf_st_file *f, const char *name); /* NULL: not there */
weft_status wf_st_read(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset, void *dst,
                       uint64_t n, weft_error *err); /* n bytes from offset within the tensor */
uint64_t    wf_st_numel(const wf_st_tensor *t);
const char *wf_st_dtype_name(int32_t dtype);

/* Writing: tensors in C order, header padded so that data starts at a multiple of 8, ordered as the
 * reference writer does (descending alignment, then name). Whole or not at all. */
typedef struct wf_st_out {
    const char *name;
    int32_t     dtype, rank;
    int64_t     shape[WF_ST_MAX_RANK];
    const void *data;
} wf_st_out;
weft_status wf_st_write(const char *path, const wf_st_out *tensors, uint64_t n, weft_error *err);

#endif
