/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions by cuDNN 9 (its backend interface, cudnn_graph.h). What a plan is made of has no
 * need of a GPU: the tests make the same plans from the properties of one. */
#ifndef WF_CUDA_DNN_H
#define WF_CUDA_DNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cuda/internal.h"

/* X(result, name, parameters); handles and descriptors are pointers. */
#define WF_CUDNN_FUNCTIONS(X)                                                                      \
    X(size_t, GetVersion, (void))                                                                  \
    X(int, GraphVersionCheck, (void))                                                              \
    X(int, OpsVersionCheck, (void))                                                                \
    X(int, CnnVersionCheck, (void))                                                                \
    X(int, Create, (void **handle))                                                                \
    X(int, Destroy, (void *handle))                                                                \
    X(int, SetStream, (void *handle, CUstream stream))                                             \
    X(int, BackendCreateDescriptor, (int type, void **out))                                        \
    X(int, BackendDestroyDescriptor, (void *descriptor))                                           \
    X(int, BackendSetAttribute,                                                                    \
      (void *descriptor, int name, int type, int64_t n, const void *values))                       \
    X(int, BackendGetAttribute,                                                                    \
      (void *descriptor, int name, int type, int64_t most, int64_t *n, void *values))              \
    X(int, BackendFinalize, (void *descriptor))                                                    \
    X(int, BackendExecute, (void *handle, void *plan, void *pack))

typedef struct wf_cudnn {
#define WF_CUDNN_MEMBER(result, name, parameters) result(*name) parameters;
    WF_CUDNN_FUNCTIONS(WF_CUDNN_MEMBER)
#undef WF_CUDNN_MEMBER
    void *library;
} wf_cudnn;

/* Opens libcudnn.so.9, with its further libraries from the folder where it lies, whatever else the
 * loader would find; false: `why` says what is missing. api->library may be there then, too. */
#define WF_CUDNN_WHY 320
bool wf_cudnn_open(wf_cudnn *api, char why[WF_CUDNN_WHY]);

/* x [n, h, w, c], w [out, kh, kw, c] and y [n, oh, ow, out], all f32 in C order; c is a multiple of
 * 8. The pads are top, bottom, left, right. */
typedef struct wf_dnn_shape {
    int64_t n, c, h, w, out, kh, kw, oh, ow;
    int64_t stride[2], pad[4];
} wf_dnn_shape;

#define WF_DNN_PARTS 8 /* tensors, convolution, operation, graph, way and plan */

typedef struct wf_dnn_plan {
    void   *parts[WF_DNN_PARTS]; /* descriptors, of which the last is the plan's own */
    int32_t n_parts;
    int64_t workspace; /* bytes */
} wf_dnn_plan;

/* A plan for the GPU of the handle or, with handle NULL, for the properties (a descriptor); its
 * workspace is at most `most`. Its sums are plain ones: no Winograd, no Fourier transform, no sums
 * in fewer bits, and the same order every time. false: cuDNN knows none, or something is short just
 * now. wf_dnn_plan_free after either. */
bool wf_dnn_plan_make(const wf_cudnn *api, const wf_dnn_shape *s, void *handle, void *properties,
                      int64_t most, wf_dnn_plan *out);
void wf_dnn_plan_free(const wf_cudnn *api, wf_dnn_plan *p);

/* ---- on a device (dnn.c) ---- */

/* Whether there is a cuDNN to be used: looks for it the first time. The context is entered. */
bool     wf_cuda_dnn_has(wf_cuda_device *d);
uint64_t wf_cuda_dnn_workspace(void);
/* Whether there is a plan for the shape: makes it where none was. It costs nothing on the GPU. A
 * shape that failed is tried again after some calls, of which there are more each time. */
bool wf_cuda_dnn_plans(wf_cuda_queue *q, const wf_dnn_shape *s);
/* While a graph is recorded no plan is thrown away: the graph may name it. On a thread that calls
 * begin, end follows. */
void wf_cuda_dnn_record_begin(wf_cuda_device *d);
void wf_cuda_dnn_record_end(wf_cuda_device *d);
/* Enqueues y = conv(x, w); false: it does not, and nothing is enqueued. workspace: of
 * wf_cuda_dnn_workspace() bytes. */
bool wf_cuda_dnn_conv(wf_cuda_queue *q, const wf_dnn_shape *s, const float *x, const float *w,
                      float *y, void *workspace);

#endif
