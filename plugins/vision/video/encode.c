/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a clip's frames into what the text core reads. All of it is enqueued on the queue:
 *
 *   for each group of `group` consecutive frames (the last one may be shorter):
 *     F       = features of its frames, the picture encoder's     a batch of frames at a time
 *     context = F Wᵀ + b + time[frame]                            frame: counted in the clip
 *     output  = resampler(context)                                n_latents rows
 *
 * ../shared/resampler.h has the resampler's formula. A row's bytes do not depend on the rows beside
 * it, so they do not depend on the size of a batch either. Source: Llama 3 paper, 7.2 (32
 * consecutive frames are merged by a perceiver resampler); the time embedding is Flamingo's (arXiv
 * 2204.14198, 3.1). */
#include "video.h"

/* One clip that is being encoded, and its buffers. `context` holds the context rows of one group.
 * The memory behind it is used twice for each group: first for `features` and the picture encoder's
 * scratch, then for the resampler's scratch. */
typedef struct clip {
    plg_run                 run;
    const vid_modality     *m;
    const weft_encode_item *item;
    const vid_carried      *what;
    int64_t                 rows; /* of a frame */
    int32_t                 batch;
    weft_tensor             context, features, rest, shared;
} clip;

static weft_tensor bytes_from(const plg_arena *a, uint64_t bytes)
{
    const int64_t shape[1] = {(int64_t)bytes};
    char         *at = a->base != NULL ? (char *)a->base->data + a->used : NULL;
    return weft_view(a->base, at, WEFT_U8, 1, shape);
}

static int64_t frame_rows(const vid_modality *m, const vid_carried *what)
{
    return (int64_t)what->grid.num_tiles * m->sizes.rows;
}

static uint64_t frames_bytes(const vid_modality *m, const vid_carried *what, int32_t n)
{
    plg_arena a = {NULL, 0, 0};
    (void)plg_carve(&a, WEFT_F32, n * frame_rows(m, what), m->config.d_encoder);
    return a.used + m->eyes->scratch_bytes(m->encoder, what->grid.num_tiles, n);
}

static uint64_t resampler_bytes(const vid_modality *m, const vid_carried *what)
{
    const int32_t n = vid_group_frames(&m->config, what->n_frames, 0);
    return vis_resampler_scratch_bytes(&m->config.resampler, n * frame_rows(m, what), 1);
}

int32_t vid_batch(const vid_modality *m, const vid_carried *what)
{
    const uint64_t lent = resampler_bytes(m, what); /* this much is allocated in any case */
    const uint64_t budget = m->batch_bytes > lent ? m->batch_bytes : lent;
    int32_t        most = vid_group_frames(&m->config, what->n_frames, 0), n = 1;
    if (most > m->sizes.max_batch)
        most = m->sizes.max_batch;
    while (n < most && frames_bytes(m, what, n + 1) <= budget)
        n++;
    return n;
}

static uint64_t layout(clip *c, const weft_tensor *scratch)
{
    const vid_modality *m = c->m;
    plg_arena           a = {scratch, 0, 0};
    const int32_t       group = vid_group_frames(&m->config, c->what->n_frames, 0);
    const uint64_t      late = resampler_bytes(m, c->what);
    c->rows = frame_rows(m, c->what);
    c->batch = vid_batch(m, c->what);
    c->context = plg_carve(&a, WEFT_F32, group * c->rows, m->config.resampler.d);
    const uint64_t early = frames_bytes(m, c->what, c->batch);
    const uint64_t end = a.used + (early > late ? early : late);
    c->shared = bytes_from(&a, end - a.used);
    c->features = plg_carve(&a, WEFT_F32, c->batch * c->rows, m->config.d_encoder);
    c->rest = bytes_from(&a, end - a.used);
    return end;
}

uint64_t vid_scratch_bytes(const vid_modality *m, const vid_carried *what)
{
    clip c;
    memset(&c, 0, sizeof c);
    c.m = m;
    c.what = what;
    return layout(&c, NULL);
}

/* Where rows from .. from + rows - 1 of a stage go: into the output that shows the stage, or, where
 * nobody looks at it, into `buffer`. */
static weft_tensor place(const clip *c, uint32_t output, int64_t from, int64_t rows, int64_t d,
                         const weft_tensor *buffer, int64_t at)
{
    if (c->item->plan->n_outputs > output && c->item->output[output].data != NULL)
        return plg_rows(&c->item->output[output], from, rows, d);
    return plg_rows(buffer, at, rows, d);
}

/* context += time[frame] for n frames from `frame` on; all rows of a frame get the same row of the
 * time table. */
static void add_time(clip *c, const weft_tensor *context, int32_t frame, int32_t n)
{
    const int64_t d = c->m->config.resampler.d, shape[3] = {n, c->rows, d};
    weft_tensor   rows = weft_view(context, context->data, WEFT_F32, 3, shape);
    weft_tensor   time = plg_rows(&c->m->weights.time, frame, n, d);
    time.ndim = 3;
    memcpy(time.shape, shape, sizeof shape);
    time.stride[0] = d;
    time.stride[1] = 0;
    time.stride[2] = 1;
    plg_add(&c->run, &rows, &time, 1.0f);
}

/* Encodes frames [frame, frame + n) of the clip into rows of context. `first` is the first frame of
 * their group. */
static void see(clip *c, int32_t first, int32_t frame, int32_t n)
{
    const vid_modality *m = c->m;
    const weft_tensor  *all = &c->item->input[VID_PIXELS];
    const int64_t       rows = n * c->rows, each = all->stride[0];
    const int64_t       shape[5] = {n, all->shape[1], all->shape[2], all->shape[3], all->shape[4]};
    weft_tensor pixels = weft_view(all, (float *)all->data + frame * each, WEFT_F32, 5, shape);
    weft_tensor features =
        place(c, VID_FEATURES, frame * c->rows, rows, m->config.d_encoder, &c->features, 0);
    weft_tensor context = place(c, VID_CONTEXT, frame * c->rows, rows, m->config.resampler.d,
                                &c->context, (frame - first) * c->rows);
    if (c->run.status == WEFT_OK)
        c->run.status = m->eyes->encode(m->encoder, c->run.q, &c->what->grid, &pixels, n, &features,
                                        &c->rest, c->run.err);
    plg_linear(&c->run, &context, &features, &m->weights.in, WEFT_ACT_NONE);
    add_time(c, &context, frame, n);
}

/* Called between two batches: stops where the host was cancelled (Ctrl-C), and tells how far the
 * work is. */
static void between(clip *c, int32_t done)
{
    const weft_host *h = c->m->host;
    if (WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
        h->progress(h, "encoding", (uint64_t)done, (uint64_t)c->what->n_frames, "frames");
    if (c->run.status == WEFT_OK && h->cancelled(h))
        c->run.status = weft_fail(c->run.err, WEFT_E_CANCELLED, "cancelled");
}

static void merge(clip *c, int32_t group, int32_t first, int32_t n)
{
    const vid_config *o = &c->m->config;
    const int64_t     latents = o->resampler.n_latents;
    const int32_t     begin[2] = {0, (int32_t)(n * c->rows)};
    weft_tensor       context =
        place(c, VID_CONTEXT, first * c->rows, begin[1], o->resampler.d, &c->context, 0);
    weft_tensor out = plg_rows(&c->item->output[VID_OUT], group * latents, latents, o->resampler.d);
    vis_resampler_run(&c->run, &c->m->weights.resampler, &context, begin, 1, &out, &c->shared);
}

weft_status vid_encode(const vid_modality *m, const weft_encode_item *item, weft_queue *q,
                       const weft_tensor *scratch, weft_error *err)
{
    vid_carried what;
    clip        c;
    memset(&c, 0, sizeof c);
    memcpy(&what, item->plan->carried, sizeof what);
    c.run = plg_run_begin(m->host, m->ops, q, err);
    c.m = m;
    c.item = item;
    c.what = &what;
    if (layout(&c, scratch) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %d frames was given too little scratch memory", VID_ID,
                         what.n_frames);
    for (int32_t g = 0, first = 0; g < vid_groups(&m->config, what.n_frames); g++) {
        const int32_t frames = vid_group_frames(&m->config, what.n_frames, g);
        for (int32_t i = 0; i < frames && c.run.status == WEFT_OK; i += c.batch) {
            const int32_t n = frames - i < c.batch ? frames - i : c.batch;
            see(&c, first, first + i, n);
            between(&c, first + i + n);
        }
        merge(&c, g, first, frames);
        first += frames;
    }
    return c.run.status;
}
