/* SPDX-License-Identifier: Apache-2.0 */
/* The Whisper encoder: sizes, weights and the work of one chunk of a recording. It is compiled into
 * every plugin whose model hears through it. Source: transformers 4.49 models/whisper.
 *
 * A recording becomes log-mel *frames* of 10 ms and `bins` values each (mel.h,
 * spk_features_whisper). The encoder makes one *row* of two frames. It takes at most 2 *
 * `positions` frames at once, so longer recordings are encoded in *chunks*. */
#ifndef SPK_WHISPER_H
#define SPK_WHISPER_H

#include "../../common/keys.h"
#include "../../common/run.h"

#define SPK_WHISPER_MAX_LAYERS 512

typedef struct spk_whisper_config {
    int32_t d, d_ffn, n_heads, n_layers;
    int32_t bins, positions; /* mel bins of a frame; most rows of a chunk */
    int32_t act, reserved;   /* WEFT_ACT_* of the feed-forward */
} spk_whisper_config;

/* The keys that a family's configuration has for the sizes, in the order of the struct from d to
 * positions, with their defaults and ranges. */
#define SPK_WHISPER_KEYS 6
/* WhisperConfig's. */
extern const plg_int_key spk_whisper_keys[SPK_WHISPER_KEYS];

/* Reads the sizes by these keys, and activation_function (absent: gelu). type: what model_type must
 * be where it is there. width_key: the key of d, for the message where d is no multiple of n_heads.
 * INVALID names file, key, value and range. [setup] */
weft_status spk_whisper_config_read(const plg_keys *k, const char *type,
                                    const plg_int_key   keys[SPK_WHISPER_KEYS],
                                    spk_whisper_config *c);

typedef struct spk_whisper_layer {
    plg_pair attn_norm, ffn_norm, q, k, v, out, up, down;
} spk_whisper_layer;

typedef struct spk_whisper_weights {
    plg_pair           conv1, conv2; /* [d, bins or d, 3] */
    weft_tensor        positions;    /* [positions, d] */
    spk_whisper_layer *layers;       /* [n_layers]; whoever asks for them gives the memory */
    plg_pair           norm;
} spk_whisper_weights;

/* Asks for the encoder's weights, whose names start with `prefix`; to->layers is room for
 * c->n_layers. [setup] */
void spk_whisper_ask(plg_request *r, const spk_whisper_config *c, const char *prefix,
                     spk_whisper_weights *to);
/* Asks for n encoder layers `prefix` "layers.0." and so on. [setup] */
void spk_whisper_ask_layers(plg_request *r, const spk_whisper_config *c, int32_t n,
                            const char *prefix, spk_whisper_layer *layers);

/* A run of ops, and the zeros that spk_whisper_clear copies. All functions below are [encode]. */
typedef struct spk_whisper_run {
    plg_run     on;
    weft_tensor zero; /* [1]: 0.0 */
} spk_whisper_run;

/* Starts a run: the arena gives it its zero. */
void spk_whisper_begin(spk_whisper_run *r, plg_arena *a);
/* Counts in the arena what spk_whisper_begin takes. */
static inline void spk_whisper_begin_room(plg_arena *a)
{
    (void)plg_carve(a, WEFT_F32, 1, 0);
}

/* y = norm of each row of x: a layer norm where w has a bias, else an RMS norm. y may be x. */
void spk_whisper_norm(spk_whisper_run *r, const weft_tensor *y, const weft_tensor *x,
                      const plg_pair *w);
void spk_whisper_clear(spk_whisper_run *r, const weft_tensor *x); /* x [rows, d] = 0 */

/* What of a recording is encoded at once. */
typedef struct spk_whisper_chunk {
    int64_t n;        /* frames of the recording */
    int64_t n_frames; /* the same with frames of zeros behind them */
    int64_t n_rows;   /* (n_frames - 1) / 2 + 1 */
    int64_t n_keys;   /* the first ones of them: those that rows attend to */
} spk_whisper_chunk;

/* Encodes a chunk: frames [k->n, bins] to x [k->n_rows, d]. Lays its buffers out in the arena; with
 * r NULL it does no more, which is how scratch memory is counted. */
void spk_whisper_encode(spk_whisper_run *r, const spk_whisper_config *c,
                        const spk_whisper_weights *w, const spk_whisper_chunk *k,
                        const weft_tensor *frames, const weft_tensor *x, plg_arena *a);

/* Encoder layers and how many rows they work on. */
typedef struct spk_whisper_tower {
    const spk_whisper_layer *layers;
    int32_t                  n_layers, reserved;
    int64_t                  n_rows, n_keys; /* every row attends to the first n_keys rows */
} spk_whisper_tower;

/* Runs the layers on x [t->n_rows, d], in place, likewise. c: d, d_ffn, n_heads and act. */
void spk_whisper_layers(spk_whisper_run *r, const spk_whisper_config *c, const spk_whisper_tower *t,
                        const weft_tensor *x, plg_arena *a);

#endif
