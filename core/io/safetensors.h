/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes safetensors files. When a file is opened its whole header is checked against the
 * file. The rules are those of the reference reader, and further ones: no holes between tensors, no
 * duplicate names, and limits on rank and on the length of names. Source: huggingface/safetensors
 * README and tensor.rs. */
#ifndef WF_SAFETENSORS_H
#define WF_SAFETENSORS_H

#include "core/io/file.h"
#include "core/io/writer.h"

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

typedef struct wf_st_file wf_st_file;
/* Makes n bytes of a tensor from `offset` within it, which lie within the tensor. Any thread. */
typedef weft_status (*wf_st_reader)(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset,
                                    void *dst, uint64_t n, weft_error *err);
struct wf_st_file {
    wf_file       file;
    wf_st_tensor *tensors; /* sorted by name */
    uint64_t      n_tensors;
    void         *names; /* storage of the names */
    wf_st_reader  read; /* of tensors that lie in no safetensors file (core/model/made.h and gguf.h)
                           and whose `begin` is the reader's own; NULL: they lie in this one */
};

weft_status         wf_st_open(const char *path, wf_st_file *out, weft_error *err);
void                wf_st_close(wf_st_file *f);
const wf_st_tensor *wf_st_find(const wf_st_file *f, const char *name); /* NULL: not there */
/* Reads n bytes of a tensor, from `offset` within it. Any thread. */
weft_status wf_st_read(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset, void *dst,
                       uint64_t n, weft_error *err);
uint64_t    wf_st_numel(const wf_st_tensor *t);
const char *wf_st_dtype_name(int32_t dtype);
/* n values of f32 from as many that are stored as WF_ST_F32, WF_ST_BF16 or WF_ST_F16; each is
 * exact. src may be dst, or the last n elements of dst's memory: an element is read before anything
 * is written over it. */
void wf_st_to_f32(float *dst, const void *src, int32_t st_dtype, uint64_t n);

/* A tensor to be written, in C order. wf_st_write writes the same bytes as the reference writer:
 * the header is padded so that the data starts at a multiple of 8, and tensors are ordered by
 * alignment, the largest first, and then by name. The file is written as a whole or not at all. */
typedef struct wf_st_out {
    const char *name;
    int32_t     dtype, rank;
    int64_t     shape[WF_ST_MAX_RANK];
    const void *data;
} wf_st_out;
weft_status wf_st_write(const char *path, const wf_st_out *tensors, uint64_t n, weft_error *err);
/* The same of tensors that need not be in memory: put writes the bytes of each, of which there are
 * as many as dtype and shape say, to the file; data is not looked at. put is called in the order of
 * the file, and its failure is the call's. */
typedef weft_status (*wf_st_put)(void *ctx, const wf_st_out *t, wf_writer *w, weft_error *err);
weft_status wf_st_write_by(const char *path, const wf_st_out *tensors, uint64_t n, wf_st_put put,
                           void *ctx, weft_error *err);

#endif
