/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.llava.
 *
 * The words of the code: a tower (CLIP or SigLIP) makes rows of a square tile of a picture, a
 * projector of two linear layers makes a soft token of each. LLaVA has one tile a picture;
 * LLaVA-NeXT cuts a picture into more: the *base* tile, which is the whole picture, and the tiles
 * of the best of several *resolutions*, whose tokens are laid out as one grid, without the padding
 * and with the row image_newline behind each line. Source of every formula: transformers 4.49
 * models/llava and models/llava_next. */
#ifndef LLV_LLAVA_H
#define LLV_LLAVA_H

#include "weft/sdk.h"

#include "../../common/keys.h"
#include "../../common/modality.h"
#include "../shared/preprocess.h"
#include "../shared/tower.h"

#define LLV_ID "weft.llava"
#define LLV_VERSION "0.1.0"
#define LLV_ARCHITECTURE "LlavaForConditionalGeneration"
#define LLV_ARCHITECTURE_NEXT "LlavaNextForConditionalGeneration"
#define LLV_STREAM "weft.llava/image"
#define LLV_MARKER "<image>"
#define LLV_CONFIG "config.json"
#define LLV_PREPROCESSOR "preprocessor_config.json"

#define LLV_MAX_LAYERS 8       /* of the tower that are read */
#define LLV_MAX_RESOLUTIONS 64 /* that a picture may be given */
#define LLV_MAX_TILES 64       /* of a picture, the base one not counted */

typedef struct llv_size {
    int32_t width, height;
} llv_size;

/* How the picture is brought to the tile's shape. */
typedef enum llv_fit {
    LLV_FIT_CROP,   /* the shorter side fits, the middle is cut out: CLIP's processor */
    LLV_FIT_STRETCH /* both sides fit: SigLIP's processor */
} llv_fit;

typedef struct llv_config {
    vis_tower_config tower;                  /* its n_layers: the deepest that is read */
    int32_t          layers[LLV_MAX_LAYERS]; /* read after so many blocks, in this order */
    int32_t          n_layers;
    int32_t          drops_first; /* the first row is left out: "default" */
    int32_t          rows;        /* of a tile that go to the projector */
    int32_t          act, has_bias, d_text;
    int32_t          image_id;
    int32_t          is_next;
    int32_t          has_newline; /* is_next: image_newline is in the directory */
    int32_t          n_resolutions;
    llv_size         resolutions[LLV_MAX_RESOLUTIONS];
    llv_fit          fit;
    vis_image_config image;
    const char      *describe; /* the prompt; lives until deinit */
} llv_config;

/* Reads and range-checks config.json and preprocessor_config.json. UNSUPPORTED: another
 * architecture's directory; INVALID names key, value and range. [setup] */
weft_status llv_config_read(const weft_host *h, const weft_package *p, llv_config *out,
                            weft_error *err);
/* processor.c: the second of the two files, which may be absent. [setup] */
weft_status llv_processor_read(const weft_host *h, const weft_package *p, llv_config *c,
                               weft_error *err);

/* A picture's tiles. */
typedef struct llv_grid {
    llv_size picture;    /* as it came */
    llv_size full;       /* the resolution; 0 x 0: the base tile alone */
    int32_t  rows, cols; /* tiles of the resolution */
    int32_t  top, left;  /* lines and columns of tokens that are padding, on either side */
    int32_t  n_tokens;   /* of the whole picture */
} llv_grid;

/* anyres.c: the grid of a picture of these sizes, which are 1 to VIS_MAX_SIDE. [any] */
llv_grid              llv_grid_of(const llv_config *c, int32_t width, int32_t height);
static inline int32_t llv_grid_tiles(const llv_grid *g)
{
    return 1 + g->rows * g->cols;
}
/* anyres.c: where each of the n_tokens comes from: index into the projected rows of all tiles, the
 * base's first; the row behind them is image_newline. [any] */
void llv_grid_index(const llv_config *c, const llv_grid *g, int32_t *index);
/* anyres.c: the size of a picture that fits into a resolution with its aspect kept. [any] */
llv_size llv_grid_fit(llv_size picture, llv_size full);

/* picture.c: reads the picture of media and makes its tiles, f32 [tiles, 3, tile, tile], bit for
 * bit as the reference where Pillow resizes. LIMIT, NOMEM, or the decoder's failure. [worker] */
weft_status llv_picture_read(const plg_pool *pool, const weft_media *media, const llv_config *c,
                             const llv_grid *g, float *dst, weft_error *err);

typedef struct llv_weights {
    vis_tower   tower;
    plg_pair    linear1, linear2;
    weft_tensor newline; /* [d_text] */
} llv_weights;

/* Names of tensors begin in one of two ways: as on the hub, and as models lie in memory since
 * transformers 4.52. */
typedef struct llv_names {
    const char *tower, *projector, *newline, *text, *head;
} llv_names;
/* [setup] */
const llv_names *llv_names_of(const weft_host *h, const weft_package *p);

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status llv_weights_load(const weft_host *h, const weft_package *p, const llv_config *c,
                             llv_weights *out, weft_error *err);
void        llv_weights_free(const weft_host *h, llv_weights *w);
/* The number of parameters that llv_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t llv_weights_count(const weft_host *h, const llv_config *c);
/* Gives sink every weight that llv_weights_load gets. [setup] */
weft_status llv_weights_tell(const weft_host *h, const weft_package *p, const llv_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* What weft_modality's self points to. */
typedef struct llv_modality {
    const weft_host    *host;
    plg_pool            pool; /* for preprocess */
    const weft_package *package;
    const weft_if_ops  *ops;
    int32_t             core_d_model, core_vocab; /* 0: no text core */
    int32_t             loaded, reserved;
    llv_config          config;
    llv_weights         weights;
} llv_modality;

/* encoder.c: the bytes of device memory that encoding a picture of that grid needs. [any] */
uint64_t llv_scratch_bytes(const llv_config *c, const llv_grid *g);
/* Enqueues the encoder for one picture: pixels [tiles, 3, tile, tile] to tokens [n_tokens, d_text];
 * seen [tiles * rows, d * n_layers] and projected [tiles * rows, d_text] are left out where they
 * have no data. [encode] */
weft_status llv_encode(const llv_modality *m, weft_queue *q, const llv_grid *g,
                       const weft_tensor *pixels, const weft_tensor *tokens,
                       const weft_tensor *seen, const weft_tensor *projected,
                       const weft_tensor *scratch, weft_error *err);

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status llv_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status llv_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* hooks.c: checks that the projector fits the text core that is open. [setup] */
weft_status llv_hooks_check(const llv_modality *m, weft_error *err);
/* hooks.c: weft_modality's install. [setup] */
weft_status llv_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* textmap.c: the checkpoint component, and the record that the plugin's slot of an engine holds. */
extern const weft_checkpoint llv_checkpoint;
weft_status                  llv_textmap_init(const weft_host *h, weft_error *err); /* [setup] */
void                         llv_textmap_deinit(const weft_host *h);                /* [setup] */

/* image.c: the modality component. */
extern const weft_modality llv_image_modality;

#endif
