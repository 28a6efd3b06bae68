/* SPDX-License-Identifier: Apache-2.0 */
/* weft/package.h: what the host reads for a plugin: options, a model directory's files, JSON and
 * weights. A plugin never opens a path or a socket itself. */
#ifndef WEFT_PACKAGE_H
#define WEFT_PACKAGE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The values of the options that the plugin's descriptor declares; already checked against their
 * declared types and ranges. A key that was not declared reads as 0, 0.0 or NULL. */
#define WEFT_IF_OPTIONS "weft.options/1"
typedef struct weft_if_options {
    weft_hdr hdr;
    int64_t (*i64)(const weft_host *h, const char *key);     /* [setup] also bools: 0 or 1 */
    double (*f64)(const weft_host *h, const char *key);      /* [setup] */
    const char *(*str)(const weft_host *h, const char *key); /* [setup] lives until deinit */
    /* An option of type PACKAGE, opened by the host; NULL if not given. [setup] */
    const weft_package *(*package)(const weft_host *h, const char *key);
} weft_if_options;

/* Bytes at offsets, wherever they come from. Both functions are there always. */
typedef struct weft_source {
    weft_hdr hdr;
    void    *ctx;
    /* Up to n bytes to dst; how many there were: fewer only at the end, 0 beyond it; below 0: a
     * status (WEFT_E_IO, WEFT_E_CANCELLED, ...). [worker] */
    int64_t (*read_at)(void *ctx, uint64_t offset, void *dst, uint64_t n);
    int64_t (*length)(void *ctx); /* in bytes; -1: unknown (a pipe). [worker] */
} weft_source;

/* A model directory, or a GGUF file, which is seen as a directory with config.json,
 * tokenizer_config.json, gguf.json (all its values by their keys, as one JSON object) and
 * model.gguf, the file itself. `file` is a plain name within it, never a path. JSON values are
 * addressed by path: "vision_config.intermediate_layers_indices[3]". All [setup]. */
#define WEFT_IF_PACKAGE "weft.package/1"
typedef struct weft_if_package {
    weft_hdr hdr;
    /* out->hdr.size is set by the caller; what it gets is valid until the plugin's deinit.
     * NOTFOUND: no such file. */
    weft_status (*open)(const weft_host *h, const weft_package *p, const char *file,
                        weft_source *out, weft_error *err);
    /* NOTFOUND where the file or the value is absent or null, so that the caller states its
     * default; CORRUPT where the value has another type. Strings live until deinit. */
    weft_status (*json_count)(const weft_host *h, const weft_package *p, const char *file,
                              const char *path, int64_t *n, weft_error *err);
    weft_status (*json_i64)(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, int64_t *v, weft_error *err);
    weft_status (*json_f64)(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, double *v, weft_error *err);
    weft_status (*json_str)(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, const char **v, weft_error *err);
    weft_status (*json_bool)(const weft_host *h, const weft_package *p, const char *file,
                             const char *path, int32_t *v, weft_error *err);
} weft_if_package;

#define WEFT_USE_PLAIN 0u /* a device tensor in C order, f32: norms, biases, tables */
/* [out, in], packed for ops.linear and ops.conv: opaque (WEFT_TENSOR_PACKED). Its format is the
 * host's choice (--dtype; quantised weights come the same way), so its dtype is not to be looked
 * at. ndim may be more than 2: the rest is flattened into in. */
#define WEFT_USE_LINEAR 1u
#define WEFT_USE_HOST 2u /* f32, readable on the host (gates, small tables) */

typedef struct weft_weight {
    weft_hdr    hdr;
    const char *name; /* the full name in the package */
    uint32_t    use;  /* WEFT_USE_* */
    int32_t     ndim;
    int64_t     shape[WEFT_MAX_DIMS];
} weft_weight;

/* Where a modality says, before it loads anything, which weights it will ask for (modality.h), so
 * that the host can tell what they will take. */
typedef struct weft_weight_sink {
    weft_hdr hdr;
    void    *ctx;
    /* n weights of p, as weights.get will be asked for them, in one call or several. want is walked
     * by WEFT_AT and dies with the call. No weights need be there:
     * --plan works with config.json alone. INVALID: a weight that get would refuse for its form.
     * [setup] */
    weft_status (*add)(void *ctx, const weft_package *p, const weft_weight *want, uint32_t n,
                       weft_error *err);
} weft_weight_sink;

#define WEFT_IF_WEIGHTS "weft.weights/1"
typedef struct weft_if_weights {
    weft_hdr hdr;
    /* Loads n tensors at once, so that every missing or misshapen name is reported together.
     * out[i] is a view that lives until the last of the plugin's modalities was destroyed. Stored
     * f32, f16 and bf16 are converted to what `use` says. want is walked by WEFT_AT; out [n] is
     * filled whole or, after a failure, not to be read. STATE: there is no device before create.
     * [setup] */
    weft_status (*get)(const weft_host *h, const weft_package *p, const weft_weight *want,
                       uint32_t n, weft_tensor *out, weft_error *err);
    /* 1: p has a tensor of that name, of any shape. [setup] */
    int32_t (*has)(const weft_host *h, const weft_package *p, const char *name);
} weft_if_weights;

#ifdef __cplusplus
}
#endif
#endif
