/* SPDX-License-Identifier: Apache-2.0 */
/* The types of weft.idefics3.
 *
 * The words of the code: a picture is resized so that its sides are multiples of a *tile*'s, and
 * cut into tiles; a last tile, the *global* one, is the whole picture made small. SigLIP makes a
 * row of each patch of a tile. The *connector* puts scale x scale neighbouring rows side by side
 * and projects them, so a tile takes `seq` soft tokens in the text. Between the tiles stands text
 * that tells their places (weft_plan.layout). Source of every formula: transformers 4.49
 * models/idefics3; SmolVLM has the same graph. */
#ifndef ID3_IDEFICS3_H
#define ID3_IDEFICS3_H

#include "weft/sdk.h"

#include "../../common/modality.h"
#include "../shared/preprocess.h"
#include "../shared/tower.h"

#define ID3_ID "weft.idefics3"
#define ID3_VERSION "0.1.0"
#define ID3_ARCHITECTURE "Idefics3ForConditionalGeneration"
#define ID3_ARCHITECTURE_SMOL "SmolVLMForConditionalGeneration"
#define ID3_STREAM "weft.idefics3/image"
#define ID3_MARKER "<image>"
#define ID3_AROUND "<fake_token_around_image>"
#define ID3_GLOBAL "<global-img>"
#define ID3_CONFIG "config.json"
#define ID3_PREPROCESSOR "preprocessor_config.json"

#define ID3_MAX_SIDE 8 /* tiles of a side */
#define ID3_MAX_TILES                                                                              \
    (ID3_MAX_SIDE * ID3_MAX_SIDE + 1) /* of a picture, the global one included                     \
                                       */
#define ID3_MAX_EDGE 4096             /* pixels: the reference goes no further */

#define ID3_MAX_FRAMES 512 /* of a clip */

/* How frames are taken from a clip; max_frames 0: the directory is of a model that knows none. */
typedef struct id3_sampling {
    double  fps;        /* frames a second that are wanted */
    int32_t max_frames; /* and no more than these of a clip */
    int32_t edge;       /* pixels of a resized frame's longer side */
} id3_sampling;

typedef struct id3_config {
    vis_tower_config tower;
    int32_t          scale;    /* rows of a side that become one */
    int32_t          seq;      /* soft tokens of a tile */
    int32_t          d_text;   /* width of the text model */
    int32_t          n_layers; /* of the text model */
    int32_t          image_id; /* the token of a soft token's place */
    int32_t          edge;     /* pixels of a resized picture's longer side */
    int32_t          splits;   /* 0: the global tile alone */
    int32_t          tied;     /* text_config says that its head is its embedding */
    vis_image_config image;    /* its tile and normalisation */
    id3_sampling     clip;
    const char      *describe, *describe_clip; /* the prompts; live until deinit */
} id3_config;

/* Reads and range-checks config.json and preprocessor_config.json. UNSUPPORTED: another
 * architecture's directory; INVALID names key, value and range. [setup] */
weft_status id3_config_read(const weft_host *h, const weft_package *p, id3_config *out,
                            weft_error *err);
/* What the text map needs: n_layers and tied. [setup] */
weft_status id3_config_read_text(const weft_host *h, const weft_package *p, id3_config *out,
                                 weft_error *err);

/* pages.c: 1 where the directory's model was trained to turn pages into DocTags, and to be asked
 * for them: its tokenizer has the token <doctag>. [setup] */
int32_t id3_reads_pages(const weft_host *h, const weft_package *p);

/* How a picture is resized and cut. rows and cols 0: it is not cut, and its one tile is the global
 * one. */
typedef struct id3_grid {
    int32_t fit_width, fit_height;   /* after the first resizing, which keeps the aspect ratio */
    int32_t full_width, full_height; /* after the second one: whole tiles */
    int32_t rows, cols;
} id3_grid;

/* grid.c: the grid of a picture of these sizes, which are 1 to VIS_MAX_SIDE. [any] */
id3_grid id3_grid_of(const id3_config *c, int32_t width, int32_t height);
/* The tiles of a grid, the global one included. [any] */
int32_t id3_grid_tiles(const id3_grid *g);
/* Writes the layout of a grid into text: as the reference's processor expands a picture's token,
 * one marker for the soft tokens of a tile. Returns the bytes that it takes with its end; nothing
 * beyond cap is written. [any] */
uint64_t id3_grid_layout(const id3_grid *g, char *text, uint64_t cap);

/* picture.c: reads the frames of media at n times (of a picture: one, 0) and makes the tiles of
 * each, f32 [n * tiles, 3, tile, tile], as the reference does bit for bit where Pillow resizes.
 * LIMIT, NOMEM, CANCELLED, or the decoder's failure. [worker] */
weft_status id3_frames_read(const plg_pool *pool, const weft_media *media, const id3_config *c,
                            const id3_grid *g, const int64_t *time_us, int32_t n, float *dst,
                            weft_error *err);

/* clip.c: which frames of a clip are looked at. A frame's index counts from the clip's start, at
 * fps_num / fps_den frames a second; `asked` of them are spread from first to last, the same one
 * never twice. */
typedef struct id3_clip {
    int64_t first, last;
    int32_t asked, fps_num, fps_den, reserved;
} id3_clip;
/* Chooses them for a clip of that information, of which rq may want a part. INVALID: its length is
 * not known, or the part is none; LIMIT. [any] */
weft_status id3_clip_choose(const id3_config *c, const weft_media_info *mi, const weft_request *rq,
                            const weft_limits *lim, id3_clip *out, weft_error *err);
/* The indices, rising, to index [ID3_MAX_FRAMES]; returns how many. [any] */
int32_t id3_clip_frames(const id3_clip *clip, int64_t *index);
/* The length that is told of a clip, or of the part that rq wants, in whole seconds. [any] */
int64_t id3_clip_seconds(const weft_media_info *mi, const weft_request *rq);
/* A time at which the decoder shows that frame. [any] */
int64_t id3_clip_time(const id3_clip *clip, int64_t index);
/* The whole text of a clip whose frames have that grid, as the reference's processor writes it; as
 * id3_grid_layout(). *lead, *trail: see weft_plan. seconds: the length that is told. [any] */
uint64_t id3_clip_layout(const id3_clip *clip, const id3_grid *g, int64_t seconds, char *text,
                         uint64_t cap, uint64_t *lead, uint64_t *trail);

/* mask.c: from a mask of a tile's pixels, i64 [tile, tile], to the patches that count and their
 * positions: positions [n], keys [n]. Returns how many count; n where all do. [any] */
int32_t id3_mask_read(const vis_tower_config *c, const int64_t *pixels, int32_t *positions,
                      int32_t *keys);

typedef struct id3_weights {
    vis_tower   tower;
    weft_tensor project; /* [d_text, d * scale * scale] */
} id3_weights;

/* Loads all weights in one request. On failure *out holds nothing. [setup] */
weft_status id3_weights_load(const weft_host *h, const weft_package *p, const id3_config *c,
                             id3_weights *out, weft_error *err);
void        id3_weights_free(const weft_host *h, id3_weights *w);
/* The number of parameters that id3_weights_load reads, from the configuration alone; 0 when memory
 * is out. [any] */
uint64_t id3_weights_count(const weft_host *h, const id3_config *c);
/* Gives sink every weight that id3_weights_load gets. [setup] */
weft_status id3_weights_tell(const weft_host *h, const weft_package *p, const id3_config *c,
                             const weft_weight_sink *sink, weft_error *err);

/* What weft_modality's self points to. */
typedef struct id3_modality {
    const weft_host    *host;
    plg_pool            pool; /* for preprocess */
    const weft_package *package;
    const weft_if_ops  *ops;
    int32_t             core_d_model, core_vocab; /* 0: no text core */
    int32_t             loaded, reserved;
    id3_config          config;
    id3_weights         weights;
} id3_modality;

/* What a plan carries. */
typedef struct id3_carried {
    id3_grid grid;
    int32_t  n_tiles, masked; /* masked: the second input is a mask of pixels */
    id3_clip clip;            /* asked 0: a picture */
} id3_carried;

/* encoder.c: the bytes of device memory that encoding tiles one after another needs. [any] */
uint64_t id3_scratch_bytes(const id3_config *c);
/* Enqueues the encoder for one item of n tiles: pixels [n, 3, tile, tile]; mask, i64 [n, tile,
 * tile] in host memory, or NULL; tokens [n * seq, d_text]; rows [n * tower.n, d], left out where it
 * has no data. [encode] */
weft_status id3_encode(const id3_modality *m, weft_queue *q, int32_t n, const weft_tensor *pixels,
                       const int64_t *mask, const weft_tensor *tokens, const weft_tensor *rows,
                       const weft_tensor *scratch, weft_error *err);

/* plan.c: weft_modality's plan and plan_inputs. */
weft_status id3_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status id3_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err);

/* hooks.c: checks that the connector fits the text core that is open. [setup] */
weft_status id3_hooks_check(const id3_modality *m, weft_error *err);
/* hooks.c: weft_modality's install. [setup] */
weft_status id3_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err);

/* textmap.c: the checkpoint component, and the record that the plugin's slot of an engine holds. */
extern const weft_checkpoint id3_checkpoint;
weft_status                  id3_textmap_init(const weft_host *h, weft_error *err); /* [setup] */
void                         id3_textmap_deinit(const weft_host *h);                /* [setup] */

/* image.c: the modality components: of models that know pictures alone, and of those that know
 * clips too. One of the two is for a directory. */
extern const weft_modality id3_image_modality, id3_clip_modality;

#endif
